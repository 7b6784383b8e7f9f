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
from edge_export.search import Budget, Laboratory, Memory, Question, SearchResult, Trial, judge_trial
from edge_export.search.blocks import Block
from edge_export.search.costs import Cost, total_error
from edge_export.search.search import _starts, choose, search
from edge_runtime.errors import BundleError
from edge_runtime.preprocessing import ImagePreprocessing, Resize

N, CLASSES = 400, 4
LABELS = np.arange(N) % CLASSES
RIGHT = (np.eye(CLASSES, dtype=np.float32)[LABELS] * 10).astype(np.float32)
VAL = Answers(LABELS, {BASELINE: RIGHT}, [None] * N)


NAMES = tuple("abcd")
QUESTION = Question(items=2000, labels=NAMES)


def trial(
    name: str, wrong: int, error: float, ratio: float | None = None, *, question: Question = QUESTION, step: int = 1
) -> Trial:
    """A trial with `wrong` answers wrong, every logit off by `error`, that takes `ratio` of the baseline's time."""
    logits = RIGHT + np.float32(error)
    lost = slice(0, wrong * step, step)
    logits[lost] = np.roll(logits[lost], 1, axis=1)
    made = judge_trial(Candidate("cpu-int8", name.encode(), "int8", "cpu", {"name": name}), VAL, logits, question)
    interval = None if ratio is None else Interval(ratio, ratio - 0.01, ratio + 0.01, 0.95)
    return replace(made, ratio=interval)


def chosen(*trials: Trial) -> str:
    return choose(trials).candidate.recipe["name"]


def test_of_the_provable_the_fastest_is_chosen():
    assert chosen(trial("slow", 0, 0.1, 0.60), trial("fast", 0, 0.5, 0.50), trial("wrong", 40, 0.1, 0.30)) == "fast"


def test_of_the_equally_quick_the_one_with_the_least_error_is_chosen():
    assert chosen(trial("a", 0, 0.5, 0.500), trial("b", 1, 0.1, 0.505)) == "b"
    assert chosen(trial("a", 0, 0.5), trial("b", 1, 0.1)) == "b"


def test_where_nothing_is_provable_the_least_bound_stands():
    assert chosen(trial("a", 40, 0.0, 0.3), trial("b", 20, 0.9, 0.9), trial("c", 30, 0.0, 0.2)) == "b"


def test_what_is_provable_is_what_test_will_ask():
    # 4 of 400 items lost: 1 point; alone, each item by itself, that is provable with a budget of 2 points.
    plain = Question(2000, NAMES, max_drop=0.02)
    assert trial("one", 4, 0.0, question=plain).provable
    assert not trial("few test items", 4, 0.0, question=replace(plain, items=200)).provable
    assert trial("frames beside them", 0, 0.0, question=replace(plain, items=100, frames=500)).provable
    assert not trial("too few of both", 0, 0.0, question=replace(plain, items=100)).provable
    together = [f"{at // 8}" for at in range(N)]
    assert not trial("in one recording", 4, 0.0, question=replace(plain, groups=together)).provable
    # The same items, all of class a: 4 of its 100.
    one_class = trial("one class", 4, 0.0, question=replace(plain, max_class_drop=0.01), step=CLASSES)
    assert [one.label for one in one_class.refused_classes] == ["a"] and not one_class.provable
    protected = replace(plain, max_class_drop=0.05, protect=("a",))
    assert trial("loses none", 0, 0.0, question=protected).provable
    assert not trial("may lose 6", 4, 0.0, question=protected, step=CLASSES).provable
    assert trial("by any class", 4, 0.0, question=replace(protected, protect=()), step=CLASSES).provable


def test_a_rare_class_counts_where_macro_f1_is_asked_for():
    labels = np.repeat(np.arange(2), (N - 8, 8))
    right = np.eye(2, dtype=np.float32)[labels]
    answers = Answers(labels, {BASELINE: right}, [None] * N)
    logits = right.copy()
    logits[-2:] = np.roll(logits[-2:], 1, axis=1)
    candidate = Candidate("cpu-int8", b"", "int8", "cpu", {})
    question = Question(2000, ("a", "b"), max_drop=0.02, max_class_drop=1.0)
    assert judge_trial(candidate, answers, logits, question).provable
    by_f1 = judge_trial(candidate, answers, logits, replace(question, metric="macro-f1"))
    assert not by_f1.provable and by_f1.verdict.measure == "macro-f1"


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
    unbounded = replace(slow, ratio=Interval(1, 0, math.inf, 0.95))
    costs = [Cost(Block("a", ("a",), 1, ()), error, 1.0, 0.5) for error in (math.inf, 0.25, None)]
    assert total_error(costs) == 0.25
    document = SearchResult((unbounded,), tuple(costs), errors={"mse": math.inf, "minmax": 0.5}).to_dict()
    json.dumps(document, allow_nan=False)
    assert document["errors"] == {"mse": None, "minmax": 0.5}
    assert [cost["error"] for cost in document["costs"]] == [None, 0.25, None]


def test_of_each_form_of_graph_the_best_answers_val():
    recipes = [Recipe(name, kind=kind, per_channel=fine) for name, kind, fine in (
        ("a", "fixed", True), ("b", "dynamic", False), ("c", "fixed", True), ("d", "fixed", False),
        ("e", "dynamic", True),
    )]  # fmt: skip
    mute = {"e"}
    lab = SimpleNamespace(
        candidate=lambda recipe: SimpleNamespace(in_int8=1),
        trial=lambda recipe: None if recipe.name in mute else trial(recipe.name, 0, 0.1),
    )
    assert [one.name for one in _starts(lab, recipes, Budget(1e9, print))] == ["a", "b", "d"]
    assert [one.name for one in _starts(lab, recipes, Budget(0, print))] == ["a"], "no clock decides"


def test_a_search_asks_the_clock_before_each_measurement():
    now = [0.0]

    def takes(seconds, result):
        def measure(*_):
            now[0] += seconds
            return result(*_)

        return measure

    recipes = [Recipe(f"r{at}", kind="fixed", weights=at) for at in range(7)]  # type: ignore[arg-type]
    lab = SimpleNamespace(
        error=takes(8, lambda recipe: 1.0 / (1 + recipe.weights)),
        candidate=lambda recipe: SimpleNamespace(in_int8=1),
        trial=takes(5, lambda recipe: trial(recipe.name, 0, 0.1)),
        timed=lambda trials: pytest.fail("timed when the time was over"),
    )
    found = search(lab, recipes, Budget(20, print, clock=lambda: now[0]))  # type: ignore[arg-type]
    assert found.seconds == 21 and found.stopped and list(found.errors) == ["r0", "r1"]
    assert [one.candidate.recipe["name"] for one in found.trials] == ["r1"]
    found = search(lab, recipes, Budget(0, print, clock=lambda: now[0]))  # type: ignore[arg-type]
    assert len(found.errors) == 7 and not found.stopped
    assert [one.candidate.recipe["name"] for one in found.trials] == ["r6"]
