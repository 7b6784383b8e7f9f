"""What an export must refuse, and what must stay out of a bundle."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.timing import InterleavedTimings
from edge_export.architectures import create_network
from edge_export.candidates import BASELINE, Candidate
from edge_export.capture.interface import SourceOptions
from edge_export.capture.parity import check_parity
from edge_export.capture.run_source import capture_run
from edge_export.capture.torch_module import eager, export_module
from edge_export.contest import Contest
from edge_export.export import _drop_broken
from edge_export.inputs import noise_batches
from edge_export.ledger import LEDGER_FILE, record_test_opening
from edge_export.report.document import _speedup
from edge_export.run import RUN_FILE, read_run
from edge_export.search import Question, SearchResult, judge_trial
from edge_export.targets import TARGETS
from edge_runtime.errors import InputError, RefusedError


def test_a_network_that_answers_nan_has_no_parity():
    import torch

    module = create_network("test_resnet", 3).module.eval()
    model = export_module(module, (3, 32, 32))

    def broken(batch):
        return np.full_like(eager(module)(batch), np.nan)

    with pytest.raises(RefusedError, match="NaN or infinite"):
        check_parity(model, broken, noise_batches((3, 32, 32)))
    with torch.no_grad():
        next(module.parameters()).fill_(float("nan"))
    with pytest.raises(RefusedError, match="NaN"):
        check_parity(model, eager(module), noise_batches((3, 32, 32)))


def test_paths_and_patterns_of_the_training_stay_out_of_the_provenance(tiny_run: Path, tmp_path: Path):
    copied = tmp_path / "run"
    copied.mkdir()
    for file in tiny_run.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    document = json.loads((copied / RUN_FILE).read_text())
    document["config"] = {"seed": 7, "weights": "weights/secret.pth", "group": "patient-([0-9]+)"}
    (copied / RUN_FILE).write_text(json.dumps(document))
    provenance = json.dumps(capture_run(str(copied), SourceOptions()).provenance)
    assert "secret" not in provenance
    assert "patient" not in provenance
    assert '"seed": 7' in provenance


@pytest.mark.parametrize(("field", "value"), [("architecture", 5), ("labels", [1, 2]), ("config", []), ("metrics", 3)])
def test_a_run_with_fields_of_other_types_is_one_line(tiny_run: Path, tmp_path: Path, field: str, value: object):
    document = json.loads((tiny_run / RUN_FILE).read_text()) | {field: value}
    (tmp_path / RUN_FILE).write_text(json.dumps(document))
    with pytest.raises(InputError, match="another type"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["[1]", "{", '{"a": null}'])
def test_a_broken_ledger_is_not_counted_anew(tmp_path: Path, content: str):
    (tmp_path / LEDGER_FILE).write_text(content)
    with pytest.raises(InputError, match="cannot be read"):
        record_test_opening(tmp_path, "a")


def test_openings_are_counted_one_after_the_other(tmp_path: Path):
    count = "import sys, pathlib, edge_export.ledger as it\n"
    count += "for _ in range(15): it.record_test_opening(pathlib.Path(sys.argv[1]), 'a')"
    counters = [subprocess.Popen([sys.executable, "-c", count, str(tmp_path)]) for _ in range(3)]
    assert [counter.wait() for counter in counters] == [0, 0, 0]
    assert record_test_opening(tmp_path, "a") == 46


def test_a_speedup_that_nothing_bounds_is_left_out():
    timings = InterleavedTimings({"a": np.array([1, 2, 3, 4]), "b": np.array([2, 3, 4, 5])}, 0.0, 0)
    assert _speedup(timings, "a", "b") is None


def test_a_network_of_one_size_refuses_others():
    network = create_network("vit_tiny_patch16_224", 2)
    assert network.preprocessing(224).crop_width == 224
    with pytest.raises(InputError, match="--size 96"):
        network.preprocessing(96)


def test_a_candidate_that_answers_nan_on_frames_is_dropped():
    name, finite = "cpu-int8", np.eye(2, dtype=np.float32)
    answers = Answers(np.arange(2), {BASELINE: finite, name: finite}, [None] * 2)
    broken = replace(answers, logits={BASELINE: finite, name: finite * np.float32("nan")})
    baseline = Candidate(BASELINE, b"", "fp32", "cpu", {})
    trial = judge_trial(replace(baseline, name=name), answers, finite, Question(2, ("a", "b")))
    contest = Contest(None, TARGETS["arm64"], baseline, (), answers, SearchResult((trial,)))  # type: ignore[arg-type]
    assert _drop_broken(contest, answers, None).chosen == trial.candidate
    assert _drop_broken(contest, answers, broken).chosen is None
    assert _drop_broken(contest, broken, None).refusal == f"{name} answers NaN or infinity on test items or frames"
