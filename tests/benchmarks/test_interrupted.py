"""A bench that is ended in the middle of a scenario leaves a valid report of what it has."""

import json
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from edge_benchmarks.bench.scenarios import SCENARIOS
from edge_benchmarks.measurements import read_measurement
from edge_runtime.errors import ExitCode

PROGRAM = """
import os, sys, threading
import edge_benchmarks.bench.run as bench
number, moment, delay = int(sys.argv.pop(1)), sys.argv.pop(1), float(sys.argv.pop(1))
measured = bench.bench
def watched(*arguments, say, **options):
    def tell(line):
        if line.startswith(moment):
            # The signal comes when the scenario is under way, at whatever that moment is.
            threading.Timer(delay, os.kill, (os.getpid(), number)).start()
        say(line)
    return measured(*arguments, say=tell, **options)
bench.bench = watched
from edge_benchmarks.cli import main
main()
"""


SLOW = pytest.mark.slow


def bench_until(number: signal.Signals, moment: str, scenarios, bundle, out) -> subprocess.CompletedProcess:
    arguments = [
        "bench", str(bundle), "--duration", "0.4", "--threads", "1", "--cold-starts", "4", "--gap", "0.05",
        "--qps", "40", "--variant", "cpu-int8", "-o", str(out),
        *(part for name in scenarios for part in ("--scenario", name)),
    ]  # fmt: skip
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(int(number)), moment, "0.07", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("moment", "scenarios"),
    [
        ("server", ["server"]),
        ("busy-neighbor", ["busy-neighbor"]),
        pytest.param("offline", ["offline"], marks=SLOW),
        pytest.param("idle-gap", ["idle-gap"], marks=SLOW),
        pytest.param("starting fresh processes, 2", list(SCENARIOS), marks=SLOW),
    ],
)
def test_a_polite_kill_in_any_scenario_leaves_a_partial_report(moment, scenarios, bundle, tmp_path):
    out = tmp_path / "report.json"
    process = bench_until(signal.SIGTERM, moment, ["single-stream", *scenarios], bundle, out)
    assert process.returncode == ExitCode.INTERRUPTED, process.stderr
    assert "interrupted: the report is partial" in process.stderr
    document = json.loads(out.read_text())
    assert document["partial"]
    assert document["rows"][0]["scenario"] == "single-stream"
    assert all(read_measurement(one, "it").n > 0 for one in document["measurements"])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert busy_neighbors() == []


def test_a_kill_that_nothing_can_catch_leaves_the_phases_that_were_done(bundle, tmp_path):
    out = tmp_path / "report.html"
    process = bench_until(signal.SIGKILL, "busy-neighbor", ["server", "busy-neighbor"], bundle, out)
    assert process.returncode == -signal.SIGKILL
    document = json.loads((tmp_path / "report.html.partial.json").read_text())
    assert document["partial"]
    assert {row["scenario"] for row in document["rows"]} == {"server/qps=40"}
    # Its busy neighbors see that their parent is gone.
    psutil.wait_procs(busy_neighbors(), timeout=30)
    assert busy_neighbors() == []


def busy_neighbors() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any("os.getppid() == parent" in part for part in process.info["cmdline"] or ()):
            found.append(process)
    return found
