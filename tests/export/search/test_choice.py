"""Which trial is chosen, what is remembered, and when a search must stop."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.verdicts import Interval
from edge_export.candidates import BASELINE, Candidate
from edge_export.capture import Captured
from edge_export.capture.interface import Parity
from edge_export.config import ExportConfig, ExportData
from edge_export.contest import _context
from edge_export.quantize import Recipe
from edge_export.search import Budget, Laboratory, Memory, SearchResult, Trial, judge_trial
from edge_export.search.blocks import Block
from edge_export.search.costs import Cost, total_error
from edge_export.search.search import choose
from edge_runtime.errors import BundleError
from edge_runtime.preprocessing import ImagePreprocessing, Resize

N, CLASSES = 400, 4
LABELS = np.arange(N) % CLASSES
RIGHT = (np.eye(CLASSES, dtype=np.float32)[LABELS] * 10).astype(np.float32)
VAL = Answers(LABELS, {BASELINE: RIGHT}, [None] * N)


def trial(name: str, wrong: int, error: float, ratio: float | None = None) -> Trial:
    """A trial with `wrong` answers wrong, every logit off by `error`, that takes `ratio` of the baseline's time."""
    logits = RIGHT + np.float32(error)
    logits[:wrong] = np.roll(logits[:wrong], 1, axis=1)
    made = judge_trial(Candidate("cpu-int8", name.encode(), "int8", "cpu", {"name": name}), VAL, logits, 2000, 0.01)
    interval = None if ratio is None else Interval(ratio, ratio - 0.01, ratio + 0.01, 0.95)
    return Trial(made.candidate, made.answers, made.verdict, made.expected_bound, made.logit_error, interval)


def chosen(*trials: Trial) -> str:
    return choose(trials, 0.01).candidate.recipe["name"]


def test_of_the_provable_the_fastest_is_chosen():
    assert chosen(trial("slow", 0, 0.1, 0.60), trial("fast", 0, 0.5, 0.50), trial("wrong", 40, 0.1, 0.30)) == "fast"


def test_of_the_equally_quick_the_one_with_the_least_error_is_chosen():
    assert chosen(trial("a", 0, 0.5, 0.500), trial("b", 1, 0.1, 0.505)) == "b"
    assert chosen(trial("a", 0, 0.5), trial("b", 1, 0.1)) == "b"


def test_where_nothing_is_provable_the_least_bound_stands():
    assert chosen(trial("a", 40, 0.0, 0.3), trial("b", 20, 0.9, 0.9), trial("c", 30, 0.0, 0.2)) == "b"


def test_a_measurement_is_made_once_and_a_broken_memory_is_made_again(tmp_path: Path):
    made: list[int] = []

    def measure() -> np.ndarray:
        made.append(1)
        return np.array([1.5], dtype=np.float32)

    for _ in range(2):
        assert Memory(tmp_path, "context").recall(["error", {"a": 1}], measure) == 1.5
    assert len(made) == 1
    Memory(tmp_path, "another context").recall(["error", {"a": 1}], measure)
    assert len(made) == 2
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:20])
    assert Memory(tmp_path, "context").recall(["error", {"a": 1}], measure) == 1.5
    assert len(made) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert Memory(blocked / "search", "").recall(1, lambda: np.ones(1, np.float32)) == 1
    assert Memory(blocked, "").recall(1, lambda: np.ones(1, np.float32)) == 1


def test_what_is_remembered_is_of_one_preprocessing():
    model = onnx.ModelProto()
    data = ExportData({}, {"train": "a", "val": "b"})
    contract = ImagePreprocessing(Resize(8, 8), 8, 8, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    parity = Parity((1,), 0.0, 1.0, 1e-4)
    contexts = {
        _context(
            model, Captured(model, lambda batch: batch, parity, ("a", "b"), "image-classification", one, {}), data,
            ExportConfig(),
        )
        for one in (contract, replace(contract, mean=(0.5, 0.5, 0.5)), contract)
    }  # fmt: skip
    assert len(contexts) == 2


def test_a_recipe_that_cannot_run_errs_without_bound(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise BundleError("ONNX Runtime refuses the model")

    monkeypatch.setattr("edge_export.search.laboratory.make_quantized", refuse)
    lab = SimpleNamespace(graph=None, observation=None, memory=Memory(None, ""))
    assert Laboratory.error(lab, Recipe("mse")) == math.inf  # type: ignore[arg-type]


def test_without_a_folder_nothing_is_kept():
    made: list[int] = []
    for _ in range(2):
        Memory(None, "").recall(1, lambda: made.append(1) or np.zeros(1, np.float32))
    assert len(made) == 2


def test_a_budget_ends_and_tells_how_long_it_will_take():
    now, lines = [0.0], []
    budget = Budget(100, lines.append, clock=lambda: now[0])
    for done in range(4):
        budget.say("measuring", done, 4, began=0.0)
        now[0] += 10
    assert lines == [
        "measuring (0 of 4)",
        "measuring (1 of 4, about 30 s left)",
        "measuring (2 of 4, about 20 s left)",
        "measuring (3 of 4, about 10 s left)",
    ]
    assert not budget.over and budget.passed(0.4) and not budget.passed(0.5)
    now[0] = 100.0
    assert budget.over


def test_what_is_not_finite_is_left_out_of_the_report():
    slow = trial("slow", 0, 0.1)
    unbounded = Trial(
        slow.candidate,
        slow.answers,
        slow.verdict,
        slow.expected_bound,
        slow.logit_error,
        Interval(1, 0, math.inf, 0.95),
    )
    costs = [Cost(Block("a", ("a",), 1, ()), error, 1.0, 0.5) for error in (math.inf, 0.25, None)]
    assert total_error(costs) == 0.25
    document = SearchResult((unbounded,), tuple(costs), errors={"mse": math.inf, "minmax": 0.5}).to_dict()
    json.dumps(document, allow_nan=False)
    assert document["errors"] == {"mse": None, "minmax": 0.5}
    assert [cost["error"] for cost in document["costs"]] == [None, 0.25, None]
