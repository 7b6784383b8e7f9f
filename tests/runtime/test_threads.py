"""Threads and memory of a process that embeds the runtime: no more than was asked for, and idle after a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

import edge_runtime
from edge_runtime.errors import MachineError
from edge_runtime.session import create_session

ROOT = Path(__file__).parents[2]
SHARES = hasattr(onnxruntime, "set_global_thread_pool_sizes")

IDLE = """
import sys, time
import numpy as np
import edge_runtime
threads = sys.argv[2] if sys.argv[2] == "shared" else int(sys.argv[2])
model = edge_runtime.load(sys.argv[1], variant="cpu-fp32", threads=threads)
picture = np.zeros((40, 40, 3), dtype=np.uint8)
for _ in range(50):
    model.predict(picture, color="rgb")
    model.predict([picture] * 32, color="rgb")
time.sleep(float(sys.argv[3]))
before = time.process_time()
time.sleep(2)
print((time.process_time() - before) / 2)
"""

GROWTH = """
import os, sys
import edge_runtime
def count():
    return len(os.listdir("/proc/self/task"))
def load():
    threads = sys.argv[2] if sys.argv[2] == "shared" else int(sys.argv[2])
    return edge_runtime.load(sys.argv[1], variant="cpu-fp32", threads=threads)
os.sched_getaffinity = lambda _: {0, 1, 2}
models = [load()]
first = count()
models += [load() for _ in range(4)]
print(first, count())
"""


def _child(code: str, *arguments: Any) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_threads_sleep_at_once_after_a_run(archive: Path) -> None:
    assert float(_child(IDLE, archive, 2, 0)) < 0.01


@pytest.mark.skipif(not SHARES, reason="this ONNX Runtime cannot share a pool")
def test_shared_threads_sleep_a_second_after_a_run(archive: Path) -> None:
    assert float(_child(IDLE, archive, "shared", 1)) < 0.01


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
@pytest.mark.skipif(not SHARES, reason="this ONNX Runtime cannot share a pool")
def test_models_that_share_threads_add_none(archive: Path) -> None:
    first, five = map(int, _child(GROWTH, archive, "shared").split())
    assert five == first
    first, five = map(int, _child(GROWTH, archive, 3).split())
    assert five == first + 4 * 2


def test_an_onnxruntime_that_cannot_share_says_so(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if SHARES:
        monkeypatch.delattr(onnxruntime, "set_global_thread_pool_sizes")
    with pytest.raises(MachineError, match="threads='shared' is not in ONNX Runtime"):
        create_session(make_model(), threads="shared")


@pytest.mark.parametrize("threads", [0, -1, "all", 1.5])
def test_other_numbers_of_threads_are_refused(archive: Path, threads: Any) -> None:
    with pytest.raises(edge_runtime.InputError, match="a positive number or 'shared'"):
        edge_runtime.load(archive, variant="cpu-fp32", threads=threads)


def test_the_kernels_of_a_cpu_without_vnni_sum_without_clamping(
    make_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def precision(**options: str) -> str:
        settings = create_session(make_model(), options=options).get_session_options()
        return str(settings.get_session_config_entry("session.x64quantprecision"))

    monkeypatch.setattr("edge_runtime.session.saturates", lambda: True)
    assert precision() == "1"
    assert precision(**{"session.x64quantprecision": "0"}) == "0"
    monkeypatch.setattr("edge_runtime.session.saturates", lambda: False)
    with pytest.raises(RuntimeError):  # not set
        precision()


def _memory(bundle: Path, runs: int) -> dict[str, int]:
    """Resident bytes by number of runs, from the measurement that `figures/runtime/memory.py` publishes."""
    child = ROOT / "figures/runtime/memory_child.py"
    done = subprocess.run(
        [sys.executable, child, bundle, str(runs)], check=True, capture_output=True, text=True, timeout=600
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads resident memory in /proc")
@pytest.mark.parametrize("runs", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_runs_of_mixed_sizes(archive: Path, runs: int) -> None:
    found = _memory(archive, runs)
    assert found[str(runs)] < 1.01 * found["100"], found
