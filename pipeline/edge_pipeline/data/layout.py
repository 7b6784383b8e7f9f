"""Finds the labelled images of a folder: with splits (`train/cat/1.png`) or flat (`cat/1.png`)."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge_benchmarks.accuracy import Span
from edge_runtime.errors import InputError

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call the splits, lower case, and what they are called here."""

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".avif", ".bmp", ".dib", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png",
    ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
))
"""Files with these endings must be images; one that cannot be decoded counts as unreadable."""
FOREIGN_SUFFIXES = frozenset((
    ".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".orf", ".psd", ".raw", ".rw2", ".svg",
))
# fmt: on
"""Pictures that the runtime cannot decode: never passed over in silence, since someone meant them as data."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled image, before anybody has opened it."""

    path: str
    """Relative to the data's root with `/` between the parts, or absolute where a CSV says so."""
    labels: tuple[str, ...]
    """One name; several or none where an image may have several labels."""
    split: str | None
    """`train`, `val` or `test`; None where the data does not say."""
    group: str | None = None
    """What must stay together: the recording, patient or machine that the image is from."""
    spans: tuple[Span, ...] | None = None
    """Entities of a text, whose kinds are its labels; None where labels are of the whole item."""


@dataclass(frozen=True)
class Listing:
    """The items that a folder or a CSV names, sorted by path."""

    root: Path
    """Absolute; what the items' paths are relative to."""
    items: tuple[Item, ...]
    ignored: dict[str, int] = field(default_factory=dict)
    """Kind of file that is no image (its ending, or `hidden`) to how many there are."""
    warnings: tuple[str, ...] = ()


def list_folder(root: Path) -> Listing:
    """Find the images of a folder with splits or of a flat folder of classes.

    It is a folder with splits when it has a `train` folder (or `training`) that holds folders and no images of its
    own, so that a class named train (the vehicle) is not taken for a split.

    Raises:
        InputError: there is no folder of classes.
    """
    folders = _folders(root)
    by_split: dict[str, Path] = {}
    for folder in folders:
        split = SPLIT_NAMES.get(folder.name.lower())
        if split is not None and split in by_split:
            raise InputError(f"{root}: {by_split[split].name} and {folder.name} are both the {split} split; keep one")
        if split is not None:
            by_split[split] = folder
    train = by_split.get("train")
    if train is not None and _folders(train) and not _has_images(train):
        return _list_splits(root, folders, by_split)
    if not folders:
        raise InputError(
            f"{root}: no folders of classes in it; expected {root.name}/CLASS/*.jpg, "
            f"{root.name}/train/CLASS/*.jpg, or a CSV file with the header path,label"
        )
    if folders and all(folder.name.lower() in SPLIT_NAMES for folder in folders):
        found = ", ".join(folder.name for folder in folders)
        raise InputError(f"{root}: found {found}, but no train folder with a folder for each class; add train/CLASS")
    ignored: Counter[str] = Counter()
    items, warnings = _list_classes(root, folders, None, ignored)
    return _listing(root, items, ignored, _loose_files(root, root) + warnings)


def _list_splits(root: Path, folders: list[Path], by_split: dict[str, Path]) -> Listing:
    ignored: Counter[str] = Counter()
    items: list[Item] = []
    warnings = _loose_files(root, root)
    others = [folder.name for folder in folders if folder not in by_split.values()]
    if others:
        warnings.append(f"not read, since they are no split: {', '.join(others)}")
    for split, folder in by_split.items():
        found, more = _list_classes(root, _folders(folder), split, ignored)
        items += found
        warnings += _loose_files(root, folder) + more
    return _listing(root, items, ignored, warnings)


def _listing(root: Path, items: list[Item], ignored: Counter[str], warnings: list[str]) -> Listing:
    return Listing(
        root, tuple(sorted(items, key=lambda item: item.path)), dict(sorted(ignored.items())), tuple(warnings)
    )


def _list_classes(
    root: Path, classes: list[Path], split: str | None, ignored: Counter[str]
) -> tuple[list[Item], list[str]]:
    """List the images under each class folder, however deep; a class without any is a warning and no class."""
    items: list[Item] = []
    warnings = []
    for folder in classes:
        before = len(items)
        for path in _walk(folder):
            kind = _kind(path)
            if kind == "image":
                items.append(Item(path.relative_to(root).as_posix(), (folder.name,), split))
            else:
                ignored[kind] += 1
        if len(items) == before:
            warnings.append(f"{folder.relative_to(root).as_posix()} holds no images, so it is no class")
    return items, warnings


def _kind(path: Path) -> str:
    """Return `image`, or what to count the file as."""
    if path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini"):
        return "hidden"
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES or suffix in FOREIGN_SUFFIXES:
        return "image"
    return suffix or "without ending"


def _folders(folder: Path) -> list[Path]:
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))
    )


def _has_images(folder: Path) -> bool:
    return any(entry.is_file() and _kind(entry) == "image" for entry in folder.iterdir())


def _loose_files(root: Path, folder: Path) -> list[str]:
    """Warn of images that lie beside the class folders, where no label can be read off."""
    count = sum(1 for entry in folder.iterdir() if entry.is_file() and _kind(entry) == "image")
    name = folder.relative_to(root).as_posix()
    where = "beside the folders" if name == "." else f"in {name} beside its class folders"
    return [f"{count:,} images {where} have no label and are not read"] if count else []


def _walk(folder: Path) -> Iterator[Path]:
    """Give every file below `folder`, through links too, each folder once however the links run."""
    seen: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            yield Path(parent, name)
