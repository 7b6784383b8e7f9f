"""`edge-bench prove`: a real proof of a real bundle, every way one can end, and what the runtime makes of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.measurements import METRICS, read_measurement
from edge_benchmarks.prove.evidence import evidence, evidence_file, measurements
from edge_benchmarks.prove.proof import SETS, Proof, Verdict
from edge_benchmarks.prove.run import prove
from edge_benchmarks.timing import InterleavedTimings
from edge_runtime.cpus import instruction_set
from edge_runtime.errors import ExitCode
from edge_runtime.evidence import read_evidence


@pytest.fixture(scope="session")
def proof(bundle: Path) -> Proof:
    """Of the bundle whose `cpu-int8` is many times cheaper than its `cpu-fp32`."""
    return prove(bundle, seconds=0.6, threads=2)


CALLS = 40
"""Of each process."""


def with_times(proof: Proof, int8: np.ndarray, fp32: np.ndarray) -> Proof:
    """The same proof, had the calls of its processes taken so many nanoseconds."""
    times = {"cpu-int8": int8.astype(np.int64), "cpu-fp32": fp32.astype(np.int64)}
    sets = []
    for at, one in enumerate(proof.sets[: len(int8) // CALLS]):
        part = slice(at * CALLS, (at + 1) * CALLS)
        sets.append(replace(one, model=InterleavedTimings({name: ns[part] for name, ns in times.items()}, 50.0, 0)))
    return replace(proof, sets=tuple(sets))


@pytest.fixture
def noise() -> np.ndarray:
    """Durations around a millisecond, in nanoseconds."""
    return 1e6 * np.random.default_rng(0).lognormal(0, 0.02, SETS * CALLS)


HALF = np.arange(SETS * CALLS) < SETS * CALLS // 2


def test_a_real_proof_names_the_faster_variant_and_what_it_takes(proof, bundle):
    assert proof.verdict in (Verdict.PROVEN, Verdict.INVALID), "20 times cheaper, however busy the machine is"
    read = read_evidence(evidence_file(proof))
    assert read.kind == "prove" and read.selftest is True
    assert read.machine.instruction_set == instruction_set()
    report = read.report
    found = [read_measurement(one, "test") for one in report["measurements"]]
    assert {one.variant for one in found} == {"cpu-int8", "cpu-fp32"}
    assert {one.metric for one in found} == {
        "model_latency_p50", "model_latency_p90", "model_latency_p99", "first_label", "peak_rss", "steady_rss",
        "variant_size",
    }  # fmt: skip
    assert all(METRICS[one.metric] for one in found) and len({one.key for one in found}) == len(found)
    memory = {one.variant: one.value for one in found if one.metric == "peak_rss"}
    assert all(20e6 < value < 2e9 for value in memory.values())
    assert report["settings"]["threads"] == 2 and {one["threads"] for one in report["variants"]} == {2}
    assert str(bundle.parent) not in evidence_file(proof).decode()


def test_faster_by_the_whole_interval_is_proven(proof, noise):
    faster = with_times(proof, 0.5 * noise, noise[::-1])
    assert faster.verdict is Verdict.PROVEN and faster.verdict.exit_code is ExitCode.OK
    int8, fp32 = evidence(faster).timings
    assert int8.proven and int8.baseline == "cpu-fp32" and int8.ratio.estimate == pytest.approx(0.5, rel=0.05)
    assert fp32.ratio is None


def test_slower_is_refused_and_the_evidence_says_so(proof, noise):
    slower = with_times(proof, 2 * noise, noise[::-1])
    assert slower.verdict.exit_code is ExitCode.REFUSED
    assert not evidence(slower).timings[0].proven


def test_what_one_pair_of_processes_denies_is_inconclusive(proof, noise):
    """Two processes differ for their whole lives, so the spread between them counts, however many calls each made."""
    lives = np.repeat([0.95, 0.94, 0.96, 0.95, 1.01, 0.94], CALLS)
    doubted = with_times(proof, lives * noise, noise)
    assert doubted.verdict is Verdict.INCONCLUSIVE and doubted.verdict.exit_code is ExitCode.INCONCLUSIVE
    ratio = doubted.comparisons["cpu-int8"].ratio
    assert (ratio.low, ratio.high) == pytest.approx((0.94, 1.01), rel=1e-3)
    assert not evidence(doubted).timings[0].proven


def test_fewer_than_six_processes_prove_nothing(proof, noise):
    few = with_times(proof, 0.5 * noise[: 5 * CALLS], noise[: 5 * CALLS])
    assert few.verdict is Verdict.INCONCLUSIVE
    assert [one.variant for one in evidence(few).timings] == ["cpu-fp32"]
    assert {one.value for one in measurements(few) if one.metric == "model_latency_p50"} == {None}


def test_a_ratio_that_moved_is_invalid_and_leaves_no_timing(proof, noise):
    moved = with_times(proof, np.where(HALF, 0.5, 0.8) * noise, noise[::-1])
    assert moved.verdict.exit_code is ExitCode.INVALID and "moved from 0.5" in moved.reason
    assert evidence(moved).timings == () and evidence(moved).report["valid"] is False


def test_a_board_that_throttles_has_no_median_but_a_ratio(proof, noise):
    throttled = np.where(HALF, 1.0, 1.6)
    hot = with_times(proof, 0.5 * throttled * noise, throttled * noise[::-1])
    assert hot.verdict is Verdict.PROVEN
    assert any("moved by +6" in problem for problem in hot.problems)
    latencies = [one.value for one in measurements(hot) if one.metric.startswith("model_latency")]
    assert latencies and set(latencies) == {None}


def test_a_wrong_answer_fails_and_nothing_is_timed(broken_bundle, tmp_path):
    out = tmp_path / "pi.json"
    result = CliRunner().invoke(edge_bench, ["prove", str(broken_bundle), "-o", str(out)], standalone_mode=False)
    assert result.return_value is ExitCode.REFUSED
    assert "failed: cpu-int8, golden/0.png: infer: logits differ" in result.output
    read = read_evidence(out.read_bytes())
    assert read.selftest is False and read.timings == ()


def test_the_command_prints_one_document_and_writes_the_same(bundle, tmp_path):
    out = tmp_path / "pi.json"
    arguments = ["prove", str(bundle), "-o", str(out), "--duration", "0.2", "--threads", "1", "--json"]
    result = CliRunner().invoke(edge_bench, arguments, standalone_mode=False)
    assert json.loads(result.stdout) == json.loads(out.read_text())
    assert result.return_value == Verdict(json.loads(result.stdout)["report"]["verdict"]).exit_code


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(bundle, tmp_path):
    result = CliRunner().invoke(edge_bench, ["prove", str(bundle), "-o", str(tmp_path / "no" / "pi.json")])
    assert "create it" in str(result.exception) and "golden" not in result.output


ALONE = (
    "import sys\n"
    "for name in ('scipy', 'rich', 'jinja2', 'matplotlib', 'torch', 'onnx'):\n"
    "    sys.modules[name] = None\n"
    "from edge_benchmarks.cli import main\n"
    "main()\n"
)
"""`edge-bench` where nothing of the extra `report` can be imported."""


def test_a_device_needs_nothing_of_the_extra(bundle):
    command = [sys.executable, "-c", ALONE, "prove", str(bundle), "--duration", "0.1", "--processes", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (ExitCode.INCONCLUSIVE, ExitCode.INVALID), done.stderr
    assert json.loads(done.stdout)["selftest"] is True
    done = subprocess.run(
        [sys.executable, "-c", ALONE, "report", "x.json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.INPUT and done.stderr.startswith("error: "), done.stderr


def test_what_is_interrupted_leaves_no_evidence_and_no_process(bundle, tmp_path):
    out = tmp_path / "pi.json"
    command = [sys.executable, "-c", ALONE, "prove", str(bundle), "-o", str(out), "--duration", "60"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        said = iter(process.stderr.readline, "")
        assert any("pair 1" in line for line in said)
        time.sleep(1.0)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == ExitCode.INTERRUPTED
    assert not list(tmp_path.iterdir())
    for _ in range(100):
        if not Path(f"/proc/{process.pid}").exists() and not _members(process.pid):
            return
        time.sleep(0.1)
    pytest.fail(f"still there: {_members(process.pid)}")


def _members(group: int) -> list[int]:
    """Return the processes of a group that are not zombies."""
    found = []
    for one in psutil.process_iter(["pid", "status"]):
        with contextlib.suppress(OSError, psutil.Error):
            if os.getpgid(one.pid) == group and one.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found
