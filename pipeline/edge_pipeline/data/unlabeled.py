"""Opens images without labels: enough to calibrate on and to ask whether two models agree."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_pipeline.data import checks
from edge_pipeline.data.dataset import Skipped
from edge_pipeline.data.inspection import Progress, inspect
from edge_pipeline.data.layout import IMAGE_SUFFIXES, SPLIT_NAMES, SPLITS, Item
from edge_pipeline.data.leaks import same_content
from edge_pipeline.data.partition import partition
from edge_pipeline.data.twins import Thumbnails
from edge_runtime.errors import InputError


@dataclass(frozen=True)
class UnlabeledSplit:
    """The images of one split, sorted by path. Iterating gives `(path, None)` and opens nothing."""

    root: Path
    files: tuple[str, ...]
    fingerprint: str
    """SHA-256 over the items' content hashes, whatever the files are called."""

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[tuple[Path, None]]:
        for file in self.files:
            yield self.root / file, None


def list_unlabeled(root: Path) -> tuple[Item, ...]:
    """Find the images in and below `root`; a folder named like a split at its top says which split they are in."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(folder, name)
            if path.suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
                parts = path.relative_to(root).parts
                split = SPLIT_NAMES.get(parts[0].lower()) if len(parts) > 1 else None
                found.append(Item("/".join(parts), (), split))
    stated = sum(item.split is not None for item in found)
    # Folders beside the splits belong to none of them.
    used = found if not stated else [item for item in found if item.split is not None]
    return tuple(sorted(used, key=lambda item: item.path))


def open_unlabeled(
    path: Path | str, *, allow_leaks: bool = False, seed: int = 0, progress: Progress | None = None
) -> tuple[dict[str, UnlabeledSplit], list[str]]:
    """Open a folder of images without labels, check it and split it as `open_dataset` does.

    Returns:
        The splits, and what someone should look at, one line each.

    Raises:
        InputError: there are no images, more than 1 % are unreadable, or two splits share files.
    """
    root = Path(path).absolute()
    listed = list_unlabeled(root)
    seen = inspect(root, [item.path for item in listed], cache_key=root, progress=progress)
    skipped = tuple(Skipped(listed[row].path, reason) for row, reason in sorted(seen.problems.items()))
    warnings = checks.check_skipped(root, skipped, listed)
    rows = [row for row in range(len(listed)) if row not in seen.problems]
    if not rows:
        raise InputError(f"{root}: no images; expected files such as .jpg and .png")
    items, digests, likeness = [listed[row] for row in rows], seen.sha256[rows], Thumbnails(seen.thumbnails[rows])
    content = same_content(digests)
    splits, _, decided = partition(items, content, digests, likeness, seed)
    _, leaks = checks.check_leaks(root, items, splits, content, allow=allow_leaks)
    _, twins = checks.find_near_duplicates(items, splits, content, likeness)
    made = {}
    for name in SPLITS:
        chosen = np.flatnonzero(np.array(splits) == name)
        if len(chosen):
            fingerprint = hashlib.sha256(b"".join(sorted(digests[row].tobytes() for row in chosen))).hexdigest()
            made[name] = UnlabeledSplit(root, tuple(items[row].path for row in chosen), fingerprint)
    counts = Counter(splits)
    sizes = ", ".join(f"{counts[name]:,} {name}" for name in SPLITS)
    return made, [f"no labels: {len(items):,} images ({sizes})", *warnings, *decided, *leaks, *twins]


def open_frames(path: Path | str) -> UnlabeledSplit:
    """Open a folder of frames without labels as one split: every readable image in and below it, each content once.

    Raises:
        InputError: there are no images, or more than 1 % are unreadable.
    """
    root = Path(path).absolute()
    listed = list_unlabeled(root)
    seen = inspect(root, [item.path for item in listed], cache_key=root)
    skipped = tuple(Skipped(listed[row].path, reason) for row, reason in sorted(seen.problems.items()))
    checks.check_skipped(root, skipped, listed)
    rows = {seen.sha256[row].tobytes(): row for row in reversed(range(len(listed))) if row not in seen.problems}
    if not rows:
        raise InputError(f"--unlabeled {root}: no images; expected files such as .jpg and .png")
    fingerprint = hashlib.sha256(b"".join(sorted(rows))).hexdigest()
    return UnlabeledSplit(root, tuple(listed[row].path for row in sorted(rows.values())), fingerprint)
