"""Which candidate val chooses."""

import numpy as np

from edge_benchmarks.accuracy import Answers
from edge_export.candidates import BASELINE, Candidate
from edge_export.search import search

N, CLASSES = 400, 4
LABELS = np.arange(N) % CLASSES
RIGHT = (np.eye(CLASSES, dtype=np.float32)[LABELS] * 10).astype(np.float32)
VAL = Answers(LABELS, {BASELINE: RIGHT}, [None] * N)


def candidate(kind: str) -> Candidate:
    return Candidate("cpu-int8", kind.encode(), "int8", "cpu", {"name": kind})


def logits(kind: str) -> np.ndarray:
    """`wrong:N:E` has N answers wrong and every logit off by E; `nan` is broken."""
    if kind == "nan":
        return np.full_like(RIGHT, np.nan)
    _, wrong, error = kind.split(":")
    values = RIGHT + np.float32(error)
    values[: int(wrong)] = np.roll(values[: int(wrong)], 1, axis=1)
    return values


def run(*tiers: list[str]) -> tuple[list[str], list[str]]:
    """Give the order of the trials, and which candidates were asked."""
    asked: list[str] = []

    def ask(candidates: list[Candidate]) -> Answers:
        asked.extend(one.model.decode() for one in candidates)
        return Answers(LABELS, {one.name: logits(one.model.decode()) for one in candidates}, [None] * N)

    made = ([candidate(kind) for kind in tier] for tier in tiers)
    trials = search(made, ask, VAL, test_size=2000, max_drop=0.01)
    return [trial.candidate.model.decode() for trial in trials], asked


def test_of_the_provable_the_one_with_the_least_error_is_chosen():
    order, _ = run(["wrong:0:0.5", "wrong:1:0.1", "wrong:40:0.0"])
    assert order[0] == "wrong:1:0.1"


def test_a_later_tier_is_tried_only_where_none_is_provable():
    order, asked = run(["wrong:0:0.5"], ["wrong:0:0.0"])
    assert order == ["wrong:0:0.5"]
    assert asked == ["wrong:0:0.5"]
    order, asked = run(["wrong:40:0.1"], ["wrong:0:0.5"])
    assert order[0] == "wrong:0:0.5"


def test_where_nothing_is_provable_the_least_bound_stands():
    order, _ = run(["wrong:40:0.0"], ["wrong:20:0.9"], ["wrong:30:0.0"])
    assert order[0] == "wrong:20:0.9"


def test_what_answers_nan_is_no_candidate():
    assert run(["nan", "wrong:0:0.5"])[0] == ["wrong:0:0.5"]
    assert run(["nan"])[0] == []
