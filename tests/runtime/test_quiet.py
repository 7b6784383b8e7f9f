"""Quiet: no socket, no file written, no telemetry, with a home that cannot be written to."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFINED = Path(__file__).with_name("confined.py")
confinable = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="seccomp filters are Linux's, and the numbers of calls are known for x86-64 and arm64",
)
ANSWER = "import sys, edge_runtime; print(edge_runtime.load(sys.argv[1], threads=2).predict(sys.argv[2]).label)"
BUILD_MACHINES = (
    *("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "CODEBUILD_BUILD_ID"),
    *("BUILDKITE", "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_BUILD_NUMBER"),
)
"""The variables that ONNX Runtime's telemetry takes for a build machine, where it stays quiet by itself."""
HEAVY = ("numpy", "onnxruntime", "PIL", "torch", "onnx", "scipy")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    """Runs Python in that home, made read-only, as somebody at a desk who has set nothing about telemetry."""

    def start(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
        silencing = {"ORT_DISABLE_TELEMETRY", *BUILD_MACHINES}
        environment = {name: value for name, value in os.environ.items() if name not in silencing}
        folders = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
        home.chmod(0o500)
        try:
            return subprocess.run(
                [sys.executable, "-B", "-W", "error", *map(str, arguments)],
                capture_output=True,
                text=True,
                check=False,
                cwd=home,
                env={**environment, **folders, **changes},
            )
        finally:
            home.chmod(0o700)

    return start


@pytest.fixture
def picture(make_picture: Any, tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    make_picture(0).save(path)
    return path


@confinable
@pytest.mark.parametrize("kind", ["archive", "directory"])
def test_no_socket_is_opened_and_no_file_is_written(
    kind: str, request: pytest.FixtureRequest, run: Run, picture: Path
) -> None:
    done = run(CONFINED, ANSWER, request.getfixturevalue(kind), picture)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@confinable
@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "open('a', 'w')",
        "open('/dev/null', 'r+')",
        "import os; os.mkdir('a')",
        "import os; os.rename('a', 'b')",
        "import os, threading; work = threading.Thread(target=os.unlink, args=('a',)); work.start(); work.join()",
    ],
)
def test_the_kernel_would_have_ended_it(code: str, run: Run) -> None:
    done = run(CONFINED, code)
    assert done.returncode == -signal.SIGSYS and "most recent call first" in done.stderr


@confinable
def test_telemetry_would_have_been_noticed(run: Run) -> None:
    import onnxruntime

    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 29):
        pytest.skip(f"onnxruntime {onnxruntime.__version__} has no telemetry on this system")
    # It is sent by a thread: on a busy machine the process may be over first. The signal ends the wait.
    assert run(CONFINED, "import onnxruntime, time; time.sleep(60)").returncode == -signal.SIGSYS


def test_answering_loads_only_what_it_needs_and_writes_nothing(
    archive: Path, run: Run, home: Path, picture: Path
) -> None:
    code = f"{ANSWER}; print([name for name in {HEAVY} if name in sys.modules])"
    done = run("-c", code, archive, picture)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.splitlines()[1] == "['numpy', 'onnxruntime', 'PIL']"
    assert list(home.rglob("*")) == []


def test_telemetry_is_off_before_anybody_imports_onnxruntime(run: Run) -> None:
    code = "import edge_runtime.errors, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run("-c", code).stdout.strip() == "1"
    assert run("-c", code, ORT_DISABLE_TELEMETRY="0").stdout.strip() == "0"


def test_onnxruntime_that_was_imported_first_is_told_of(archive: Path, run: Run, picture: Path) -> None:
    done = run("-W", "always", "-c", f"import onnxruntime; {ANSWER}", archive, picture)
    assert done.returncode == 0
    assert done.stderr.count("EdgeWarning") == 1 and "set ORT_DISABLE_TELEMETRY=1 first" in done.stderr
    chosen = run("-c", f"import onnxruntime; {ANSWER}", archive, picture, ORT_DISABLE_TELEMETRY="1")
    assert chosen.returncode == 0 and chosen.stderr == ""
