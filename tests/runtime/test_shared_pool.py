"""One pool of threads for all models of a process, which ONNX Runtime can make once and not take back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", "1.23", reason="older ones cannot share a pool")

CODE = """
import sys, edge_runtime
before = edge_runtime.load(sys.argv[1], threads=1)
shared = edge_runtime.load(sys.argv[1], threads="shared")
after = edge_runtime.load(sys.argv[1])
golden = [model.infer(model.preprocess(model.decode(sys.argv[2]))[None]).tobytes() for model in (before, shared, after)]
print(len(set(golden)))
try:
    edge_runtime.load(sys.argv[1], threads=1)
except edge_runtime.InputError as error:
    print(error)
"""


def test_models_made_before_and_after_share_a_process(archive: Path, tmp_path: Path, make_picture) -> None:
    make_picture(0).save(tmp_path / "a.png")
    command = [sys.executable, "-W", "error", "-c", CODE, str(archive), str(tmp_path / "a.png")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "ONNX Runtime warns of settings that the shared pool makes void"
    same, refusal = result.stdout.splitlines()
    assert same == "1"
    assert "give threads='shared'" in refusal
