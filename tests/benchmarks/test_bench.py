"""A benchmark of a real bundle: what is measured, checked, compared, and kept when it is interrupted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_benchmarks.bench.rows import SAMPLES_NEEDED
from edge_benchmarks.bench.run import bench
from edge_benchmarks.bench.scenarios import attempts, offline
from edge_benchmarks.bench.stages import Feed, StagedCall
from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.measurements import METRICS, read_measurement
from edge_benchmarks.timing import InterleavedTimings
from edge_runtime import load
from edge_runtime.devices import DeviceBuffers
from edge_runtime.errors import ExitCode, InputError, SelfTestError


def find(report, scenario, what, arm):
    (row,) = [one for one in report.rows if (one.scenario, one.what, one.arm) == (scenario, what, arm)]
    return row


def samples(report, scenario, what, arm):
    (phase,) = [one for one in report.phases if (one.scenario, one.what) == (scenario, what)]
    return phase.timings.samples_ns[arm]


def test_every_variant_of_the_device_is_measured_whole_and_alone(report):
    assert [result.facts.arm for result in report.results] == ["cpu-int8", "cpu-fp32"]
    for result in report.results:
        facts = result.facts
        whole, model = (find(report, "single-stream", what, facts.arm) for what in ("end-to-end", "model"))
        assert whole.n == len(samples(report, "single-stream", "end-to-end", facts.arm))
        assert model.stages == {} and model.unaccounted_share is None
        for scenario in ("offline/batch=1", "offline/batch=4"):
            rate = find(report, scenario, "model", facts.arm).throughput
            assert rate is None or rate.low <= rate.estimate <= rate.high  # None: a busy machine did not resolve it
        assert (facts.check, facts.golden_cases, facts.provider) == ("golden vectors", 1, "CPUExecutionProvider")
        assert facts.operators == {"CPUExecutionProvider": sum(facts.operators.values())} != {}
        assert facts.threads == 1


def test_stages_account_for_the_whole_call(report):
    (phase,) = [one for one in report.phases if one.what == "end-to-end"]
    for result in report.results:
        row = find(report, "single-stream", "end-to-end", result.facts.arm)
        assert list(row.stages) == ["read", "decode", "preprocess", "infer", "postprocess"]
        assert 0 <= row.unaccounted_share < 1
        stages, calls = phase.stages[result.facts.arm], phase.timings.samples_ns[result.facts.arm]
        # Aligned call by call, not merely on average.
        accounted = np.sum(list(stages.values()), axis=0)
        assert (accounted <= calls).all() and (stages["infer"] < calls).all()
        # Of most calls: a busy machine may stop one between two stages for as long as it likes.
        assert np.median(1 - accounted / calls) < 0.03


def test_copies_to_and_from_a_device_are_stages_of_their_own(bundle, tmp_path):
    # The buffers of a device work on the CPU too, which is all that this test can count on.
    model = load(bundle, threads=1, variant="cpu-int8")
    variant = model.variant
    model._ask = DeviceBuffers(model.session, variant.inputs[0], variant.outputs[0], device="cpu")
    feed = Feed([synthetic_photo().on_disk(tmp_path)])
    call = feed.arm(model)
    call()
    feed.prepare(0)
    call()
    call()
    stages = call.stages_ns(2)
    order = ["read", "decode", "preprocess", "host-to-device", "infer", "device-to-host", "postprocess"]
    assert list(stages) == order
    assert all((stages[stage] > 0).all() and len(stages[stage]) == 2 for stage in order)


def test_the_cheaper_variant_is_found_faster(report):
    found = {(one.scenario, one.what): one for one in report.comparisons}
    assert {what for scenario, what in found if scenario == "single-stream"} == {"end-to-end", "model"}
    model = found["single-stream", "model"]
    assert (model.candidate, model.baseline) == ("cpu-int8", "cpu-fp32")
    assert model.verdict.ratio.high < 0.5


def test_cold_starts_are_fresh_processes_of_the_runtime_alone(report):
    for result in report.results:
        assert len(result.cold_starts) == 2
        for start in result.cold_starts:
            parts = (start.import_ns, start.verify_ns, start.session_ns, start.first_run_ns)
            assert min(parts) > 0 and sum(parts) < start.total_ns
            assert 10e6 < start.steady_rss_bytes <= start.peak_rss_bytes < 1e9
        assert result.to_dict()["cold_start_ms"]["total"]["p50"] is None  # two processes bound no median


def test_the_installed_runtime_is_weighed(report):
    sizes = report.runtime_bytes
    assert {"edge-runtime", "numpy", "pillow"} < set(sizes)
    assert 50e3 < sizes["edge-runtime"] < 1e6 < sizes["numpy"]


def test_a_percentile_without_bounds_is_null_with_its_n(document):
    for row in document["rows"]:
        latency = row["latency_ms"]
        if latency is None:
            continue
        assert set(latency["effective_n"]) == set(SAMPLES_NEEDED)
        for name, needed in SAMPLES_NEEDED.items():
            if latency["effective_n"][name] < needed:
                assert latency[name] is None
            else:
                assert latency[name]["low"] <= latency[name]["value"] <= latency[name]["high"]


def test_the_document_is_versioned_finite_and_tells_no_name_of_this_machine(document, bundle):
    assert (document["schema"], document["kind"]) == (2, "bench")
    text = json.dumps(document, allow_nan=False)
    for secret in (os.uname().nodename, str(bundle.parent), str(Path.home())):
        assert f'"{secret}"' not in text and f"{secret}/" not in text
    again = InterleavedTimings.from_dict(document["phases"][0])
    ratio = document["comparisons"][0]["ratio"]["value"]
    assert again.ratio("cpu-int8", "cpu-fp32").estimate == pytest.approx(ratio)


def test_every_number_is_in_the_flat_list_once(document):
    found = [read_measurement(one, "a report") for one in document["measurements"]]
    keys = [one.key for one in found]
    assert len(keys) == len(set(keys))
    assert {one.metric for one in found if one.variant == "cpu-fp32"} == set(METRICS) - {"accuracy"}
    first = document["variants"][0]
    told = {one.metric: one for one in found if one.variant == "cpu-int8"}
    assert told["variant_size"].value == told["variant_size"].low == first["variant_bytes"]
    assert {told[f"latency_{name}"].n for name in SAMPLES_NEEDED} == {document["rows"][0]["n"]}
    assert told["throughput"].scenario == "offline/batch=4"


def test_what_answers_wrongly_is_not_timed(broken_bundle):
    with pytest.raises(SelfTestError, match="logits differ"):
        bench(broken_bundle, seconds=0.1)


def test_several_bundles_are_timed_side_by_side(bundle, tmp_path):
    copy = tmp_path / "copy.edge"
    copy.write_bytes(bundle.read_bytes())
    report = bench([bundle, copy], variants=["cpu-int8"], seconds=0.3, cold_starts=0, threads=1)
    assert [result.facts.arm for result in report.results] == ["insects.edge:cpu-int8", "copy.edge:cpu-int8"]
    assert {(one.candidate, one.baseline) for one in report.comparisons} == {
        ("copy.edge:cpu-int8", "insects.edge:cpu-int8")
    }


def test_own_images_take_turns_and_every_arm_gets_the_same_one(bundle, tmp_path, monkeypatch):
    files = []
    for seed in range(2):
        files.append(tmp_path / f"{seed}.jpg")
        files[-1].write_bytes(synthetic_photo(seed).data)
    seen: dict[str, list[Path]] = {}
    original = StagedCall.__call__

    def spy(self):
        seen.setdefault(self._model.variant.name, []).append(self._feed.current)
        original(self)

    monkeypatch.setattr(StagedCall, "__call__", spy)
    report = bench(bundle, inputs=files, seconds=0.2, cold_starts=0, threads=1, scenarios=["single-stream"])
    rounds = len(samples(report, "single-stream", "end-to-end", "cpu-int8"))
    fed = {arm: calls[-rounds:] for arm, calls in seen.items()}
    assert fed["cpu-int8"] == fed["cpu-fp32"]
    assert set(fed["cpu-int8"]) == set(files)
    assert [one["name"] for one in report.settings["inputs"]] == ["0.jpg", "1.jpg"]


def test_an_interrupt_leaves_what_was_measured(bundle, monkeypatch):
    def interrupted(plan, state):
        raise KeyboardInterrupt

    monkeypatch.setattr(offline, "measure", interrupted)
    report = bench(bundle, seconds=0.2, cold_starts=1, threads=1)
    assert report.partial
    assert {(row.scenario, row.what) for row in report.rows} == {
        ("single-stream", "end-to-end"), ("single-stream", "model"),
    }  # fmt: skip
    assert report.results[0].cold_starts == ()
    assert json.dumps(report.to_dict(), allow_nan=False)


def test_an_unsteady_machine_is_measured_again_and_then_called_invalid(bundle, monkeypatch):
    monkeypatch.setattr(attempts, "unsteady", lambda *_, **__: ["cpu-int8: latency moved by +40%"])
    report = bench(bundle, seconds=0.1, cold_starts=0, threads=1, scenarios=["single-stream"])
    assert not report.valid
    assert [phase.attempts for phase in report.phases] == [attempts.ATTEMPTS] * 2


def test_wrong_requests_are_named(bundle, tmp_path):
    with pytest.raises(InputError, match="no such variant"):
        bench(bundle, variants=["cpu-int4"])
    with pytest.raises(InputError, match=r"photo\.jpg: cannot be read"):
        bench(bundle, inputs=[tmp_path / "photo.jpg"])
    with pytest.raises(InputError, match="0 bundles"):
        bench([])
    with pytest.raises(InputError, match="'sever': there are single-stream, offline, by-length"):
        bench(bundle, scenarios=["sever"])
    with pytest.raises(InputError, match="0 calls a second"):
        bench(bundle, qps=0.0)


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
    assert set(printed["rows"][0]["latency_ms"]) == {"p50", "p90", "p99", "n", "effective_n"}
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
    # The kill comes at a known moment: when single-stream is done and the next scenario begins.
    program = (
        "import os, signal, edge_benchmarks.bench.scenarios.offline as offline\n"
        "offline.measure = lambda plan, state: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from edge_benchmarks.cli import main; main()"
    )
    arguments = ["bench", str(bundle), "--duration", "0.2", "--threads", "1", "-o", str(out)]
    process = subprocess.run([sys.executable, "-c", program, *arguments], check=False, capture_output=True)
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"interrupted: the report is partial" in process.stderr
    partial = json.loads(out.read_text())
    assert partial["partial"]
    assert partial["rows"][0]["latency_ms"]["n"] > 0


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
    first, row = document["variants"][0], document["rows"][0]
    parts = [document, first, row, row["latency_ms"], row["stages_ms"], first["cold_start_ms"], first["peak_rss_bytes"]]
    parts += [document["comparisons"][0], document["settings"], document["settings"]["inputs"][0]]
    parts += [document["environment"], document["cold_starts"]["cpu-int8"][0], document["phases"][0]]
    parts += [document["measurements"][0]]
    written = {name for part in parts for name in part}
    assert written - documented - {"p50", "p90", "p99"} == set()
