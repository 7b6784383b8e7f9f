"""How long `edge export --quantize int8` takes: ResNet-18, 512 calibration, 1,000 val and 1,000 test images."""

import tempfile
from pathlib import Path

from exports import run
from interface import Figure

from edge_pipeline.data import open_dataset
from quantization.trained import data, trained

COUNTS = {"train": 512, "val": 1000, "test": 1000}
ASKED = {"as it is": ((), 300.0), "--search-time 0": (("--search-time", "0"), 60.0)}


def measure() -> list[Figure]:
    """Export twice from the start: nothing is remembered between the two."""
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
            done = run("export", source, *wanted, "-o", folder / f"{len(figures)}.edge", "--json", cache=folder / words)
            how = f"{done['document']['outcome']}, peak {done['peak_rss_mb']} MB, {done['document']['calibration']}"
            figures.append(Figure(f"edge export, {words}", done["seconds"], None, None, asked, "at most", "s", how))
    return figures
