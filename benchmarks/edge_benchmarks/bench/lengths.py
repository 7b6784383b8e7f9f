"""Texts by their length in tokens: which lengths are timed, with what texts, and how common each length is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_benchmarks.inputs import VOCABULARY, BenchInput
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from edge_runtime import Model

SHORTEST = 16
"""Tokens of the shortest bucket; each further one is twice as long, as far as the model reads."""

MOST_TEXTS = 16
"""Texts of a bucket that take turns, where there are real ones."""

LISTED = 64
"""Texts of the list whose rate the offline scenario measures."""

SHORTEST_LISTED = 8
"""Tokens of the shortest text of a synthetic list; its lengths are spread evenly on a logarithmic axis."""

Count = Callable[[str], int]
"""From a text to its tokens; beyond all lengths where the model refuses it."""


@dataclass(frozen=True)
class Bucket:
    """Texts of about one length."""

    tokens: int
    """Most tokens of a text in it; the shorter bucket's is the most that is not."""
    inputs: tuple[BenchInput, ...]
    """What is fed; the first one has the median length and is what the model alone is timed on."""
    share: float | None = None
    """Of the data's texts that are of this length; None where there are no data."""


@dataclass(frozen=True)
class Lengths:
    """The lengths that are timed."""

    source: Literal["data", "synthetic"]
    buckets: tuple[Bucket, ...]
    listed: tuple[BenchInput, ...]
    """Texts of many lengths, in no order of them."""

    def describe(self) -> dict[str, Any]:
        """Return what a report says of them: no text, and no digest either, from which a short text can be guessed."""
        buckets = [{"tokens": one.tokens, "texts": len(one.inputs), "share": one.share} for one in self.buckets]
        return {"source": self.source, "buckets": buckets, "listed": len(self.listed)}


def lengths_of(model: Model, items: Iterable[tuple[Any, Any]] | None, seed: int) -> Lengths:
    """Choose what to time of a model that reads texts.

    Args:
        model: Whose tokenizer and longest input count.
        items: Labeled texts; None makes synthetic ones, as long as each bucket allows.
        seed: Of the choice.

    Raises:
        InputError: the model refuses every text.
    """
    contract = model.manifest.preprocessing
    assert isinstance(contract, TextPreprocessing)
    count = partial(_count, model)
    if items is None:
        return _synthetic(count, min(2 * contract.max_length, contract.longest), seed)
    return _real([text for text, _ in items], count, contract.longest, seed)


def bucket_edges(longest: int) -> list[int]:
    """Return most tokens of each bucket, up to the longest text; in windows a model reads on behind its own input."""
    edges = [SHORTEST << step for step in range(longest.bit_length()) if SHORTEST << step < longest]
    return [*edges, longest]


def _count(model: Model, text: str) -> int:
    try:
        return int(np.shape(model.preprocess(text))[-1])
    except InputError:
        return 1 << 62


def _real(texts: Sequence[str], count: Count, longest: int, seed: int) -> Lengths:
    known = [(tokens, text) for text in texts if (tokens := count(text)) <= longest]
    if not known:
        raise InputError(f"{len(texts):,} texts, and the model reads none of them; give --data of its kind")
    random = np.random.default_rng(seed)
    edges = bucket_edges(longest)
    buckets = []
    for shorter, edge in zip([0, *edges], edges, strict=False):
        here = [one for one in known if shorter < one[0] <= edge]
        if here:
            chosen = sorted(here[at] for at in _some(random, len(here), MOST_TEXTS))
            middle = chosen.pop(len(chosen) // 2)
            inputs = _named(f"tokens-{edge}", [text for _, text in [middle, *chosen]])
            buckets.append(Bucket(edge, inputs, len(here) / len(known)))
    listed = _named("listed", [known[at][1] for at in _some(random, len(known), LISTED)])
    return Lengths("data", tuple(buckets), listed)


def _some(random: np.random.Generator, n: int, most: int) -> list[int]:
    return [int(at) for at in random.permutation(n)[:most]]


def _synthetic(count: Count, longest: int, seed: int) -> Lengths:
    random = np.random.default_rng(seed)
    texts = {edge: _text(count, edge, random) for edge in bucket_edges(longest)}
    buckets = tuple(Bucket(edge, _named(f"tokens-{edge}-seed{seed}", [text])) for edge, text in texts.items())
    wanted = np.geomspace(min(SHORTEST_LISTED, longest), longest, LISTED).round().astype(int)
    listed = [_text(count, int(tokens), random) for tokens in random.permutation(wanted)]
    return Lengths("synthetic", buckets, _named(f"listed-seed{seed}", listed))


def _text(count: Count, tokens: int, random: np.random.Generator) -> str:
    """Write plain English words of so many tokens, or of as many fewer as the tokenizer cannot help."""
    words = random.choice(VOCABULARY, tokens).tolist()

    def so_far(number: int) -> int:
        return count(" ".join(words[:number]))

    number = bisect_left(range(tokens), tokens, key=so_far)
    if so_far(number) <= tokens:
        return " ".join(words[:number])
    kept = words[: max(number - 1, 0)]
    tries = (" ".join([*kept, word]) for word in VOCABULARY)
    return next((text for text in tries if count(text) == tokens), " ".join(kept))


def _named(name: str, texts: Sequence[str]) -> tuple[BenchInput, ...]:
    return tuple(BenchInput(f"{name}-{at}.txt", text.encode()) for at, text in enumerate(texts))
