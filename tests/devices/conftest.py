"""Emulated CPUs: `install.sh` installs them, `.ci/run` insists on them."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tiny import picture_data, tiny_run

from edge_export.config import ExportConfig, ExportData
from edge_export.export import export
from edge_export.sessions import predictor
from edge_runtime.bundle import read_bundle
from edge_runtime.image import ImagePreprocessor

__all__ = ["picture_data", "tiny_run"]

ROOT = Path(__file__).parent.parent.parent
INSTALL = "run tests/devices/install.sh"


@dataclass(frozen=True)
class Device:
    """How to run Python on another CPU."""

    python: tuple[str, ...]
    environment: dict[str, str]
    instruction_set: str


def _haswell() -> Device | None:
    emulator = shutil.which("qemu-x86_64")
    return emulator and Device((emulator, "-cpu", "Haswell", sys.executable), {}, "x86_64-avx2")


def _devices() -> Path:
    return Path(os.environ.get("EDGE_DEVICES") or ROOT / ".devices")


def _cortex_a76() -> Device | None:
    emulator, devices = shutil.which("qemu-aarch64"), _devices()
    if not emulator or not (devices / "ready").exists():
        return None
    root = devices / "arm64"
    python = (emulator, "-cpu", "cortex-a76", "-L", str(root), str(root / "usr/bin/python3.11"))
    return Device(python, {"PYTHONPATH": f"{devices / 'site'}:{ROOT / 'runtime'}"}, "aarch64-dotprod")


DEVICES: dict[str, Callable[[], Device | None]] = {"haswell": _haswell, "cortex-a76": _cortex_a76}


@pytest.fixture(params=list(DEVICES))
def device(request: pytest.FixtureRequest) -> Device:
    found = DEVICES[request.param]()
    if found is None:
        missing = f"no emulated {request.param} here; {INSTALL}"
        if os.environ.get("EDGE_REQUIRE_DEVICES"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def devices_folder() -> Path:
    """What `install.sh` made."""
    return _devices()


@dataclass(frozen=True)
class Exported:
    """A bundle of int8 and fp32, and what its variants answer on this machine."""

    bundle: Path
    models: dict[str, bytes]
    options: dict[str, dict[str, str]]
    exact: dict[str, bool]
    tolerance: dict[str, float]
    tensors: np.ndarray
    logits: dict[str, np.ndarray]


@pytest.fixture(scope="session")
def exported(tiny_run: Path, picture_data: ExportData, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    out = tmp_path_factory.mktemp("bundle") / "tiny.edge"
    # Whether a network this small is quicker in int8 is not what these tests are about.
    config = ExportConfig("int8", max_drop=0.5, provisional=True, keep_fp32=True, search_time=0, timing_seconds=0.5)
    result = export(tiny_run, out, picture_data, replace(config, target="arm64"))
    assert result.bundle is not None, result.reason
    bundle = read_bundle(out)
    preprocess = ImagePreprocessor(bundle.manifest.preprocessing)
    tensors = np.stack([preprocess(path) for path, _ in picture_data.splits["test"][:40]])
    variants = bundle.manifest.variants
    models = {one.name: bundle.read(one.file) for one in variants}
    logits = {one.name: predictor(models[one.name], threads=1, options=one.session)(tensors) for one in variants}
    return Exported(
        out,
        models,
        {one.name: one.session for one in variants},
        {one.name: one.exact for one in variants},
        {one.name: one.tolerance for one in variants},
        tensors,
        logits,
    )
