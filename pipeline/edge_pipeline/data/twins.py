"""Finds pictures that look the same: re-encoded, resized, lit otherwise, or neighboring frames of a still camera.

No hashing, so nothing collides, however small the pictures: 16x16 gray copies, less their mean and scaled to unit
length, are compared by cosine, and the best match must also have nearly the same gray values. On Fashion-MNIST this
finds 27 of 10,000 test images that show what a train image shows, and on MNIST none.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.cache import load_arrays, save_arrays

SIMILARITY = 0.995
"""Cosine of two thumbnails, each less its mean, from which on they look the same."""
DIFFERENCE = 3.0
"""Mean absolute difference of the two thumbnails' gray values, exposure aligned, that they may have at most."""
GAIN = 1.4
"""Most by which one thumbnail's contrast may be stretched to meet the other's: an exposure or a contrast setting."""
CONTRAST = 4.0
"""Standard deviation of gray values under which a thumbnail is a plain area, which looks like any other."""
ROUNDING = 1e-4
"""Room for float32 in the search; what it finds is decided in float64, so that every machine decides alike."""
REACH = float(np.sqrt(2 - 2 * (SIMILARITY - ROUNDING))) + ROUNDING
"""How far two unit vectors of that cosine can lie apart."""
BLOCK = 2048
"""Rows compared at once: bounds the memory to BLOCK x BLOCK similarities."""


@dataclass(frozen=True)
class Thumbnails:
    """`(n, 256)` gray copies of images."""

    values: NDArray[np.uint8]

    def near(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> dict[int, int]:
        """Return for each of `rows` that looks the same as one of `others` that other row, never itself."""
        return near_twins(self.values, rows, others)


WORTH_KEEPING = 4_000_000
"""Comparisons from which on the answer is kept in the cache; fewer are made again at once."""


def near_twins(thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], others: NDArray[np.int64]) -> dict[int, int]:
    """Return for each of `rows` that looks the same as one of `others` that other row; a row is not its own twin.

    Args:
        thumbnails: `(n, 256)` gray values.
        rows: positions in `thumbnails` to look for twins of.
        others: positions in `thumbnails` to look among.
    """
    if len(rows) * len(others) < WORTH_KEEPING:
        pairs = _find(thumbnails, rows, others)
    else:
        constants = f"{SIMILARITY} {DIFFERENCE} {GAIN} {CONTRAST} 1 ".encode()
        parts = (thumbnails[rows], thumbnails[others], rows, others)
        digest = hashlib.sha256(constants + b"".join(part.tobytes() for part in parts)).hexdigest()
        kept = load_arrays(f"twins/{digest}")
        pairs = _find(thumbnails, rows, others) if kept is None else kept["pairs"]
        if kept is None:
            save_arrays(f"twins/{digest}", {"pairs": pairs})
    return {int(row): int(other) for row, other in pairs}


def _find(thumbnails: NDArray[np.uint8], rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `(k, 2)` pairs, sorted by row.

    Two unit vectors of cosine `c` differ by at most `sqrt(2 - 2 c)` in any direction, so both sides are sorted along
    the direction of largest variance and only those within that distance are multiplied, block by block.
    """
    left, left_rows = _normalized(thumbnails, rows)
    right, right_rows = _normalized(thumbnails, others)
    if not len(left_rows) or not len(right_rows):
        return np.zeros((0, 2), np.int64)
    direction = _main_direction(right)
    left, left_rows, left_key = _sorted(left, left_rows, direction)
    right, right_rows, right_key = _sorted(right, right_rows, direction)
    twins: dict[int, int] = {}
    for start in range(0, len(left_rows), BLOCK):
        block = slice(start, start + BLOCK)
        keys = left_key[block]
        low, high = np.searchsorted(right_key, [keys[0] - REACH, keys[-1] + REACH])
        for begin in range(int(low), int(high), BLOCK):
            part = slice(begin, min(begin + BLOCK, int(high)))
            cosine = left[block] @ right[part].T
            cosine[left_rows[block, None] == right_rows[None, part]] = -1
            best = cosine.argmax(axis=1)
            close = np.flatnonzero(cosine[np.arange(len(best)), best] >= SIMILARITY - ROUNDING)
            for row, other in zip(left_rows[block][close], right_rows[part][best[close]], strict=True):
                if int(row) not in twins and _alike(thumbnails[row], thumbnails[other]):
                    twins[int(row)] = int(other)
    return np.array(sorted(twins.items()), np.int64).reshape(-1, 2)


def _normalized(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    values = thumbnails[rows].astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1)
    enough = length >= CONTRAST * np.sqrt(values.shape[1])
    return values[enough] / length[enough, None], rows[enough]


def _sorted(
    values: NDArray[np.float32], rows: NDArray[np.int64], direction: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Sort by the position along `direction`; return values, rows and positions."""
    key = values @ direction
    order = np.argsort(key, kind="stable")
    return values[order], rows[order], key[order]


def _main_direction(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return about the unit vector along which the rows vary most, by power iteration on a sample of them.

    Any direction gives the same twins; a good one gives them sooner.
    """
    sample = values[:: max(1, len(values) // 2048)]
    sample = sample - sample.mean(axis=0)
    direction: NDArray[np.float32] = sample[0]
    for _ in range(20):
        longer = np.matmul(sample.T, np.matmul(sample, direction))
        direction = longer / np.maximum(np.linalg.norm(longer), np.float32(1e-30))
    return direction


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Decide in float64: cosine, then gray values after aligning exposure (brightness freely, contrast within GAIN)."""
    left = one - one.mean()
    right = other - other.mean()
    if left @ right < SIMILARITY * np.sqrt((left @ left) * (right @ right)):
        return False
    gain = float(np.clip((left @ right) / (right @ right), 1 / GAIN, GAIN))
    return bool(np.abs(left - gain * right).mean() <= DIFFERENCE)
