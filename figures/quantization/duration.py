"""How long `edge export --quantize int8` takes: ResNet-18, 512 calibration, 1,000 val and 1,000 test images."""

import tempfile
from pathlib import Path

import numpy as np
from exports import run
from interface import Figure
from scipy import stats

from edge_pipeline.data import open_dataset
from quantization.trained import data, trained

COUNTS = {"train": 512, "val": 1000, "test": 1000}
RUNS = 3
"""Of each; the interval is Student's."""
ASKED = {"as it is": ((), 300.0), "--search-time 0": (("--search-time", "0"), 60.0)}


def measure() -> list[Figure]:
    """Export from the start each time: nothing is remembered between two runs."""
    source = trained("resnet18")
    dataset = open_dataset(data())
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.csv"
        lines = ["path,label,split"]
        for split, count in COUNTS.items():
            items = list(dataset.splits[split])
            step = len(items) // count
            lines += [f"{path},{dataset.labels[label]},{split}" for path, label in items[: step * count : step]]
        small.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for words, (options, asked) in ASKED.items():
            wanted = ("--quantize", "int8", "--data", small, "--calibration-samples", COUNTS["train"], *options)
            done = [
                run("export", source, *wanted, "-o", folder / "out.edge", "--json", cache=folder / f"{words} {number}")
                for number in range(RUNS)
            ]
            last = done[-1]["document"]
            peak = max(one["peak_rss_mb"] for one in done)
            how = f"{RUNS} runs, {last['outcome']}, peak {peak} MB, {last['calibration']}"
            seconds = [one["seconds"] for one in done]
            figures.append(Figure(f"edge export, {words}", *_mean(seconds), asked, "at most", "s", how))
    return figures


def _mean(values: list[float]) -> tuple[float, float, float]:
    """Return the mean with its 95 % interval by Student's t."""
    mean = float(np.mean(values))
    half = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
    return mean, mean - half, mean + half
