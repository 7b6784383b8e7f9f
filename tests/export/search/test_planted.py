"""A search finds the operator that int8 breaks, leaves it in float, and keeps the rest in int8."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from edge_benchmarks.verdicts import Interval
from edge_export.candidates import Candidate, calibrate, make_baseline, prepare_int8
from edge_export.capture import Captured
from edge_export.capture.interface import Parity
from edge_export.capture.torch_module import eager, export_module
from edge_export.config import ExportConfig, ExportData
from edge_export.graphs.profile import Kernel
from edge_export.judge import answer
from edge_export.quantize import RECIPES
from edge_export.search import Budget, Laboratory, Memory, Question, SearchResult, Trial, search
from edge_runtime.image import ImagePreprocessor
from edge_runtime.preprocessing import ImagePreprocessing, Resize

CHANNELS, BLOCKS, SIDE = 16, 12, 32
PLANTED = 6
OUTLIER = 3000.0
MAX_DROP = 0.02


class Block(nn.Module):
    """A residual block; `shift` moves one channel far out, and the block after it moves it back."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.one = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.two = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        with torch.no_grad():
            self.two.weight *= 0.3
            self.two.bias[0] = shift
            if shift < 0:
                # What the outlying channel holds must not reach the others here.
                self.one.weight[:, 0] = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.two(torch.relu(self.one(x)))


def build() -> nn.Sequential:
    torch.manual_seed(0)
    shifts = [OUTLIER if at == PLANTED else -OUTLIER if at == PLANTED + 1 else 0.0 for at in range(BLOCKS)]
    blocks = [Block(shift) for shift in shifts]
    stem = nn.Conv2d(3, CHANNELS, 3, stride=2, padding=1)
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, 3)).eval()


class SteadyLaboratory(Laboratory):
    """Says what kernels and candidates take by what they are: what the search finds is no matter of a busy machine."""

    def kernels(self, candidate: Candidate) -> list[Kernel]:
        plain = 1.0 if candidate is self.baseline else 0.5
        found = super().kernels(candidate)
        return [replace(one, milliseconds=0.0 if one.kind.endswith("izeLinear") else plain) for one in found]

    def timed(self, trials: Sequence[Trial], seed: int = 0) -> list[Trial]:
        ratios = [0.5 + 0.01 * len(trial.candidate.recipe.get("float_operators", [])) for trial in trials]
        return [
            replace(trial, ratio=Interval(ratio, ratio - 0.001, ratio + 0.001, 0.95))
            for trial, ratio in zip(trials, ratios, strict=True)
        ]


@pytest.fixture(scope="module")
def laboratory(picture_data: ExportData) -> Laboratory:
    network = build()
    contract = ImagePreprocessing(Resize(SIDE, SIDE, "exact"), SIDE, SIDE, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    preprocess = ImagePreprocessor(contract)
    items = list(picture_data.splits["train"])
    with torch.inference_mode():
        features = network[:-1](torch.from_numpy(np.stack([preprocess(path) for path, _ in items]))).numpy()
    center, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    head = LogisticRegression(C=100, max_iter=2000).fit((features - center) / spread, [label for _, label in items])
    with torch.no_grad():
        network[-1].weight.copy_(torch.from_numpy(head.coef_ / spread).float())
        network[-1].bias.copy_(torch.from_numpy(head.intercept_ - head.coef_ @ (center / spread)).float())
    model = export_module(network, (3, SIDE, SIDE))
    parity = Parity((1,), 0.0, 1.0, 1e-4)
    labels = ("blue", "green", "red")
    captured = Captured(model, eager(network), parity, labels, "image-classification", contract, {})
    graph, baseline, _ = make_baseline(captured)
    graph, passes = prepare_int8(graph, captured)
    # The search may see much of the data here: what it must find is not subtle.
    data = replace(picture_data, splits={**picture_data.splits, "val": picture_data.splits["test"]})
    config = ExportConfig(quantize="int8", calibration_samples=24)
    return SteadyLaboratory(
        baseline=baseline,
        graph=graph,
        passes=passes,
        observation=calibrate(graph, captured, data, config),
        captured=captured,
        val=data.splits["val"],
        answers=answer([baseline], captured, data.splits["val"]),
        question=Question(400, labels, max_drop=MAX_DROP, max_class_drop=1.0),
        memory=Memory(None, ""),
    )


def run(laboratory: Laboratory, seconds: float) -> SearchResult:
    return search(laboratory, [RECIPES[name] for name in ("minmax", "mse")], Budget(seconds, lambda line: None))


def test_the_planted_operator_is_found_and_the_rest_stays_in_int8(laboratory: Laboratory):
    broken = run(laboratory, 0).trials[0]
    assert broken.verdict.drop > MAX_DROP, "int8 must break this network, or the test shows nothing"
    found = run(laboratory, 1e9)
    chosen = found.trials[0]
    assert chosen.provable
    coverage = chosen.candidate.coverage
    assert coverage.macs_share >= 0.9
    adds = [node.name for node in laboratory.graph.graph.node if node.op_type == "Add"]
    in_float = chosen.candidate.recipe["float_operators"]
    assert adds[PLANTED] in in_float
    assert set(in_float) <= set(found.reasons)
    assert "of the error" in found.reasons[adds[PLANTED]]
    assert all(one.reason for one in coverage.floating)
    assert not found.stopped


def test_a_search_goes_on_where_it_was_killed(laboratory: Laboratory, tmp_path: Path, monkeypatch):
    class KilledError(Exception):
        pass

    def killed(recipe):
        raise KilledError

    first = replace(laboratory, memory=Memory(tmp_path, "context"))
    monkeypatch.setattr(first, "trial", killed)
    with pytest.raises(KilledError):
        run(first, 1e9)
    assert len(list(tmp_path.iterdir())) == 2, "an error for each starting recipe"
    expected = laboratory.error(RECIPES["mse"])
    monkeypatch.setattr(
        "edge_export.search.laboratory.make_quantized", lambda *_: pytest.fail("measured again what was known")
    )
    second = replace(laboratory, memory=Memory(tmp_path, "context"))
    assert second.error(RECIPES["mse"]) == pytest.approx(expected)
