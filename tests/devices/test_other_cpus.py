"""The same answer on every CPU: logits of an exact variant to the bit, labels of every variant."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.config import ExportConfig
from edge_export.emulation import DEVICES
from edge_export.export import export
from edge_export.targets import find_target
from edge_runtime.bundle import read_bundle


def ask(device, exported, variant: str, tmp_path: Path) -> tuple[np.ndarray, dict]:
    """Let the emulated CPU answer the tensors, and run the bundle's self-test on it."""
    model, tensors, logits = tmp_path / "model.onnx", tmp_path / "tensors.npy", tmp_path / "logits.npy"
    model.write_bytes(exported.models[variant])
    np.save(tensors, exported.tensors)
    options = json.dumps(exported.options[variant])
    script = str(Path(__file__).parent / "ask.py")
    arguments = [device.instruction_set, str(model), options, str(tensors), str(logits), str(exported.bundle)]
    done = subprocess.run(
        [*device.python, script, *arguments],
        env=os.environ | device.environment | {"ORT_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return np.load(logits), json.loads(done.stdout)


def test_int8_answers_to_the_bit_on_another_cpu(device, exported, tmp_path: Path):
    assert exported.exact["cpu-int8"], "the fixture must hold an exact variant"
    logits, selftest = ask(device, exported, "cpu-int8", tmp_path)
    assert np.array_equal(logits.view(np.uint32), exported.logits["cpu-int8"].view(np.uint32))
    assert selftest == {"passed": True, "failures": []}


def test_labels_of_fp32_are_the_same_on_another_cpu(device, exported, tmp_path: Path):
    logits, _ = ask(device, exported, "cpu-fp32", tmp_path)
    assert np.array_equal(logits.argmax(axis=1), exported.logits["cpu-fp32"].argmax(axis=1))
    assert np.abs(logits - exported.logits["cpu-fp32"]).max() <= exported.tolerance["cpu-fp32"]


def test_saturation_would_have_been_seen(device, exported, tmp_path: Path):
    """Without what the runtime sets, VPMADDUBSW saturates on a CPU without VNNI, and the logits differ."""
    if not device.instruction_set.startswith("x86_64"):
        pytest.skip("ARM64 has no kernel that saturates")
    unaware = replace(device, instruction_set="x86_64-avx512_vnni")
    logits, _ = ask(unaware, exported, "cpu-int8", tmp_path)
    assert not np.array_equal(logits, exported.logits["cpu-int8"])


TARGETS = {"x86_64-avx2": "x86-avx2", "aarch64-dotprod": "arm64"}


def test_an_export_for_a_cpu_that_can_be_emulated_is_verified_on_it(
    device, devices_folder: Path, tiny_run, picture_data, tmp_path: Path, monkeypatch
):
    target = TARGETS[device.instruction_set]
    if find_target(target).is_here:
        pytest.skip("only another machine is emulated")
    monkeypatch.setenv(DEVICES, str(devices_folder))
    config = ExportConfig("int8", max_drop=0.5, provisional=True, search_time=0, timing_seconds=0.5, target=target)
    result = export(tiny_run, tmp_path / "a.edge", picture_data, config)
    manifest = read_bundle(result.bundle).manifest
    assert [variant.verified_on[-1] for variant in manifest.variants] == [device.instruction_set] * 2
    assert result.content_id == manifest.content_id
    (note,) = (note for note in result.report["notes"] if "emulated" in note)
    assert f"self-test passed on an emulated {device.instruction_set} with ONNX Runtime" in note
    assert all(note.endswith(one.onnxruntime_min) for one in manifest.variants), "the older one is the oldest"
