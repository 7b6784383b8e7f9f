"""A training holds a batch of images, never the data set."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_pipeline.data import Dataset

pytest.importorskip("resource", reason="peak memory of a process is asked of POSIX")

_TRAIN = """
import resource, sys
from dataclasses import replace
from edge_pipeline.data import open_dataset
from edge_pipeline.training import TrainConfig, train

data, run, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
dataset = open_dataset(data)
splits = {
    name: replace(split, files=split.files * times, targets=split.targets * times)
    for name, split in dataset.splits.items()
}
config = TrainConfig("test_efficientnet", "none", size=96, epochs=1, freeze="backbone", workers=0)
train(replace(dataset, splits=splits), run, config)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def _peak(digits: Path, run: Path, times: int) -> int:
    command = [sys.executable, "-c", _TRAIN, str(digits), str(run), str(times)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_peak_memory_does_not_grow_with_the_data(digits: Path, dataset: Dataset, tmp_path: Path) -> None:
    images = sum(len(split) for split in dataset.splits.values())
    few, many = _peak(digits, tmp_path / "few", 1), _peak(digits, tmp_path / "many", 8)
    tensors = (8 - 1) * images * 3 * 96 * 96 * 4
    assert tensors > 150e6
    assert many - few < tensors / 5
