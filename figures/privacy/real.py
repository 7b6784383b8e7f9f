"""What `edge scrub` masks in real texts that nobody wrote for it: every mask was read and judged."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from interface import Figure

from edge_benchmarks.statistics.proportions import wilson_interval
from edge_pipeline.samples import write_sample
from edge_pipeline.scrubbing import ScrubConfig
from edge_pipeline.scrubbing.masking import Masker
from edge_runtime.errors import InputError

JUDGED = {
    "sms": ("141074bcab978587", 2),
    "trec": ("e3b0c44298fc1c14", 0),
    "sentiment-zh": ("f95dcba6179a3a9c", 0),
    "ner-zh": ("1a8a7bcbca62b19f", 0),
}
"""Sample to the digest of everything that was masked when each mask was last read and judged, and how many of those
masks were wrong (`msg+ticket@kiosk.Valid` and `69866.18 . 30`, a short code and a price)."""
MISSED_SMS = 13
"""Telephone numbers and addresses (1) that stay in the messages, found by reading every run of seven or more digits and
every `@` that was left: glued to a price or a word, in a web address, or of Singapore."""
ASKED_PRECISION = 95.0
ASKED_RECALL = 95.0
ASKED_HARMED = 0.1


def measure() -> list[Figure]:
    """Mask the four samples and count.

    Raises:
        InputError: something else is masked than what was judged.
    """
    masker = Masker(ScrubConfig())
    texts = masks = wrong = 0
    right: dict[str, int] = {}
    for name, (judged, errors) in JUDGED.items():
        found = []
        for text in _texts(name):
            texts += 1
            found += [f"{edit.mask} {text[edit.start : edit.end]}" for edit in masker.mask(text).edits]
        digest = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()[:16]
        if digest != judged:
            raise InputError(f"{name}: {len(found):,} masks with digest {digest}; judge each one and store it")
        masks += len(found)
        wrong += errors
        right[name] = len(found) - errors
    how = f"{texts:,} texts of edge sample {', '.join(JUDGED)}; each of {masks:,} masks was read and judged"
    there = right["sms"] + MISSED_SMS
    read = f"edge sample sms, whose left-over digits and @ were read; n = {there:,}"
    return [
        _share("scrub: masks in real texts that are right", masks - wrong, masks, (ASKED_PRECISION, "at least"), how),
        _share("scrub: real texts that lose something else", wrong, texts, (ASKED_HARMED, "at most"), how),
        _share("scrub: numbers and addresses in SMS masked", right["sms"], there, (ASKED_RECALL, "at least"), read),
    ]


def _share(
    name: str, successes: int, count: int, asked: tuple[float, Literal["at most", "at least"]], how: str
) -> Figure:
    interval = wilson_interval(successes, count)
    low, high = 100 * interval.low, 100 * interval.high
    return Figure(name, 100 * interval.estimate, low, high, *asked, "%", how)


def _texts(name: str) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        data = write_sample(name, Path(folder) / name).data
        with data.open(encoding="utf-8", newline="") as file:
            if data.suffix == ".csv":
                yield from (row["text"] for row in csv.DictReader(file))
            else:
                yield from (json.loads(line)["text"] for line in file)
