"""The runtime's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

FIGURES: dict[str, Measure] = {}
"""Name on the command line, and what measures it."""
