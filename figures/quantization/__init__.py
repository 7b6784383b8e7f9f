"""The quantization engine's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from interface import Measure

from quantization import accuracy, calibration, duration, passes, peers

FIGURES: dict[str, Measure] = {
    "accuracy": accuracy.measure,
    "calibration": calibration.measure,
    "duration": duration.measure,
    "passes": passes.measure,
    "peers": peers.measure,
}
"""Name on the command line, and what measures it."""
