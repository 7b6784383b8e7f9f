"""Remembers what inspecting a data set found, so that `edge export` need not decode what `edge train` decoded."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.cache import load_arrays, save_arrays

SCHEMA = 1
"""Part of the entry's name; raise it when what is kept of an image, or the decoder, changes."""
SETTLED_NS = 1_000_000_000
"""A file that changed less than this before the cache is written may change again within one tick of the file system's
clock, so it is not remembered."""


@dataclass(frozen=True)
class Known:
    """What is remembered of `n` readable files."""

    paths: list[str]
    stamps: NDArray[np.int64]
    """`(n, 3)`: see `stamp`."""
    sha256: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    thumbnails: NDArray[np.uint8]


def stamp(path: str) -> tuple[int, int, int]:
    """Return size, modification and change time in ns: while they stay, the bytes did. Raises `OSError`.

    The change time is there because copying tools set the modification time back.
    """
    status = os.stat(path)  # noqa: PTH116 - a Path for each of 70,000 files takes longer than the question
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def load_known(data: Path) -> Known | None:
    """Return what is remembered of the data set at the absolute path `data`; None where nothing usable is."""
    arrays = load_arrays(_name(data))
    if arrays is None or {"paths", "stamps", "sha256", "sizes", "thumbnails"} - arrays.keys():
        return None
    paths = arrays["paths"].tobytes().decode("utf-8", "surrogateescape").split("\0")
    known = Known(paths, arrays["stamps"], arrays["sha256"], arrays["sizes"], arrays["thumbnails"])
    shapes = known.stamps.shape, known.sha256.shape, known.sizes.shape, known.thumbnails.shape
    count = len(paths)
    return known if shapes == ((count, 3), (count, 32), (count, 2), (count, 256)) else None


def save_known(data: Path, known: Known) -> None:
    """Remember what was found in the data set at `data`."""
    settled = np.flatnonzero(known.stamps[:, 1:].max(axis=1, initial=0) < time.time_ns() - SETTLED_NS)
    if not len(settled):
        return
    names = "\0".join(known.paths[row] for row in settled).encode("utf-8", "surrogateescape")
    arrays: dict[str, NDArray[Any]] = {
        "paths": np.frombuffer(names, np.uint8),
        "stamps": known.stamps[settled],
        "sha256": known.sha256[settled],
        "sizes": known.sizes[settled],
        "thumbnails": known.thumbnails[settled],
    }
    save_arrays(_name(data), arrays)


def select(
    known: Known | None, paths: Sequence[str], stamps: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of `paths` that are remembered with the same stamp, and their rows in `known`."""
    if known is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    row_of = {path: row for row, path in enumerate(known.paths)}
    found = np.array([row_of.get(path, -1) for path in paths], np.int64)
    rows = np.flatnonzero(found >= 0)
    same = (known.stamps[found[rows]] == stamps[rows]).all(axis=1)
    return rows[same], found[rows[same]]


def _name(data: Path) -> str:
    return f"inspections/{hashlib.sha256(os.fsencode(data)).hexdigest()[:32]}.v{SCHEMA}"
