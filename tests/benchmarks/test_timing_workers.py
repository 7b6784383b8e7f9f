"""Arms in processes of their own: turns, alignment, and every way in which a worker can end."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.timing import InterruptedPairs, WorkerSpec, layout, measure_pairs, paired, workers
from edge_benchmarks.timing.workers import running
from edge_runtime import load
from edge_runtime.errors import InputError, IntegrityError, MachineError, SelfTestError


@pytest.fixture
def spec(bundle) -> WorkerSpec:
    return WorkerSpec(bundle, "cpu-int8", [synthetic_photo(seed).data for seed in range(2)], threads=1)


@pytest.fixture
def nothing_left():
    """No child of this process outlives the test."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert not left


def python_that(tmp_path, body: str) -> str:
    """An interpreter's stand-in that behaves badly."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(body)}")
    path.chmod(0o755)
    return str(path)


def test_a_worker_says_what_it_runs_and_answers_turns(spec, bundle, nothing_left):
    with running(spec, warmup_seconds=0, check=True) as (worker, started):
        assert started.content_id == load(bundle).content_id
        assert started.golden_cases == 1
        assert started.provider == "CPUExecutionProvider"
        assert set(started.versions) == {"python", "numpy", "onnxruntime", "edge-runtime"}
        assert started.first_label_ns > started.call_ns > 0
        turn = worker.turn(7, 1)
        assert len(turn.whole_ns) == len(turn.infer_ns) == 7
        assert all(0 < infer < whole for infer, whole in zip(turn.infer_ns, turn.whole_ns, strict=True))
        memory = worker.end()
        assert memory.peak_rss_bytes >= memory.steady_rss_bytes > 10e6


def test_pairs_hold_aligned_turns_of_fresh_processes(spec, nothing_left):
    pairs = measure_pairs({"base": spec, "new": spec}, pairs=2, seconds=0.2, seed=3)
    assert len(pairs) == 2
    for pair in pairs:
        for timings in (pair.whole, pair.model):
            assert set(timings.samples_ns) == {"base", "new"}
            assert len(timings.samples_ns["base"]) == timings.rounds * timings.calls_per_turn
            assert len(timings.blocks("base")) == timings.rounds / 2 >= paired.LEAST_BLOCKS
        assert (pair.model.samples_ns["new"] < pair.whole.samples_ns["new"]).all()
        assert pair.whole.timer_ns > 0
        assert set(pair.started) == set(pair.memory) == {"base", "new"}


def test_a_slowdown_is_real_in_each_call(spec, nothing_left):
    with running(replace(spec, slowdown=9.0), warmup_seconds=0) as (worker, _):
        slow = worker.turn(15, 0)
    with running(spec, warmup_seconds=0) as (worker, _):
        plain = worker.turn(15, 0)
    # The least of many: a busy machine makes calls longer and never shorter.
    assert min(slow.whole_ns) > 2 * min(plain.whole_ns)
    assert min(slow.infer_ns) > 2 * min(plain.infer_ns)


def test_orders_are_abba_and_balanced():
    orders = list(paired._orders(["a", "b"], 10, np.random.default_rng(0)))
    assert sorted(map("".join, orders)) == ["abba"] * 5 + ["baab"] * 5


def test_a_turn_is_about_five_milliseconds_long_and_has_at_least_one_call():
    assert paired._plan([0.001, 0.001], 1.0)[0] == 5
    assert paired._plan([3.0, 3.0], 1.0) == (1, paired.LEAST_BLOCKS)
    assert paired._plan([0.0, 0.0], 1e-9)[0] == paired.MOST_CALLS


def test_errors_of_a_worker_keep_their_type(spec, broken_bundle, tmp_path, nothing_left):
    with (
        pytest.raises(InputError, match=r"no\.edge"),
        running(replace(spec, bundle=tmp_path / "no.edge"), warmup_seconds=0),
    ):
        pass
    with (
        pytest.raises(SelfTestError, match="logits differ"),
        running(replace(spec, bundle=broken_bundle), warmup_seconds=0, check=True),
    ):
        pass
    cut = tmp_path / "cut.edge"
    data = bytearray(spec.bundle.read_bytes())
    data[len(data) // 2] ^= 1
    cut.write_bytes(data)
    with pytest.raises(IntegrityError), running(replace(spec, bundle=cut), warmup_seconds=0):
        pass


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise SystemExit('no such module: edge_runtime')", "died: no such module: edge_runtime"),
        ("import os; os.kill(os.getpid(), 9)", "died: signal 9"),
        ("import sys; print('hello', flush=True); sys.stdin.read()", "said 'hello'"),
    ],
)
def test_a_worker_that_dies_or_babbles_is_one_line(spec, tmp_path, body, message, nothing_left):
    bad = replace(spec, python=python_that(tmp_path, body))
    with pytest.raises(MachineError, match=message), running(bad, warmup_seconds=0):
        pass


def test_no_interpreter_is_one_line(spec, tmp_path):
    with (
        pytest.raises(MachineError, match="cannot be started"),
        running(replace(spec, python=str(tmp_path / "none")), warmup_seconds=0),
    ):
        pass


def test_a_worker_that_hangs_is_ended(spec, tmp_path, monkeypatch, nothing_left):
    monkeypatch.setattr(workers, "START_SECONDS", 0.3)
    hanging = replace(spec, python=python_that(tmp_path, "import time; time.sleep(600)"))
    with pytest.raises(MachineError, match=r"no answer in 0\.3 s"), running(hanging, warmup_seconds=0):
        pass


def test_a_worker_killed_between_turns_is_noticed(spec, nothing_left):
    with pytest.raises(MachineError, match="died: signal 9"), running(spec, warmup_seconds=0) as (worker, _):
        os.kill(worker._process.pid, signal.SIGKILL)
        worker.turn(1, 0)


def test_an_interrupt_hands_over_the_whole_pairs(spec, monkeypatch, nothing_left):
    real, starts = paired.running, []

    def interrupted(*args, **kwargs):
        starts.append(1)
        if len(starts) == 4:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(paired, "running", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        measure_pairs({"base": spec, "new": spec}, pairs=3, seconds=0.01)
    assert isinstance(caught.value, InterruptedPairs)
    assert len(caught.value.pairs) == 1


def test_a_worker_outlives_neither_its_parent_nor_ctrl_c(spec):
    parent = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys, time\nfrom pathlib import Path\n"
            "from edge_benchmarks.timing.workers import WorkerSpec, running\n"
            "spec = WorkerSpec(Path(sys.argv[1]), 'cpu-int8', [sys.stdin.buffer.read()])\n"
            "with running(spec, warmup_seconds=0) as (worker, _):\n"
            "    print(worker._process.pid, flush=True); time.sleep(600)",
            str(spec.bundle),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    parent.stdin.write(spec.inputs[0])
    parent.stdin.close()
    worker = psutil.Process(int(parent.stdout.readline()))
    worker.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, alive = psutil.wait_procs([worker], timeout=30)
    assert gone and not alive


def test_exchanging_the_arms_of_pairs_inverts_their_ratios(spec):
    pair = measure_pairs({"base": spec, "new": spec}, pairs=1, seconds=0.05)[0]
    there, back = pair.whole.ratio("new", "base"), pair.whole.ratio("base", "new")
    assert np.log(there.estimate) == pytest.approx(-np.log(back.estimate), abs=1e-12)


def test_nothing_to_pair_is_an_error(spec):
    with pytest.raises(InputError, match="0 arms"):
        measure_pairs({})


def personality_of(worker) -> int:
    return int(Path(f"/proc/{worker._process.pid}/personality").read_text(), 16)


@pytest.mark.skipif(not Path("/proc/self/personality").exists(), reason="only Linux draws layouts this way")
def test_both_processes_of_a_pair_share_a_layout_that_the_next_pair_does_not(spec, nothing_left):
    before = Path("/proc/self/personality").read_text()
    seen = []
    for drawn_by in (5, 5, 4099):
        with running(spec, warmup_seconds=0, layout=drawn_by) as (worker, _):
            if not personality_of(worker) & layout._NO_RANDOMIZE:
                pytest.skip("this container forbids to set a process's personality")
            stack = Path(f"/proc/{worker._process.pid}/stat").read_text().rpartition(")")[2].split()[25]
            environment = Path(f"/proc/{worker._process.pid}/environ").read_bytes().split(b"\0")
            seen.append((stack, sorted(one for one in environment if one.startswith((b"PYTHONHASHSEED", b"EDGE_L")))))
    assert seen[0] == seen[1] != seen[2]
    with running(spec, warmup_seconds=0) as (worker, _):
        assert not personality_of(worker) & layout._NO_RANDOMIZE
    assert Path("/proc/self/personality").read_text() == before


def test_a_system_that_forbids_layouts_is_measured_as_it_is(spec, monkeypatch, nothing_left):
    monkeypatch.setattr(layout, "_personality", lambda wanted: None)
    with running(spec, warmup_seconds=0, layout=7) as (worker, _):
        assert worker.turn(1, 0).whole_ns
