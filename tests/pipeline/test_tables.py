"""Words in the tables that commands print."""

from pathlib import Path

import numpy as np
import pytest

from edge_benchmarks.accuracy import summarize
from edge_pipeline.cli.export_table import _cells
from edge_pipeline.cli.tables import print_evaluation
from edge_pipeline.evaluation import Evaluation
from edge_pipeline.training.session import TrainResult
from edge_pipeline.training.summary import summary


@pytest.mark.parametrize(
    ("labels", "words"),
    [(np.array([0, 1, 1]), "top-1"), (np.array([[True, False], [True, True], [False, True]]), "all labels right")],
)
def test_accuracy_is_called_what_it_is(labels, words, capsys):
    found = summarize(labels, np.array([[2, -2], [-1, 3], [-1, 1]], np.float32), ("a", "b"))
    print_evaluation(Evaluation("sha256:0", "cpu-fp32", "test", found, None))
    assert words in capsys.readouterr().out
    from rich.console import Console

    result = TrainResult(Path("run"), 1, {"test": found.to_dict(), "epochs": 1})
    Console().print(summary(result))
    assert f"test {words} " in capsys.readouterr().out


def test_a_speedup_without_bounds_is_not_called_untimed():
    row = {"variant": "cpu-int8", "top1": 0.5, "top1_interval": [0.4, 0.6], "size_bytes": 9, "verdict": "same, faster"}
    assert _cells(row)[4:6] == ["not timed", "not timed"]
    timed = row | {"latency_ms": {"p50": None}, "speedup_over_baseline": None, "speedup_over_eager": None}
    assert _cells(timed)[4:6] == ["not bounded", "not bounded"]
