"""A real run to a real bundle, and back through the runtime."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edge_runtime
from edge_export.config import ExportConfig, ExportData, Outcome
from edge_export.export import export
from edge_runtime.bundle import read_bundle
from edge_runtime.cpus import instruction_set
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.evidence import read_evidence
from edge_runtime.golden import selftest

INT8 = ExportConfig(
    quantize="int8", max_drop=0.02, timing_seconds=1.0, calibration_samples=24, keep_fp32=True, search_time=0
)


@pytest.fixture(scope="session")
def exported(tiny_run: Path, picture_data: ExportData, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("out") / "tiny.edge"
    # A network this small need not be faster in int8, and a verdict on time is not what these tests are about.
    return export(tiny_run, out, picture_data, replace(INT8, provisional=True, fallback="fp32"))


def test_a_bundle_that_cannot_be_written_leaves_the_report(tiny_run, picture_data, tmp_path, monkeypatch):
    def full(out: Path, files: object) -> None:
        raise InputError(f"-o {out}: cannot write the bundle (No space left on device); free space")

    monkeypatch.setattr("edge_export.shipping.write_bundle", full)
    out = tmp_path / "a.edge"
    with pytest.raises(InputError, match="No space left"):
        export(tiny_run, out, picture_data, ExportConfig(timing_seconds=0.5))
    document = json.loads(Path(f"{out}.report.json").read_text())
    assert document["outcome"] == "refused" and "No space left" in document["reason"]
    assert document["shipped"] == [] and document["bundle"] is None and document["rows"]
    assert "No space left" in Path(f"{out}.report.html").read_text()
    assert not out.exists()


def test_report_says_what_was_measured(exported):
    document = json.loads(exported.report_json.read_text())
    assert document["outcome"] in {outcome.value for outcome in Outcome}
    assert [row["variant"] for row in document["rows"]] == ["cpu-fp32", "cpu-int8"]
    assert document["parity"]["largest_difference"] <= 1e-4 * document["parity"]["largest_logit"]
    assert document["accuracy"]["n"] == 400
    assert document["accuracy"]["verdict"] == "pass"
    assert document["rows"][0]["top1"] > 0.99
    assert document["rows"][1]["coverage"]["int8"] > 0
    assert document["search"]["trials"][0]["recipe"]["calibration_samples"] == 24
    assert "<html" in exported.report_html.read_text()


@pytest.mark.filterwarnings("ignore::edge_runtime.EdgeWarning")  # where time was in doubt
def test_bundle_answers_as_the_evaluation_did(exported, picture_data: ExportData):
    model = edge_runtime.load(exported.bundle)
    assert model.content_id == exported.content_id
    right = [
        model.predict(path).top(1)[0][0] == model.labels[label] for path, label in picture_data.splits["test"][:40]
    ]
    assert np.mean(right) > 0.95
    report = selftest(exported.bundle)
    assert report.passed, report.failures


def test_the_runtime_reads_what_the_export_measured(exported):
    opened = read_bundle(exported.bundle)
    (path,) = opened.manifest.evidence
    evidence = read_evidence(opened.read(path))
    assert (evidence.kind, evidence.machine.instruction_set) == ("export", instruction_set())
    assert {timing.variant for timing in evidence.timings} <= {one.name for one in opened.manifest.variants}
    assert evidence.timings and evidence.report["outcome"] == exported.outcome.value


def test_evidence_names_no_item_of_the_data(exported, picture_data: ExportData):
    opened = read_bundle(exported.bundle)
    everything = b"".join(opened.read(entry.path) for entry in opened.manifest.files)
    folder = picture_data.splits["test"][0][0].parent
    assert str(folder).encode() not in everything
    assert b"test-0.png" not in everything


def test_two_exports_of_a_run_have_one_content_id(tiny_run, picture_data, tmp_path):
    config = ExportConfig(timing_seconds=1.0)
    first = export(tiny_run, tmp_path / "a.edge", picture_data, config)
    second = export(tiny_run, tmp_path / "b.edge", picture_data, config)
    other = export(tiny_run, tmp_path / "c.edge", picture_data, replace(config, seed=1))
    assert first.content_id == second.content_id
    assert first.content_id != other.content_id
    assert second.report["test_openings"] == first.report["test_openings"] + 1


def test_too_few_items_are_inconclusive_and_leave_only_the_report(tiny_run, picture_data, tmp_path):
    few = replace(picture_data, splits={**picture_data.splits, "test": picture_data.splits["test"][:30]})
    result = export(tiny_run, tmp_path / "few.edge", few, replace(INT8, max_drop=0.001, timing_seconds=1.0))
    assert result.outcome in (Outcome.INCONCLUSIVE, Outcome.REFUSED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.edge.report.html", "few.edge.report.json"]


def test_targets_that_cannot_be_written_are_refused_before_any_work(tiny_run, picture_data, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="is a directory already"):
        export(tiny_run, tmp_path / "there", picture_data, INT8)
    with pytest.raises(InputError, match="does not exist"):
        export(tiny_run, tmp_path / "no" / "x.edge", picture_data, INT8)


def test_missing_split_and_changed_weights_are_one_line(tiny_run, picture_data, tmp_path):
    without = replace(picture_data, splits={**picture_data.splits, "val": []})
    with pytest.raises(InputError, match="no val split"):
        export(tiny_run, tmp_path / "x.edge", without, INT8)
    copied = tmp_path / "run"
    copied.mkdir()
    for file in tiny_run.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    weights = copied / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(InputError, match="is not the"):
        export(copied, tmp_path / "x.edge", picture_data, INT8)


def test_a_refused_network_still_leaves_its_report(tiny_run, picture_data, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_export.capture.parity.PARITY_TOLERANCE", 0.0)
    with pytest.raises(RefusedError, match="does not answer as the source"):
        export(tiny_run, tmp_path / "x.edge", picture_data, INT8)
    document = json.loads((tmp_path / "x.edge.report.json").read_text())
    assert document["outcome"] == "refused"
    assert "does not answer as the source" in document["reason"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.edge.report.html", "x.edge.report.json"]
