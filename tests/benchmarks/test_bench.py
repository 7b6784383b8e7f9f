"""A benchmark of a real bundle: what is measured, checked, compared, and kept when it is interrupted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_benchmarks import phases
from edge_benchmarks.bench import bench
from edge_benchmarks.bench_report import SAMPLES_NEEDED
from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.measurements import METRICS, read_measurement
from edge_benchmarks.timing import InterleavedTimings
from edge_runtime import load
from edge_runtime.errors import ExitCode, InputError, SelfTestError


def test_every_variant_of_the_device_is_measured_whole_and_alone(report):
    assert [result.arm for result in report.results] == ["cpu-int8", "cpu-fp32"]
    for result in report.results:
        assert result.latency.n == len(report.samples["end_to_end"]["samples_ns"][result.arm])
        whole, model = (report.samples[phase]["samples_ns"][result.arm] for phase in ("end_to_end", "model"))
        assert np.median(model) < np.median(whole)
        rate = result.throughput.images_per_second
        assert rate is None or rate.low <= rate.estimate <= rate.high  # None: a busy machine did not resolve it
        assert result.golden_cases == 1
        assert result.provider == "CPUExecutionProvider"
        assert result.threads == 1


def test_stages_account_for_the_whole_call(report):
    for result in report.results:
        assert list(result.stages) == ["decode", "preprocess", "infer", "postprocess"]
        assert 0 <= result.unaccounted_share < 0.03
        stages = report.samples["stages"][result.arm]
        whole = report.samples["end_to_end"]["samples_ns"][result.arm]
        # Aligned call by call, not merely on average.
        assert (np.sum([stages[stage] for stage in stages], axis=0) <= whole).all()


def test_the_cheaper_variant_is_found_faster(report):
    found = {one.what: one for one in report.comparisons}
    assert set(found) == {"end-to-end", "model"}
    assert (found["model"].candidate, found["model"].baseline) == ("cpu-int8", "cpu-fp32")
    assert found["model"].verdict.ratio.high < 0.5


def test_cold_starts_are_fresh_processes_of_the_runtime_alone(report):
    for result in report.results:
        assert len(result.cold_starts) == 2
        for start in result.cold_starts:
            assert start.import_ns + start.load_ns + start.first_run_ns < start.total_ns
            assert 10e6 < start.steady_rss_bytes <= start.peak_rss_bytes < 1e9


def test_a_percentile_without_bounds_is_null_with_its_n(bundle):
    latency = bench(bundle, seconds=1.0, cold_starts=0, threads=1).to_dict()["variants"][0]["latency_ms"]
    assert set(latency["effective_n"]) == set(SAMPLES_NEEDED)
    for name, needed in SAMPLES_NEEDED.items():
        if latency["effective_n"][name] < needed:
            assert latency[name] is None
        else:
            assert latency[name]["low"] <= latency[name]["value"] <= latency[name]["high"]


def test_the_document_is_versioned_finite_and_tells_no_name_of_this_machine(document, bundle):
    assert (document["schema"], document["kind"], document["scenario"]) == (2, "bench", "single-stream")
    text = json.dumps(document, allow_nan=False)
    for secret in (os.uname().nodename, str(bundle.parent), str(Path.home())):
        assert f'"{secret}"' not in text and f"{secret}/" not in text
    again = InterleavedTimings.from_dict(document["samples_ns"]["end_to_end"])
    ratio = document["comparisons"][0]["ratio"]["value"]
    assert again.ratio("cpu-int8", "cpu-fp32").estimate == pytest.approx(ratio)


def test_every_number_is_in_the_flat_list_once(document):
    found = [read_measurement(one, "a report") for one in document["measurements"]]
    keys = [one.key for one in found]
    assert len(keys) == len(set(keys))
    assert {one.metric for one in found if one.variant == "cpu-fp32"} == set(METRICS) - {"accuracy", "runtime_size"}
    first = document["variants"][0]
    told = {one.metric: one for one in found if one.variant == "cpu-int8"}
    assert told["variant_size"].value == told["variant_size"].low == first["variant_bytes"]
    assert {told[f"latency_{name}"].n for name in SAMPLES_NEEDED} == {first["latency_ms"]["n"]}
    assert told["throughput"].scenario == "offline/batch=4"


def test_what_answers_wrongly_is_not_timed(broken_bundle):
    with pytest.raises(SelfTestError, match="logits differ"):
        bench(broken_bundle, seconds=0.1)


def test_several_bundles_are_timed_side_by_side(bundle, tmp_path):
    copy = tmp_path / "copy.edge"
    copy.write_bytes(bundle.read_bytes())
    report = bench([bundle, copy], variants=["cpu-int8"], seconds=0.3, cold_starts=0, threads=1)
    assert [result.arm for result in report.results] == ["insects.edge:cpu-int8", "copy.edge:cpu-int8"]
    assert {(one.candidate, one.baseline) for one in report.comparisons} == {
        ("copy.edge:cpu-int8", "insects.edge:cpu-int8")
    }


def test_own_images_take_turns_and_every_arm_gets_the_same_one(bundle, tmp_path, monkeypatch):
    files = []
    for seed in range(2):
        files.append(tmp_path / f"{seed}.jpg")
        files[-1].write_bytes(synthetic_photo(seed).data)
    seen: dict[str, list[int]] = {}
    original = phases.StagedCall.__call__

    def spy(self):
        seen.setdefault(self._model.variant.name, []).append(hash(self._feed.current))
        original(self)

    monkeypatch.setattr(phases.StagedCall, "__call__", spy)
    report = bench(bundle, inputs=files, seconds=0.3, cold_starts=0, threads=1)
    rounds = len(report.samples["end_to_end"]["samples_ns"]["cpu-int8"])
    fed = {arm: calls[-rounds:] for arm, calls in seen.items()}
    assert fed["cpu-int8"] == fed["cpu-fp32"]
    assert len(set(fed["cpu-int8"])) == 2
    assert [one["name"] for one in report.settings["inputs"]] == ["0.jpg", "1.jpg"]


def test_an_interrupt_leaves_what_was_measured(bundle, monkeypatch):
    def interrupted(plan, state):
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "measure_offline", interrupted)
    report = bench(bundle, seconds=0.3, cold_starts=1, threads=1)
    assert report.partial
    first = report.results[0]
    assert first.latency is not None and first.model_latency is not None
    assert first.throughput is None and first.cold_starts == ()
    assert json.dumps(report.to_dict(), allow_nan=False)


def test_an_unsteady_machine_is_measured_again_and_then_called_invalid(bundle, monkeypatch):
    monkeypatch.setattr(phases, "_shifts", lambda timings: ["cpu-int8: latency moved by +40%"])
    report = bench(bundle, seconds=0.1, cold_starts=0, threads=1)
    assert not report.valid
    assert report.attempts == phases.ATTEMPTS


def test_a_planted_shift_of_latency_is_seen():
    rng = np.random.default_rng(0)
    steady = 1e6 * np.exp(0.03 * rng.standard_normal(200))
    shifted = steady * np.where(np.arange(200) > 120, 1.3, 1.0)
    timings = InterleavedTimings({"a": steady.astype(np.int64), "b": shifted.astype(np.int64)}, 50.0, 0)
    assert [line.split(":")[0] for line in phases._shifts(timings)] == ["b"]


def test_wrong_requests_are_named(bundle, tmp_path):
    with pytest.raises(InputError, match="no such variant"):
        bench(bundle, variants=["cpu-int4"])
    with pytest.raises(InputError, match=r"photo\.jpg: cannot be read"):
        bench(bundle, inputs=[tmp_path / "photo.jpg"])
    with pytest.raises(InputError, match="0 bundles"):
        bench([])


def test_the_model_alone_agrees_with_a_bare_loop(bundle):
    # The comparison that a doubter would make: both loops in one process, interleaved, so that load hits both alike.
    from edge_benchmarks.timing import interleave

    model = load(bundle, threads=1, variant="cpu-fp32")
    tensor = model.preprocess(model.decode(synthetic_photo().data))[None]
    arms = {"ours": lambda: model.infer(tensor), "bare": lambda: model.session.run(None, {"image": tensor})}
    ratio = interleave(arms, seconds=1.0, warmup_seconds=0.1).ratio("ours", "bare")
    assert ratio.low < 1.05


def test_the_command_writes_every_form_and_prints_json(bundle, tmp_path, capsys):
    outputs = [tmp_path / f"report.{suffix}" for suffix in ("html", "md", "json", "txt")]
    flags = [flag for path in outputs for flag in ("-o", str(path))]
    code = run_command(
        edge_bench,
        ["bench", str(bundle), "--duration", "0.3", "--threads", "1", "--cold-starts", "0", "--json", *flags],
    )
    assert code in (ExitCode.OK, ExitCode.INVALID)
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["variants"][0]["latency_ms"]) == {"p50", "p90", "p99", "n", "effective_n"}
    assert json.loads((tmp_path / "report.json").read_text()) == printed
    assert all(path.stat().st_size > 500 for path in outputs)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in outputs)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no.edge"], ExitCode.INPUT, "no such bundle"),
        (["no.edge", "-o", "report.pdf"], ExitCode.INPUT, "no report form"),
        (["no.edge", "-o", "missing/report.html"], ExitCode.INPUT, "does not exist"),
        ([], ExitCode.USAGE, "Missing argument"),
        (["no.edge", "--threads", "0"], ExitCode.USAGE, "--threads"),
    ],
)
def test_the_command_refuses_before_it_measures(arguments, code, words, capsys):
    assert run_command(edge_bench, ["bench", *arguments], "edge-bench") == code
    captured = capsys.readouterr()
    assert words in captured.err and captured.out == ""


def test_a_broken_bundle_ends_with_refused(broken_bundle, capsys):
    assert run_command(edge_bench, ["bench", str(broken_bundle)], "edge-bench") == ExitCode.REFUSED
    assert "do not use this bundle" in capsys.readouterr().err


def test_a_polite_kill_leaves_a_partial_report(bundle, tmp_path):
    out = tmp_path / "report.json"
    # The kill comes at a known moment: when end-to-end timing is done and the next phase begins.
    program = (
        "import os, signal, edge_benchmarks.phases as phases\n"
        "phases.measure_model = lambda plan, state: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from edge_benchmarks.cli import main; main()"
    )
    arguments = ["bench", str(bundle), "--duration", "0.2", "--threads", "1", "-o", str(out)]
    process = subprocess.run([sys.executable, "-c", program, *arguments], check=False, capture_output=True)
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"interrupted: the report is partial" in process.stderr
    partial = json.loads(out.read_text())
    assert partial["partial"]
    assert partial["variants"][0]["latency_ms"]["n"] > 0


def test_help_imports_neither_numpy_nor_onnxruntime():
    check = (
        "import sys\nfrom edge_benchmarks.cli import edge_bench\n"
        "edge_bench.main(['bench', '--help'], standalone_mode=False)\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'onnxruntime', 'rich', 'matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_every_field_of_the_document_is_in_the_reference(document):
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    section = reference.split("### `edge bench --json`")[1].split("\n## ")[0]
    documented = set(re.findall(r"`([a-z0-9_]+)`", section))
    first = document["variants"][0]
    parts = [document, first, first["latency_ms"], first["stages_ms"], first["throughput"], first["cold_start_ms"]]
    parts += [document["comparisons"][0], document["settings"], document["settings"]["inputs"][0]]
    parts += [document["environment"], document["cold_starts"]["cpu-int8"][0], document["samples_ns"]]
    parts += [document["samples_ns"]["end_to_end"], document["measurements"][0]]
    written = {name for part in parts for name in part}
    assert written - documented - {"p50", "p90", "p99"} == set()
