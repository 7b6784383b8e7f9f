"""Recall and precision of `edge scrub` on a seeded corpus of planted values among look-alikes."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from interface import Figure

from edge_benchmarks.statistics.proportions import wilson_interval
from edge_pipeline.scrubbing import ScrubConfig
from edge_pipeline.scrubbing.masking import Masker
from privacy.corpus import NAMES, corpus

MESSAGES = 20_000
SEED = 2026
"""One that nothing was tuned on; the tests have others."""
ASKED = 99.0


def measure() -> list[Figure]:
    """Mask the corpus and count what was covered, and what was masked in vain."""
    with TemporaryDirectory() as folder:
        names = Path(folder) / "names.txt"
        names.write_text("\n".join(NAMES), encoding="utf-8")
        masker = Masker(ScrubConfig(names=names))
    found: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    right = masks = 0
    for message in corpus(MESSAGES, SEED):
        edits = masker.mask(message.text).edits
        for start, end, kind in message.planted:
            planted[kind] += 1
            found[kind] += any(edit.start <= start and end <= edit.end for edit in edits)
        masks += len(edits)
        right += sum(any(s < edit.end and edit.start < e for s, e, _ in message.planted) for edit in edits)
    how = "values in the forms of docs/privacy.md among as many look-alikes, seeded; the forms are our own choice"
    rows = [_figure(f"scrub: {kind} planted and masked", found[kind], planted[kind], how) for kind in planted]
    return [*rows, _figure("scrub: masks on something planted", right, masks, how)]


def _figure(name: str, successes: int, count: int, how: str) -> Figure:
    interval = wilson_interval(successes, count)
    low, high = 100 * interval.low, 100 * interval.high
    return Figure(name, 100 * successes / count, low, high, ASKED, "at least", "%", f"{how}; n = {count:,}")
