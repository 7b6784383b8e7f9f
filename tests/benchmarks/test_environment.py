"""The description of this machine: complete, JSON-ready, and without anything that names it or its user."""

import getpass
import json
import os
import re
import socket
import subprocess
import sys
import time

import psutil
import pytest

from edge_benchmarks.machine import environment, throttling
from edge_benchmarks.machine.watch import Watch


def test_it_has_three_kinds_and_survives_json():
    found = environment.capture()
    assert list(found) == ["identity", "conditions", "versions"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["identity"]["cores_logical"] >= 1
    assert {"python", "numpy", "onnxruntime"} <= set(found["versions"])


def test_it_names_neither_host_nor_user_nor_path():
    text = json.dumps(environment.capture())
    assert not re.search(rf'"{re.escape(socket.gethostname())}"', text)
    assert not re.search(rf'"{re.escape(getpass.getuser())}"', text)
    assert not re.search(r'"/\w', text)


def test_work_of_others_is_told_from_ones_own():
    watch = environment.CpuWatch()
    own_only = _others(watch, lambda: sum(range(20_000_000)))
    watch = environment.CpuWatch()
    # A child that is not waited for is somebody else's work.
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        with_another = _others(watch, lambda: time.sleep(1.0))
        busy.kill()
    assert with_another > 0.4
    assert own_only < os.cpu_count()


def test_work_of_children_that_still_run_is_ones_own():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        before = environment.CpuWatch._now()[2]
        deadline = time.monotonic() + 30
        while sum(psutil.Process(busy.pid).cpu_times()[:2]) < 0.5 and time.monotonic() < deadline:
            time.sleep(0.05)
        after = environment.CpuWatch._now()[2]
        busy.kill()
    assert after - before > 0.3


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Files as Linux has them; write one with its path below the root and its text."""

    def write(path: str, text: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    monkeypatch.setattr(throttling, "_CPUS", tmp_path / "cpu")
    monkeypatch.setattr(throttling, "_COOLING", tmp_path / "thermal")
    monkeypatch.setattr(throttling, "_FIRMWARE", tmp_path / "get_throttled")
    return write


def test_throttling_is_read_where_the_system_tells(system):
    silent = environment.conditions()
    assert [silent[name] for name in ("throttle_count", "cooling_state", "firmware_throttled")] == [None] * 3
    system("cpu/cpu0/thermal_throttle/core_throttle_count", "3\n")
    system("cpu/cpu1/thermal_throttle/core_throttle_count", "4\n")
    system("cpu/cpu0/thermal_throttle/core_throttle_max_time_ms", "900\n")
    system("thermal/cooling_device0/type", "Processor\n")
    system("thermal/cooling_device0/cur_state", "2\n")
    system("thermal/cooling_device1/type", "pwm-fan\n")
    system("thermal/cooling_device1/cur_state", "9\n")
    system("get_throttled", "50005\n")
    found = environment.conditions()
    assert (found["throttle_count"], found["cooling_state"], found["firmware_throttled"]) == (7, 2, True)
    system("get_throttled", "50000\n")  # it happened once, not now
    assert environment.look()["firmware_throttled"] is False


def test_a_watch_looks_seldom_and_tells_the_range_of_the_clock(monkeypatch):
    watch = Watch(threads=1)
    clocks = iter([2000.0, 1500.0, 1800.0])
    monkeypatch.setattr(environment, "look", lambda: {"frequency_mhz": next(clocks)})
    monkeypatch.setattr(environment, "conditions", dict)
    watch.look()
    watch.look()
    assert len(watch.looks[0]) == 1
    monkeypatch.setattr("edge_benchmarks.machine.watch.INTERVAL", 0.0)
    watch.begin()
    watch.look()
    watch.look(busy=False)
    assert [[one["frequency_mhz"] for one in phase] for phase in watch.looks] == [[2000.0], [1500.0, None]]
    assert watch.conditions()["frequency_mhz_range"] == [1500.0, 2000.0]
    watch.begin(again=True)
    assert watch.looks[1:] == [[]]


def _others(watch, work) -> float:
    work()
    return watch.conditions()["others_cpus"]
