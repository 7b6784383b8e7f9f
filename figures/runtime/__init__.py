"""The runtime's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

from runtime import verify

FIGURES: dict[str, Measure] = {
    "verify": verify.measure,
}
"""Name on the command line, and what measures it."""
