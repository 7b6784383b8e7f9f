"""Finds texts that say nearly the same: a template with another number or name, or one word changed.

Texts are compared by the Jaccard index of their sets of `SHINGLE` consecutive letters, digits and symbols, without
case, spaces and punctuation, every number read as one digit, so that all scripts are treated alike. MinHash and
locality-sensitive hashing (Broder, 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3) find
candidates in linear time; what they find is decided by the exact index.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 4
"""Letters of a shingle: a changed word of 5 letters changes 8 of them."""
SIMILARITY = 0.65
"""Jaccard index from which on two texts say nearly the same: about that of 40 letters of which a word of 5 is another.
Of TREC's 5,380 different questions it names 88, nearly all reworded copies, and of 5,159 short messages 312."""
FEWEST_LETTERS = 32
"""Letters that each text has at least. A short text has few words, so that one of them is much of what it says: "when
was X born" and "when was Y born" are two questions."""
MOST_LETTERS = 20_000
"""Letters that are looked at; what is equal that far is a copy with another end."""
BANDS, ROWS = 32, 4
"""Of the hashes: two texts of index s meet in one of the bands with probability `1 - (1 - s**ROWS)**BANDS`: 0.998 at
`SIMILARITY`, 0.2 at 0.3."""
MOST_MATES = 4
"""Texts of one bucket that a text is compared with: a template may have thousands of copies."""
CHUNK = 2_000_000
"""Letters hashed at once: bounds the memory to about 100 MB."""
SEED = 0x9E3779B97F4A7C15
_NUMBER = re.compile(r"\d+")
_NONE = np.iinfo(np.uint64).max


def comparable(text: str) -> str:
    """Return what two texts must share to say the same: letters, digits and symbols in one form and case."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KEPT) or text


class _Kept(dict[int, int | None]):
    """Table for `str.translate` that keeps letters, numbers, symbols and marks, filled in as they come."""

    def __missing__(self, point: int) -> int | None:
        self[point] = point if unicodedata.category(chr(point))[0] in "LNSM" else None
        return self[point]


_KEPT = _Kept()


class TextTwins:
    """Texts, sketched once so that those of two splits can be compared."""

    def __init__(self, letters: Sequence[str]) -> None:
        """Sketch each text.

        Args:
            letters: What of each text counts, `comparable`.
        """
        self._texts = [_NUMBER.sub("0", text[:MOST_LETTERS]) for text in letters]
        self._long = np.array([len(text) >= FEWEST_LETTERS for text in self._texts], bool)
        self._buckets = np.zeros((len(letters), BANDS), np.uint64)
        rows = np.flatnonzero(self._long)
        for part in _chunks(rows, self._texts):
            self._buckets[part] = _sketch([self._texts[row] for row in part])

    def near(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> dict[int, int]:
        """Return for each of `rows` that says nearly the same as one of `others` that other row, never itself."""
        rows, others = rows[self._long[rows]], others[self._long[others]]
        found: dict[int, int] = {}
        sets: dict[int, NDArray[np.uint64]] = {}
        refused: set[tuple[int, int]] = set()
        for band in range(BANDS if len(rows) and len(others) else 0):
            keys = self._buckets[others, band]
            order = np.argsort(keys, kind="stable")
            keys, mates = keys[order], others[order]
            wanted = self._buckets[rows, band]
            starts, ends = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
            for at in np.flatnonzero(ends > starts):
                row = int(rows[at])
                if row in found:
                    continue
                # From its own place on, so that copies of a template are chained and not all held against the first.
                place = int(np.searchsorted(mates[starts[at] : ends[at]], row))
                bucket = mates[starts[at] : ends[at]]
                for mate in [
                    *bucket[max(place - MOST_MATES, 0) : place][::-1],
                    *bucket[place : place + MOST_MATES + 1],
                ]:
                    pair = (row, int(mate))
                    if row == mate or pair in refused:
                        continue
                    if self._alike(*pair, sets):
                        found[row] = int(mate)
                        break
                    refused.add(pair)
        return dict(sorted(found.items()))

    def _alike(self, one: int, other: int, sets: dict[int, NDArray[np.uint64]]) -> bool:
        for row in (one, other):
            if row not in sets:
                sets[row] = np.unique(_shingles(_points(self._texts[row])))
        left, right = sets[one], sets[other]
        common = len(np.intersect1d(left, right, assume_unique=True))
        return common >= SIMILARITY * (len(left) + len(right) - common)


def _chunks(rows: NDArray[np.int64], texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
    sizes = np.cumsum([len(texts[row]) for row in rows])
    for number in np.unique(sizes // CHUNK) if len(rows) else ():
        yield rows[sizes // CHUNK == number]


def _points(text: str) -> NDArray[np.uint64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


def _shingles(points: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of every `SHINGLE` consecutive letters."""
    count = len(points) - SHINGLE + 1
    hashed = np.zeros(count, np.uint64)
    for offset in range(SHINGLE):
        hashed = _mixed(hashed ^ points[offset : offset + count])
    return hashed


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return splitmix64's finalizer of each value (Steele, Lea and Flood, 2014)."""
    values = values + np.uint64(SEED)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _sketch(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return `(n, BANDS)` bucket numbers of texts that have at least one shingle."""
    hashed = _shingles(_points("".join(texts)))
    lengths = np.array([len(text) for text in texts])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    inside = np.ones(len(hashed), bool)  # windows that reach into the next text are none
    for back in range(1, SHINGLE):
        inside[starts[1:] - back] = False
    multipliers = _mixed(np.arange(BANDS * ROWS, dtype=np.uint64)) | np.uint64(1)
    buckets = np.zeros((len(texts), BANDS), np.uint64)
    for number, multiplier in enumerate(multipliers):
        permuted = hashed * multiplier
        permuted ^= permuted >> np.uint64(32)
        permuted[~inside] = _NONE
        least = np.minimum.reduceat(permuted, starts)
        buckets[:, number // ROWS] = _mixed(buckets[:, number // ROWS] ^ least)
    return buckets
