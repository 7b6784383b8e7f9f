"""Classes of very different size: weights let the rare one be found."""

import csv
from pathlib import Path

import pytest

from edge_pipeline import train
from edge_pipeline.training.presets import config_from

pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')
RARE, KEPT = "complaint", 8


def test_class_weights_find_the_rare_class(tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    with messages.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    rare = [row for row in rows if row[1] == RARE and row[2] != "test"]
    table = tmp_path / "imbalanced.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *(row for row in rows if row not in rare), *rare[::KEPT]])
    choices = {"model": str(tiny_encoder), "epochs": 6, "learning_rate": 3e-3, "precision": "fp32", "patience": None}
    asked = config_from("text", choices | {"class_weights": True})
    found = train(table, tmp_path / "run", asked).metrics["test"]["per_class"]
    assert next(row["recall"] for row in found if row["label"] == RARE) > 0.5  # without the weights it is 0
