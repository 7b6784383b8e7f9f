"""An index of wheels that needs no network: our two, built from this checkout, and stand-ins for what they require."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_benchmarks.remote.wheels import own_wheels

STAND_INS = {
    "numpy": "2.2.6-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64",
    "onnxruntime": "1.22.1-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64",
    "pillow": "11.3.0-cp311-cp311-manylinux_2_28_aarch64",
    "psutil": "7.1.0-cp36-abi3-manylinux_2_17_aarch64",
    "click": "8.1.8-py3-none-any",
}
"""Package to the rest of a wheel's name, as the real ones for ARM64 are called."""


def stand_in(folder: Path, name: str, rest: str) -> None:
    version, _, tag = rest.partition("-")
    with zipfile.ZipFile(folder / f"{name}-{rest}.whl", "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of edge-runtime and edge-benchmarks."""
    folder = tmp_path_factory.mktemp("wheels")
    own_wheels(folder)
    return folder


@pytest.fixture
def offline_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, rest in STAND_INS.items():
        stand_in(folder, name, rest)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def fresh_python(tmp_path: Path) -> Path:
    """The Python of a new virtual environment with nothing but pip."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    return tmp_path / "fresh" / "bin" / "python"
