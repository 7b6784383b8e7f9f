"""Entities of texts as arrays of tags, a column a word: which spans are right, and span F1 with its interval.

A span is right when its kind and both its ends are (Tjong Kim Sang and De Meulder 2003; what seqeval counts). Spans of
the data that no tags on words can say, since they begin or end inside a word or lie behind the longest length, stand as
words of their own behind the others, to which every model says O: they are missed by all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.statistics.clusters import resampled_counts
from edge_benchmarks.verdicts import Interval
from edge_runtime.errors import InputError
from edge_runtime.preprocessing.interface import Preprocessor
from edge_runtime.text import Words

CONFIDENCE = 0.95
OUTSIDE = "O"
NO_WORD = -1
"""In place of a tag, behind the last word of a text."""


class Span(NamedTuple):
    """An entity of a text: `text[start:end]`, in characters."""

    start: int
    end: int
    label: str


def span_tags(
    spans: Sequence[Span], words: Sequence[tuple[int, int]], tags: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the tag of each word, and the tags of further words that stand for the spans that no word can say.

    Args:
        spans: Of one text; none overlaps another.
        words: Their characters, from and to.
        tags: All tags; the answer's numbers are places in it.

    Raises:
        InputError: there is no such tag.
    """
    number = {tag: at for at, tag in enumerate(tags)}
    starts = {start: at for at, (start, _) in enumerate(words)}
    ends = {end: at for at, (_, end) in enumerate(words)}
    try:
        found, missed = [number[OUTSIDE]] * len(words), []
        for start, end, label in spans:
            begin, inside = number.get(f"B-{label}"), number.get(f"I-{label}")
            if begin is None and inside is None:
                raise KeyError(label)
            first, last = starts.get(start), ends.get(end)
            opening = begin if begin is not None else inside
            if first is None or last is None or first > last or (first < last and inside is None):
                missed += [number[OUTSIDE], opening]
                continue
            found[first : last + 1] = [opening, *[inside] * (last - first)]  # type: ignore[list-item]
    except KeyError as error:
        raise InputError(f"spans of {error.args[0]!r}: the model has no such tag; it has {', '.join(tags)}") from error
    return found, missed  # type: ignore[return-value]


class TaggedWords(NamedTuple):
    """One text's words in the form of `Answers`."""

    tags: NDArray[np.int64]
    """`(words,)`, with the words that stand for missed spans."""
    first: tuple[int, ...]
    """Place of each real word's first token."""
    outside: NDArray[np.float32]
    """`(missed words, tags)`: what every model says to those."""

    def of(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(words, tags)` of a model's `(length, tags)` logits."""
        return np.concatenate([row[list(self.first)], self.outside])


def tagging(task: str, labels: Sequence[str], preprocess: Preprocessor) -> dict[str, Any]:
    """Return what `collect_answers` takes besides, where a task's labels are spans."""
    if task != "text-tokens":
        return {}
    return {"tags": labels, "trace": lambda item: preprocess.trace(preprocess.decode(item))}


def tagged_words(words: Words, spans: Any, tags: Sequence[str]) -> TaggedWords:
    """Return one text's words with the tags that its spans give them.

    Raises:
        InputError: a span has a kind without a tag.
    """
    found, missed = span_tags(spans, words.spans, tags)
    outside = np.zeros((len(missed), len(tags)), dtype=np.float32)
    outside[:, tags.index(OUTSIDE)] = 1.0
    return TaggedWords(np.array(found + missed, dtype=np.int64), words.first, outside)


def stack_words(rows: Sequence[NDArray[Any]], fill: float) -> NDArray[Any]:
    """Make one array of texts' rows of words, filled up behind."""
    width = max(map(len, rows))
    stacked = np.full((len(rows), width, *rows[0].shape[1:]), fill, dtype=rows[0].dtype)
    for into, row in zip(stacked, rows, strict=True):
        into[: len(row)] = row
    return stacked


def span_codes(tagged: NDArray[np.int64], tags: Sequence[str]) -> NDArray[np.int64]:
    """Return `(n, words)` numbers that are equal in two arrays of tags exactly where both have the same spans.

    They are 0 outside, else 1 + 2 * kind, and one more where a span begins: at B-, and at an I- that goes on with
    nothing of its kind, as the runtime reads tags.
    """
    names = sorted({tag.partition("-")[2] for tag in tags if tag != OUTSIDE})
    kind_of = np.array([-1 if tag == OUTSIDE else names.index(tag.partition("-")[2]) for tag in tags] + [-1])
    begins_at = np.array([tag.startswith("B-") for tag in tags] + [False])
    kind = kind_of[tagged]  # NO_WORD is the last place
    before = np.pad(kind, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    begins = begins_at[tagged] | (kind != before)
    return np.where(kind < 0, 0, 1 + 2 * kind + begins)


def kinds_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of entity, in the order of `span_counts`."""
    return tuple(sorted({tag.partition("-")[2] for tag in tags if tag != OUTSIDE}))


def span_counts(said: NDArray[np.int64], truth: NDArray[np.int64], kinds: int) -> NDArray[np.int64]:
    """Return `(n, 3, kinds)`: how many spans each text has right, named, and there.

    Args:
        said: `(n, words)` codes of the model's tags, 0 where there is no word.
        truth: The same of the data's.
        kinds: How many there are.
    """
    (opens, kind, end), (there, wanted, until) = _spans(said), _spans(truth)
    right = opens & there & (kind == wanted) & (end == until)
    cells = [(opened, of) for opened, of in ((right, kind), (opens, kind), (there, wanted))]
    return np.stack([[(one & (of == at)).sum(axis=1) for at in range(kinds)] for one, of in cells]).transpose(2, 0, 1)


def _spans(codes: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return where spans begin, each place's kind, and where the span that goes through it ends."""
    opens = (codes > 0) & (codes % 2 == 0)
    after = np.pad(codes, ((0, 0), (0, 1)))[:, 1:]
    last = (codes > 0) & ((after == 0) | (after % 2 == 0))
    places = np.where(last, np.arange(codes.shape[1]), codes.shape[1])
    end = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    return opens, (codes - 1) // 2, end


def f1(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return `2 right / (named + there)` of `(..., 3)` counts; 0 where there is nothing."""
    total = counts[..., 1] + counts[..., 2]
    return np.where(total > 0, 2 * counts[..., 0] / np.maximum(total, 1), 0.0)


def f1_interval(counts: NDArray[np.int64], clusters: NDArray[np.int64]) -> Interval:
    """Return micro F1 of `(n, 3)` counts a text, with the bootstrap's 95 % interval over whole clusters."""
    (table,) = _by_cluster([counts], clusters)
    draws = np.concatenate([f1(some @ table) for some in resampled_counts(len(table))])
    return _interval(float(f1(counts.sum(axis=0))), draws)


def f1_drop(was: NDArray[np.int64], now: NDArray[np.int64], clusters: NDArray[np.int64]) -> Interval:
    """Return by how much micro F1 fell from one model to another, with the paired bootstrap's 95 % interval."""
    before, after = _by_cluster([was, now], clusters)
    draws = np.concatenate([f1(some @ before) - f1(some @ after) for some in resampled_counts(len(before))])
    return _interval(float(f1(was.sum(axis=0)) - f1(now.sum(axis=0))), draws)


def _by_cluster(counts: Sequence[NDArray[np.int64]], clusters: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    size = int(clusters.max()) + 1
    found = [np.zeros((size, 3), dtype=np.int64) for _ in counts]
    for table, one in zip(found, counts, strict=True):
        np.add.at(table, clusters, one)
    return found


def _interval(estimate: float, draws: NDArray[np.float64]) -> Interval:
    low, high = (float(np.quantile(draws, level)) for level in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(estimate, low, high, CONFIDENCE)
