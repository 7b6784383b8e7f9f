"""What it costs to answer a list of texts one at a time, against batches of a variant that takes them."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_export.candidates import Candidate
from edge_export.capture import Captured
from edge_export.sessions import predictor

TEXTS = 32
"""Texts of val in the list, spread over it, so that their lengths are val's."""
SIZES = (1, 8, 32)
ROUNDS, SECONDS = 20, 4.0
Batches = list[tuple[Sequence[int], NDArray[Any]]]


def measure_throughput(
    chosen: Candidate, batchable: Candidate, captured: Captured, texts: Sequence[Any]
) -> dict[str, Any]:
    """Answer a list of real texts in batches of several sizes, in one interleaved run on one thread.

    Args:
        chosen: What ships, which may take one text at a time.
        batchable: A variant without that limit; `chosen` itself where it has none.
        captured: Gives the contract, which batches texts as the device does: of like length, padded to the longest.
        texts: Of val.

    Returns:
        The report's part: `texts`, `texts_per_second` by arm, `cost` (time of `chosen` one at a time over the quickest
        batches of `batchable`), and `apart` (how far the answers of a batch are from those of its texts alone).
    """
    preprocess, read = captured.preprocessor(), captured.reader()
    places = np.unique(np.linspace(0, len(texts) - 1, min(TEXTS, len(texts))).astype(int))
    listed = [texts[at] for at in places]
    batches = {size: list(preprocess.batches(listed, None, size)) for size in SIZES}
    answers = {one.name: predictor(one.model, threads=1, options=one.session, read=read) for one in (chosen, batchable)}
    alone = f"{chosen.name} in batches of 1"
    arms = {alone: _arm(answers[chosen.name], batches[1])}
    for size in SIZES:
        arms.setdefault(f"{batchable.name} in batches of {size}", _arm(answers[batchable.name], batches[size]))
    timings = interleave(arms, seconds=SECONDS, min_rounds=ROUNDS, warmup_seconds=0.2)
    medians = {name: float(np.median(samples)) for name, samples in timings.samples_ns.items()}
    quickest = min((name for name in arms if name.startswith(batchable.name)), key=medians.__getitem__)
    return {
        "texts": len(listed),
        "texts_per_second": {name: len(listed) / (median / 1e9) for name, median in medians.items()},
        "cost": {"of": alone, "over": quickest, **_ratio(timings, alone, quickest)},
        "apart": _apart(answers[batchable.name], batches[1], batches[SIZES[-1]]),
    }


def throughput_note(found: Mapping[str, Any]) -> str:
    """Say it in one sentence."""
    cost, apart = found["cost"], found["apart"]
    span = f" ({cost['low']:.2f} to {cost['high']:.2f})" if cost["low"] is not None else ""
    equal = (
        "to the bit" if not apart["largest"] else f"to within {apart['largest']:.1g} of {apart['largest_logit']:.2g}"
    )
    return (
        f"a list of {found['texts']} texts: {cost['of']} take {cost['estimate']:.2f}{span} times the time of "
        f"{cost['over']}, whose logits equal those of each text alone {equal}"
    )


def _arm(answer: Callable[[NDArray[Any]], object], batches: Batches) -> Callable[[], object]:
    return lambda: [answer(batch) for _, batch in batches]


def _ratio(timings: InterleavedTimings, arm: str, against: str) -> dict[str, float | None]:
    if arm == against:
        return {"estimate": 1.0, "low": None, "high": None}
    found = timings.ratio(arm, against)
    bounded = isfinite(found.high)
    low, high = (found.low, found.high) if bounded else (None, None)
    return {"estimate": found.estimate, "low": low, "high": high}


def _apart(
    answer: Callable[[NDArray[Any]], NDArray[np.float32]], single: Batches, batched: Batches
) -> dict[str, float]:
    """Compare each text's logits in a batch with those of it alone."""
    rows = {place: answer(batch)[0] for places, batch in single for place in places}
    gaps, equal = [], 0
    for places, batch in batched:
        for place, row in zip(places, answer(batch), strict=True):
            known = rows[place]
            # Of a tag for each token, those of the padding are nobody's answer.
            gaps.append(float(np.abs(row[: len(known)] - known).max()))
            equal += bool(np.array_equal(row[: len(known)], known))
    largest = max(float(np.abs(row).max()) for row in rows.values())
    return {"largest": max(gaps), "largest_logit": largest, "equal_share": equal / len(gaps)}
