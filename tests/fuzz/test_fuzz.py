"""What a fuzzer found before stays mended, and a short run finds nothing new; `make fuzz` runs longer."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parent
TARGETS = ("manifest", "golden", "evidence", "archive", "sealed", "directory", "image")
SECONDS = 8
"""Of one run over all targets."""


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)


def test_what_was_found_before_stays_mended() -> None:
    done = _run("replay")
    assert done.returncode == 0, done.stderr[-2000:]
    stored = [path for path in (HARNESS / "corpus").rglob("*") if path.is_file()]
    assert int(done.stdout.split()[0]) > len(stored) > 0
    assert {path.parent.name for path in stored} <= set(TARGETS)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this platform")
def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    done = _run("all", SECONDS, tmp_path)
    assert done.returncode == 0 and not list(tmp_path.iterdir()), done.stderr[-3000:]
    # Guided by coverage: it reached code that the seeds do not.
    first, *_, last = (int(found) for found in re.findall(r"cov: (\d+)", done.stderr))
    assert last > first, done.stderr[-3000:]
