"""Targets that are not this machine, and what an export is asked to hold besides accuracy and time."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_export.candidates import make_baseline, prepare_int8
from edge_export.capture import capture
from edge_export.config import ExportConfig, ExportData, Outcome
from edge_export.emulation import DEVICES, EMULATORS, Emulator, verify_emulated
from edge_export.export import export
from edge_export.quantize import Recipe
from edge_export.targets import TARGETS, find_target
from edge_runtime.bundle import read_bundle
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME

INT8 = ExportConfig(quantize="int8", max_drop=0.02, timing_seconds=0.5, calibration_samples=24, search_time=0)


FILES = {MANIFEST_NAME: b"{}", DIGEST_NAME: b"0"}
"""What an archive must hold; the emulators of these tests do not look into it."""


def elsewhere() -> str:
    return next(target.name for target in TARGETS.values() if target.device == "cpu" and not target.is_here)


def test_auto_is_this_machine():
    assert find_target("auto").is_here
    with pytest.raises(InputError, match="target='riscv': one of auto, x86-vnni, x86-avx2, arm64, cuda is expected"):
        find_target("riscv")


def test_int8_is_never_offered_to_cuda(tiny_run: Path, picture_data: ExportData, tmp_path: Path):
    with pytest.raises(InputError, match=r"slower than fp32 on the CUDA provider.*use --quantize fp16"):
        export(tiny_run, tmp_path / "a.edge", picture_data, replace(INT8, target="cuda"))
    assert not list(tmp_path.iterdir())


def test_elsewhere_latency_is_unproven_and_fp32_goes_beside(tiny_run: Path, picture_data: ExportData, tmp_path: Path):
    out = tmp_path / "a.edge"
    asked = replace(INT8, target=elsewhere())
    refused = export(tiny_run, out, picture_data, asked)
    assert refused.outcome is Outcome.INCONCLUSIVE
    assert "its latency is unproven, since the target is not this machine" in refused.reason
    assert not out.exists()
    shipped = export(tiny_run, out, picture_data, replace(asked, provisional=True))
    assert shipped.outcome is Outcome.PROVISIONAL
    manifest = read_bundle(out).manifest
    assert [variant.name for variant in manifest.variants] == ["cpu-int8", "cpu-fp32"]
    assert manifest.provisional
    assert shipped.report["target"] == elsewhere()


def test_what_cannot_be_emulated_is_said_to_be_unverified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    manifest, target = SimpleNamespace(variants=()), replace(TARGETS["arm64"], instruction_sets=("nowhere",))

    def note() -> str:
        found = verify_emulated(manifest, FILES, target)  # type: ignore[arg-type]
        assert found.manifest is manifest
        return found.note

    monkeypatch.setenv("PATH", str(tmp_path))
    assert note().startswith("not verified on arm64: no qemu-aarch64 here; install qemu-user")
    qemu = tmp_path / "qemu-aarch64"
    qemu.write_text("#!/bin/sh\necho told: $5 $PYTHONPATH >&2; exit 3\n")
    qemu.chmod(0o755)
    monkeypatch.delenv(DEVICES, raising=False)
    assert "EDGE_DEVICES names no folder with an ARM64 Python" in note()
    monkeypatch.setenv(DEVICES, str(tmp_path))
    assert "holds no arm64/usr/bin/python3.*" in note()
    python = tmp_path / "arm64" / "usr" / "bin" / "python3.12"
    python.parent.mkdir(parents=True)
    python.write_text("")
    said = note()
    assert f"the self-test did not run under qemu-aarch64 (told: {python} " in said
    assert f":{tmp_path / 'site'})" in said
    assert "edge-bench prove" in said


def test_an_emulator_of_another_answer_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    liar = tmp_path / "liar"
    liar.write_text("""#!/bin/sh\necho '{"failures": ["case 1: 0.5"], "onnxruntime": "1.22.1"}'\n""")
    liar.chmod(0o755)
    monkeypatch.setitem(EMULATORS, "arm64", lambda: Emulator((str(liar),), "aarch64-dotprod"))
    target = replace(TARGETS["arm64"], instruction_sets=("nowhere",))
    with pytest.raises(RefusedError, match=r"on an emulated arm64: case 1: 0\.5; not shipped"):
        verify_emulated(SimpleNamespace(variants=()), FILES, target)  # type: ignore[arg-type]


def test_frames_and_protected_classes_reach_the_verdict(tiny_run: Path, picture_data: ExportData, tmp_path: Path):
    frames = [(path, None) for path, _ in picture_data.splits["test"]]
    groups = {"test": [f"recording {index // 2}" for index in range(len(frames))]}
    data = replace(picture_data, unlabeled=frames, groups=groups)
    report = export(tiny_run, tmp_path / "a.edge", data, replace(INT8, protect=("red",), fallback="fp32")).report
    assert report["accuracy"]["unlabeled"] == len(frames)
    assert report["accuracy"]["groups"] == len(frames) // 2
    assert [one["label"] for one in report["classes"] if one["protected"]] == ["red"]


def test_a_protected_class_must_be_known(tiny_run: Path, picture_data: ExportData, tmp_path: Path):
    with pytest.raises(InputError, match="protect='pink': no such class; there are blue, green, red"):
        export(tiny_run, tmp_path / "a.edge", picture_data, replace(INT8, protect=("pink",)))


def test_a_share_of_int8_can_be_insisted_on(tiny_run: Path, picture_data: ExportData, tmp_path: Path):
    captured = capture(str(tiny_run))
    graph, _ = prepare_int8(make_baseline(captured)[0], captured)
    third = [node.name for node in graph.graph.node if node.op_type == "Conv"][2]
    recipe = Recipe("all but one", float_operators=(third,))
    first = export(tiny_run, tmp_path / "a.edge", picture_data, replace(INT8, recipe=recipe))
    share = next(row["coverage"]["macs_share"] for row in first.report["rows"] if row["coverage"])
    assert 0 < share < 1
    reasons = [one["reason"] for row in first.report["rows"] if row["coverage"] for one in row["coverage"]["floating"]]
    assert reasons == ["excluded by the recipe"]
    asked = replace(INT8, recipe=recipe, min_int8_share=0.5 + share / 2)
    refused = export(tiny_run, tmp_path / "b.edge", picture_data, asked)
    assert refused.outcome is Outcome.REFUSED
    assert "less than the" in refused.reason and "--min-int8-share" in refused.reason
