"""Sessions: sized to the machine, quiet, strict about providers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from edge_runtime.cpus import available_cpus, cgroup_quota
from edge_runtime.errors import BundleError, EdgeWarning, InputError, MachineError
from edge_runtime.session import create_session, import_onnxruntime


def test_threads_follow_affinity(make_model: Any) -> None:
    options = create_session(make_model()).get_session_options()
    assert options.intra_op_num_threads == available_cpus() <= len(os.sched_getaffinity(0))
    assert options.inter_op_num_threads == 1
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert create_session(make_model(), threads=3).get_session_options().intra_op_num_threads == 3
    with pytest.raises(InputError, match="threads=0"):
        create_session(make_model(), threads=0)


def test_one_cpu_of_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert available_cpus() == 1


@pytest.mark.parametrize(("quota", "cpus"), [(None, 8), (2.5, 2), (0.3, 1), (64.0, 8)])
def test_a_quota_bounds_the_threads(monkeypatch: pytest.MonkeyPatch, quota: float | None, cpus: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr("edge_runtime.cpus.cgroup_quota", lambda: quota)
    assert available_cpus() == cpus


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_quota_of_cgroup_v2_is_the_tightest_of_the_ancestors(tmp_path: Path) -> None:
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    _write(membership, "0::/system.slice/box\n")
    _write(root / "cpu.max", "max 100000\n")
    assert cgroup_quota(membership, root) is None
    _write(root / "system.slice/cpu.max", "150000 100000\n")
    _write(root / "system.slice/box/cpu.max", "400000 100000\n")
    assert cgroup_quota(membership, root) == 1.5


def test_quota_of_cgroup_v1_and_of_none(tmp_path: Path) -> None:
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    assert cgroup_quota(membership, root) is None
    _write(membership, "5:memory:/a\n4:cpu,cpuacct:/docker/1\n")
    _write(root / "cpu,cpuacct/cpu.cfs_quota_us", "-1")
    _write(root / "cpu,cpuacct/cpu.cfs_period_us", "100000")
    assert cgroup_quota(membership, root) is None
    _write(root / "cpu,cpuacct/docker/1/cpu.cfs_quota_us", "250000")
    _write(root / "cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000")
    assert cgroup_quota(membership, root) == 2.5
    _write(root / "cpu,cpuacct/docker/1/cpu.cfs_period_us", "rubbish")
    assert cgroup_quota(membership, root) is None


def test_options_reach_onnxruntime(make_model: Any) -> None:
    options = {"graph_optimization_level": "basic", "session.intra_op.allow_spinning": "0"}
    made = create_session(make_model(), options=options).get_session_options()
    assert made.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert made.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(
    "options",
    [
        {"graph_optimization_level": "most"},
        {"session.optimized_model_filepath": "a.onnx"},
        {"ep.context_enable": "1"},
    ],
)
def test_options_that_could_do_more_than_compute_are_refused(make_model: Any, options: dict[str, str]) -> None:
    with pytest.raises(BundleError, match="is not allowed"):
        create_session(make_model(), options=options)


def test_cuda_that_is_not_there_is_an_error_with_the_mending_command(make_model: Any) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(
        MachineError, match=r'CUDAExecutionProvider is not in onnxruntime.*pip install "edge-runtime\[gpu\]"'
    ):
        create_session(make_model(), device="cuda")
    with pytest.raises(MachineError, match="NoneSuchProvider is not in"):
        create_session(make_model(), providers=["NoneSuchProvider", "CPUExecutionProvider"])


def test_a_silent_fall_back_is_an_error(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda model, settings, **_: real(model, settings))
    with pytest.raises(MachineError, match=r"no NVIDIA driver|no GPU is visible"):
        create_session(make_model(), device="cuda")


def test_two_flavours_are_an_error_with_the_mending_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime_gpu-1.22.0.dist-info").mkdir()
    (tmp_path / "onnxruntime_extensions-0.14.0.dist-info").mkdir()  # another package, which may stand beside any
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MachineError, match=r"pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime$"):
        import_onnxruntime()


def test_no_flavour_is_an_error_with_the_mending_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MachineError, match=r'pip install "edge-runtime\[cpu\]"'):
        import_onnxruntime()


def test_telemetry_is_off_unless_the_user_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    import_onnxruntime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    with pytest.warns(EdgeWarning, match="imported before edge_runtime"):
        import_onnxruntime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
