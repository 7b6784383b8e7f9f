"""What measured bias correction gains: the error of the logits on val with it over that with rounded weights alone."""

import numpy as np
from interface import Figure

from edge_export.candidates import BASELINE, calibrate, make_baseline, make_int8, prepare_int8
from edge_export.capture import capture
from edge_export.config import ExportConfig, ExportData
from edge_export.judge import answer
from edge_export.quantize.recipe import Recipe
from edge_export.run import read_run
from edge_pipeline.data import open_dataset
from quantization.trained import data, trained

NETWORKS = ("lite0", "mobilenetv3", "resnet18")
DRAWS = 2000


def measure() -> list[Figure]:
    """Quantize each network with everything in int8, by both kinds of correction."""
    return [_measure(name) for name in NETWORKS]


def _measure(name: str) -> Figure:
    source = trained(name)
    run = read_run(source)
    captured = capture(str(source))
    dataset = open_dataset(data(), **dict(run.data.options))
    splits = {split: dataset.splits[split] for split in ("train", "val", "test")}
    graph, baseline, _ = make_baseline(captured)
    graph, passes = prepare_int8(graph, captured)
    observation = calibrate(graph, captured, ExportData(splits, run.data.fingerprints), ExportConfig("int8"))
    errors = []
    for correction in ("measured", "weights"):
        made = make_int8(graph, Recipe("mse", calibration="mse", bias_correction=correction), observation, passes)
        logits = answer([baseline, made], captured, splits["val"]).logits
        errors.append(((logits[made.name] - logits[BASELINE]) ** 2).mean(axis=1, dtype=np.float64))
    ratio = float(np.sqrt(errors[0].mean() / errors[1].mean()))
    drawn = np.random.default_rng(0).integers(0, len(errors[0]), (DRAWS, len(errors[0])))
    draws = np.sqrt(errors[0][drawn].mean(axis=1) / errors[1][drawn].mean(axis=1))
    low, high = (float(np.quantile(draws, level)) for level in (0.025, 0.975))
    how = f"root mean square of the logits' difference from fp32, n = {len(errors[0]):,} of val, recipe mse; bootstrap"
    return Figure(f"{name}: error with measured biases over without", ratio, low, high, 1.0, "at most", "x", how)
