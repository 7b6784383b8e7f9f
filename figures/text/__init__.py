"""The figures of texts: what an encoder learns from real sets, and how long one message takes."""

from functools import partial

from interface import Measure

from text import latency, learning

FIGURES: dict[str, Measure] = {
    "latency": latency.measure,
    "sms": partial(learning.measure_split, "sms"),
    "trec": learning.measure_folds,
}
"""Name on the command line, and what measures it."""
