"""The runtime's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

from runtime import draft, memory, overhead, resize, selftest, start, threads, verify

FIGURES: dict[str, Measure] = {
    "resize": resize.measure,
    "draft": draft.measure,
    "verify": verify.measure,
    "overhead": overhead.measure,
    "start": start.measure,
    "selftest": selftest.measure,
    "threads": threads.measure,
    "memory": memory.measure,
}
"""Name on the command line, and what measures it."""
