"""Two real bundles side by side: what is measured, judged, checked first, and kept when it is interrupted."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.compare import run as run_module
from edge_benchmarks.compare.accuracy import accuracy_question
from edge_benchmarks.compare.judge import MARGINS
from edge_benchmarks.compare.run import RunPlan, compare_run
from edge_benchmarks.timing import InterruptedPairs, measure_pairs
from edge_runtime.errors import ExitCode, InputError, SelfTestError

JUDGED = ["latency_p50", "model_latency_p50", "first_label", "peak_rss", "bundle_size", "variant_size"]


def plan(base, new, **more) -> RunPlan:
    return RunPlan(base, new, threads=1, **{"variants": ("cpu-int8",), "pairs": 3, "seconds": 0.3} | more)


@pytest.fixture(scope="module")
def compared(bundle, tmp_path_factory):
    """A bundle against itself made 31 times slower, which no noise hides."""
    photo = tmp_path_factory.mktemp("inputs") / "photo.png"
    photo.write_bytes(photos(1)[0])
    return compare_run(plan(bundle, bundle, slowdown=30.0, pairs=5, seconds=0.1, inputs=(photo,)))


def test_a_real_slowdown_is_found_and_named(compared):
    assert [one.question.shown.metric for one in compared.judged] == JUDGED
    outcomes = {one.question.shown.metric: one.outcome.value for one in compared.judged}
    assert outcomes["latency_p50"] == "worse"
    assert outcomes["bundle_size"] == outcomes["variant_size"] == "same"
    assert compared.exit_code is ExitCode.REFUSED


def test_the_document_holds_everything_that_a_reader_could_check(compared, bundle):
    document = json.loads(json.dumps(compared.to_dict(), allow_nan=False))
    assert (document["schema"], document["kind"], document["mode"]) == (1, "compare", "run")
    assert (document["verdict"], document["exit_code"]) == ("failed", 4)
    assert document["base"]["content_ids"] == document["new"]["content_ids"] != []
    assert document["base"]["versions"]["python"] == sys.version.split()[0]
    pairs = document["samples"]["cpu-int8"]
    assert len(pairs) == 5
    whole = [pair["end_to_end"]["samples_ns"] for pair in pairs]
    ratios = [np.median(one["new"]) / np.median(one["base"]) for one in whole]
    assert np.median(ratios) > 2
    assert {one["key"] for one in document["benchmarks"]} == {
        f"insects/cpu-int8/{one['scenario']}/{one['metric']}" for one in document["benchmarks"]
    }
    assert {"latency_p90", "steady_rss"} <= {one["metric"] for one in document["measurements"]["new"]}
    assert document["environment"]["identity"]["cores_logical"]
    assert 0 < document["timer_ns"] < 100_000
    assert str(bundle.parent) not in json.dumps(document)


def test_a_variant_that_is_gone_fails_and_a_fresh_one_is_told(bundle, tmp_path, make_archive, monkeypatch):
    small = tmp_path / "small.edge"
    small.write_bytes(make_archive(only=("cpu-int8",)))
    measured: list[str] = []
    monkeypatch.setattr(run_module, "_measure", lambda plan, variant, found, say: measured.append(variant))
    gone = compare_run(plan(bundle, small, variants=()))
    assert [(one.question.shown.variant, one.outcome.value) for one in gone.judged] == [("cpu-fp32", "missing")]
    assert gone.exit_code is ExitCode.REFUSED
    fresh = compare_run(plan(small, bundle, variants=()))
    assert [(one.question.shown.variant, one.outcome.value) for one in fresh.judged] == [("cpu-fp32", "added")]
    assert measured == ["cpu-int8", "cpu-int8"]


def test_golden_vectors_of_both_come_first(bundle, broken_bundle):
    for pair in ((bundle, broken_bundle), (broken_bundle, bundle)):
        with pytest.raises(SelfTestError, match="logits differ"):
            compare_run(plan(*pair))


def photos(count: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return found


def test_accuracy_is_one_more_benchmark_on_the_same_items(bundle):
    pictures = photos(40)

    def data(model):
        said = [model.labels.index(one.label) for one in model.predict(pictures)]
        return list(zip(pictures, [(label + (at < 10)) % 3 for at, label in enumerate(said)], strict=True))

    def asked(give):
        return accuracy_question(bundle, bundle, "cpu-int8", give, name="insects", device="cpu", threads=1)

    found = asked(data)
    assert found.base.value == found.new.value == 0.75
    assert (found.base.n, found.effect.n, found.effect.estimate) == (40, 40, 0.0)
    assert found.base.key == "insects/cpu-int8/static/accuracy"
    report = compare_run(plan(bundle, bundle, pairs=2, seconds=0.02), data=data)
    assert report.judged[-1].question.shown.metric == "accuracy"
    assert report.measurements["new"][-1].value == 0.75
    with pytest.raises(InputError, match="have no labels"):
        asked(lambda model: [(one, None) for one in pictures])
    turns = iter(range(2))
    with pytest.raises(InputError, match="different items or labels"):
        asked(lambda model: [(pictures[0], next(turns))])


def test_what_is_not_there_is_one_line(bundle, tmp_path):
    with pytest.raises(InputError, match=r"none\.edge"):
        compare_run(plan(bundle, tmp_path / "none.edge"))
    with pytest.raises(InputError, match="BASE has no variant 'gpu' for cpu; it has cpu-int8, cpu-fp32"):
        compare_run(plan(bundle, bundle, variants=("gpu",)))
    with pytest.raises(InputError, match="BASE has no variant for cuda"):
        compare_run(plan(bundle, bundle, variants=(), device="cuda"))


def test_an_interrupt_leaves_the_pairs_that_were_done(bundle, monkeypatch):
    def interrupted(arms, **options):
        raise InterruptedPairs(measure_pairs(arms, pairs=2, seconds=0.02))

    monkeypatch.setattr(run_module, "measure_pairs", interrupted)
    report = compare_run(plan(bundle, bundle))
    assert report.exit_code is ExitCode.INTERRUPTED
    assert len(report.to_dict()["samples"]["cpu-int8"]) == 2
    assert [one.question.shown.metric for one in report.judged] == JUDGED


def test_the_command_writes_every_form_and_ends_with_the_gates_code(bundle, tmp_path, capsys):
    budgets = tmp_path / "edge-budgets.toml"
    budgets.write_text("[bundle_size]\nmax = '1 KB'\n")
    outputs = [tmp_path / f"gate.{suffix}" for suffix in ("json", "md", "xml", "html", "txt")]
    arguments = ["compare", "--run", str(bundle), str(bundle), "--variant", "cpu-int8", "--pairs", "2"]
    arguments += ["--duration", "0.05", "--threads", "1", "--budgets", str(budgets), "--json"]
    code = run_command(edge_bench, [*arguments, *(f"--output={path}" for path in outputs)])
    document = json.loads(capsys.readouterr().out)
    assert code == document["exit_code"] == 4
    assert [one["over"] for one in document["budgets"]] == [True]
    assert all(path.stat().st_size > 100 for path in outputs)
    assert json.loads(outputs[0].read_text()) == document


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--margin", "5"], 2, "a percentage is expected, such as 5%"),
        (["-o", "gate.docx"], 1, "no report form has the suffix"),
        (["--budgets", "none.toml"], 1, "cannot be read"),
        (["--base-python", "no-python-here"], 1, "cannot be started"),
    ],
)
def test_bad_arguments_are_one_line(bundle, more, code, message, capsys):
    assert run_command(edge_bench, ["compare", "--run", str(bundle), str(bundle), *more]) == code
    assert message in capsys.readouterr().err


def test_every_margin_is_of_a_known_metric():
    from edge_benchmarks.measurements import METRICS

    assert set(MARGINS) <= set(METRICS)


def test_ctrl_c_leaves_a_partial_report_and_no_process(bundle, tmp_path):
    output = tmp_path / "gate.json"
    command = [sys.executable, "-c", "from edge_benchmarks.cli import main; main()", "compare", "--run"]
    command += [str(bundle), str(bundle), "--variant", "cpu-int8", "--duration", "600", "--output", str(output)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True) as gate:
        parent = psutil.Process(gate.pid)
        while len(workers := parent.children()) < 2:  # one worker checks the golden vectors, two make a pair
            assert gate.poll() is None, gate.stderr.read()
            time.sleep(0.05)
        os.killpg(gate.pid, signal.SIGINT)
        assert gate.wait(120) == ExitCode.INTERRUPTED
    document = json.loads(output.read_text())
    assert (document["partial"], document["exit_code"], document["verdict"]) == (True, 130, "interrupted")
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
