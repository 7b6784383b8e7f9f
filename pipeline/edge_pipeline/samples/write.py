"""Splits a source's images and writes them as a PNG image folder, all of it or nothing."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.split import assign
from edge_pipeline.samples.interface import LabelledImages, SampleReport, Source
from edge_pipeline.samples.registry import SOURCES
from edge_runtime.errors import InputError, MachineError

Progress = Callable[[int, int], None]
"""Called with images done and images in all."""


def write_sample(name: str, directory: Path | str, seed: int = 0, *, progress: Progress | None = None) -> SampleReport:
    """Write real images as `directory/{train,val,test}/{class}/{number}.png`.

    The splits are seeded, stratified by class and share no image: images with equal pixels are kept once. The number
    in a file's name is the image's place in its source.

    Raises:
        InputError: the name is unknown, or `directory` exists and is not empty.
        MachineError: the package that the images come with is not installed, or the disk does not take them.
    """
    if name not in SOURCES:
        raise InputError(f"{name!r} is not a sample; choose one of {', '.join(SOURCES)}")
    target = Path(directory).absolute()
    _require_free(target)
    source = SOURCES[name]
    images = source.load()
    kept = _distinct(images)
    splits = _split(source, images, kept, seed)
    try:
        _write_folder(target, images, splits, progress)
    except OSError as error:
        raise MachineError(f"{target}: cannot write the sample ({error}); check free space and permissions") from error
    counts = {split: len(rows) for split, rows in splits.items()}
    return SampleReport(name, Path(directory), images.classes, counts, len(images.targets) - len(kept), seed)


def _require_free(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        what = "is not empty" if target.is_dir() else "is a file"
        raise InputError(f"{target} exists and {what}; remove it or choose another directory")


def _distinct(images: LabelledImages) -> NDArray[np.int64]:
    """Return the rows to keep, ascending: one of each set of equal images, a test image before a train image."""
    order = np.arange(len(images.targets))
    if images.official_test is not None:
        order = np.argsort(~images.official_test, kind="stable")
    seen: set[bytes] = set()
    kept = []
    for row in order:
        pixels = images.pixels[row].tobytes()
        if pixels not in seen:
            seen.add(pixels)
            kept.append(int(row))
    return np.array(sorted(kept), np.int64)


def _split(source: Source, images: LabelledImages, kept: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.int64]]:
    """Return ascending rows for each split, made by the same code that splits a user's folder."""
    if images.official_test is None:
        pool, test = kept, None
    else:
        is_test = images.official_test[kept]
        pool, test = kept[~is_test], kept[is_test]
    sizes = {"val": source.val} | ({} if source.test is None else {"test": source.test})
    shares = {"train": 1 - sum(sizes.values()) / len(pool)} | {name: size / len(pool) for name, size in sizes.items()}
    digests = np.array([_digest(images.pixels[row]) for row in pool])
    positions = assign(images.targets[pool], np.arange(len(pool)), digests, shares, seed)
    splits = {name: pool[positions == position] for position, name in enumerate(shares)}
    return splits if test is None else splits | {"test": test}


def _digest(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.frombuffer(hashlib.sha256(pixels.tobytes()).digest(), np.uint8)


def _write_folder(
    target: Path, images: LabelledImages, splits: dict[str, NDArray[np.int64]], progress: Progress | None
) -> None:
    """Write into a sibling and rename it, so that `target` is never half a data set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # `.` and `..` have no name of their own, so the sibling could not stand beside them.
    target = target.resolve()
    sibling = target.with_name(f".{target.name}.partial-{os.getpid()}")
    shutil.rmtree(sibling, ignore_errors=True)
    try:
        _write_images(sibling, images, splits, progress)
        if target.is_dir():
            target.rmdir()
        sibling.rename(target)
    finally:
        shutil.rmtree(sibling, ignore_errors=True)


def _write_images(
    root: Path, images: LabelledImages, splits: dict[str, NDArray[np.int64]], progress: Progress | None
) -> None:
    from PIL import Image

    total = sum(len(rows) for rows in splits.values())
    done = 0
    for split, rows in splits.items():
        folders = [root / split / name for name in images.classes]
        for folder in folders:
            folder.mkdir(parents=True)
        for row in rows:
            file = folders[images.targets[row]] / f"{row:05d}.png"
            # Images of 28x28 pixels: the strongest level saves nothing worth its time.
            Image.fromarray(images.pixels[row]).save(file, format="PNG", compress_level=1)
            done += 1
            if progress is not None and (done % 256 == 0 or done == total):
                progress(done, total)
