"""The runtime's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

from runtime import draft, overhead, resize, start, verify

FIGURES: dict[str, Measure] = {
    "resize": resize.measure,
    "draft": draft.measure,
    "verify": verify.measure,
    "overhead": overhead.measure,
    "start": start.measure,
}
"""Name on the command line, and what measures it."""
