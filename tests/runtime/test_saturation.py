"""A real CPU model without VNNI: int8 answers are those of one with VNNI, and a self-test tells where they are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

QEMU = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
CHILD = """
import sys
import edge_runtime
from edge_runtime import cpus
cpus._CPUINFO = type(cpus._CPUINFO)(sys.argv[2])  # the emulator shows the file of the machine under it
report = edge_runtime.selftest(sys.argv[1], threads=1)
print(cpus.instruction_set(), *report.failures, sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.skipif(QEMU is None, reason="qemu-user is not installed")
def test_int8_answers_alike_without_vnni(make_draft: Any, tmp_path: Path) -> None:
    exact, clamped = (_under_haswell(make_draft(), tmp_path, how) for how in ({}, {"session.x64quantprecision": "0"}))
    assert exact == ["x86_64-avx2"]
    assert clamped[0] == "x86_64-avx2" and any("infer: logits differ" in line for line in clamped[1:])


def _under_haswell(draft: Any, folder: Path, session: dict[str, str]) -> list[str]:
    """Test a bundle of one U8S8 network on an emulated CPU that has AVX2 and no VNNI; return what it prints."""
    draft.variants = [
        replace(item, exact=True, tolerance=0.0, session=session) for item in draft.variants if item.name == "cpu-int8"
    ]
    draft.files["models/cpu-int8.onnx"] = _quantized(draft.files.pop("models/cpu-fp32.onnx"), folder)
    draft.add_golden()
    bundle = folder / "haswell.edge"
    bundle.write_bytes(draft.archive())
    told = folder / "cpuinfo"
    told.write_text("model name\t: Haswell\nflags\t\t: avx avx2 fma\n")
    command = [str(QEMU), "-cpu", "Haswell", sys.executable, "-c", CHILD, str(bundle), str(told)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.splitlines()


def _quantized(model: bytes, folder: Path) -> bytes:
    """Quantize with weights that reach 127 beside activations that reach 255: pairs of products pass 16 bits."""
    from onnxruntime import quantization

    source, target = folder / "float.onnx", folder / "int8.onnx"
    source.write_bytes(model)

    class Batches(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            random = np.random.default_rng(0)
            self.left = iter([random.uniform(-0.4, 0.4, (1, 3, 24, 24)).astype(np.float32) for _ in range(8)])

        def get_next(self) -> Any:
            tensor = next(self.left, None)
            return None if tensor is None else {"image": tensor}

    quantization.quantize_static(
        source,
        target,
        Batches(),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    return target.read_bytes()
