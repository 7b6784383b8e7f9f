"""The quantization engine's figures: each file measures one thing, as a ratio inside one run wherever it can."""

from functools import partial

from interface import Measure

from quantization import accuracy, biases, calibration, duration, passes, peers

FIGURES: dict[str, Measure] = {
    **{f"accuracy-{name}": partial(accuracy.measure, name) for name in accuracy.NETWORKS},
    "biases": biases.measure,
    "calibration": calibration.measure,
    "duration": duration.measure,
    "passes": passes.measure,
    **{f"peers-{network}": partial(peers.measure, network) for network in peers.ASKED},
}
"""Name on the command line, and what measures it."""
