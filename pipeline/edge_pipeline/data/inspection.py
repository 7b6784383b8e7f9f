"""Reads every image once, on all cores and in bounded memory, and remembers what it saw."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.decode import SIDE, Facts, read_facts
from edge_pipeline.data.known import Known, load_known, save_known, select, stamp
from edge_runtime.errors import InputError

Progress = Callable[[int, int], None]
"""Called with images done and images in all."""
CHUNK = 64
"""Images that a thread takes at once: enough to hide the hand-over, few enough for a smooth progress bar."""


@dataclass(frozen=True)
class Inspection:
    """What is known of `n` files, in the order in which they were given. Rows of unreadable files are zero."""

    sha256: NDArray[np.uint8]
    """`(n, 32)`, of the files' bytes."""
    sizes: NDArray[np.int32]
    """`(n, 2)`, width and height in pixels."""
    thumbnails: NDArray[np.uint8]
    """`(n, 256)`, gray values of a 16x16 copy."""
    problems: dict[int, str]
    """Row to the reason why the file cannot be read."""


def inspect(root: Path, paths: Sequence[str], *, cache_key: Path, progress: Progress | None = None) -> Inspection:
    """Read and decode each file, or take what an earlier call on the same unchanged file found.

    Only hash, size and thumbnail stay in memory: about 320 bytes an image.
    """
    count = len(paths)
    result = Inspection(
        np.zeros((count, 32), np.uint8), np.zeros((count, 2), np.int32), np.zeros((count, SIDE * SIDE), np.uint8), {}
    )
    stamps = _stamps(root, paths, result.problems)
    known = load_known(cache_key)
    rows, remembered = select(known, paths, stamps)
    if known is not None:
        result.sha256[rows] = known.sha256[remembered]
        result.sizes[rows] = known.sizes[remembered]
        result.thumbnails[rows] = known.thumbnails[remembered]
    missing = np.setdiff1d(np.arange(count), np.union1d(rows, list(result.problems)))
    if len(missing):
        _read_all(root, paths, missing.tolist(), result, progress)
        _remember(cache_key, paths, stamps, result)
    return result


def _stamps(root: Path, paths: Sequence[str], problems: dict[int, str]) -> NDArray[np.int64]:
    """Return each file's stamp, taken before it is read; files that are not there become problems."""
    stamps = np.zeros((len(paths), 3), np.int64)
    for row, path in enumerate(paths):
        try:
            stamps[row] = stamp(os.path.join(root, path))  # noqa: PTH118 - as in `stamp`
        except OSError as error:
            problems[row] = error.strerror or str(error)
    return stamps


def _read_all(root: Path, paths: Sequence[str], rows: list[int], result: Inspection, progress: Progress | None) -> None:
    """Fill in the rows. Decoding and hashing leave Python's lock, so threads use the cores."""

    def read_chunk(chunk: list[int]) -> list[Facts | str]:
        return [_read(root / paths[row]) for row in chunk]

    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    done = len(paths) - len(rows)
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=_cores()) as pool:
        # Sloppy EXIF and the like are no news to anybody; what makes a file unreadable comes as an error.
        warnings.filterwarnings("ignore", module="PIL")
        for chunk, facts in zip(chunks, pool.map(read_chunk, chunks), strict=True):
            for row, fact in zip(chunk, facts, strict=True):
                if isinstance(fact, str):
                    result.problems[row] = fact
                else:
                    result.sha256[row] = np.frombuffer(fact.sha256, np.uint8)
                    result.sizes[row] = fact.width, fact.height
                    result.thumbnails[row] = np.frombuffer(fact.thumbnail, np.uint8)
            done += len(chunk)
            if progress is not None:
                progress(done, len(paths))


def _read(path: Path) -> Facts | str:
    """Return what is kept of the file, or why it cannot be read."""
    try:
        return read_facts(path.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except InputError as error:
        return str(error)


def _remember(cache_key: Path, paths: Sequence[str], stamps: NDArray[np.int64], result: Inspection) -> None:
    rows = np.setdiff1d(np.arange(len(paths)), list(result.problems))
    names = [path for row, path in enumerate(paths) if row not in result.problems]
    save_known(cache_key, Known(names, stamps[rows], result.sha256[rows], result.sizes[rows], result.thumbnails[rows]))


def _cores() -> int:
    """Return how many cores this process may use, where the system tells; more than 8 readers wait for the disk."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity is not None else os.cpu_count() or 1, 8)
