"""The quantization engine's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

from quantization import calibration, passes

FIGURES: dict[str, Measure] = {
    "calibration": calibration.measure,
    "passes": passes.measure,
}
"""Name on the command line, and what measures it."""
