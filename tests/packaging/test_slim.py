"""The runtime where only numpy, ONNX Runtime and Pillow are: it answers as the toolchain does, and no torch is near."""

import json
import os
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edge_runtime

ALLOWED = ("numpy", "onnxruntime", "pillow", "flatbuffers", "protobuf", "packaging")
"""`edge-runtime[cpu,image]` and what onnxruntime itself requires."""


@pytest.fixture(scope="module")
def slim_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with nothing but what `edge-runtime[cpu,image]` brings."""
    site = tmp_path_factory.mktemp("site")
    for name in ALLOWED:
        for file in distribution(name).files or ():
            top = file.parts[0]
            source = Path(sysconfig.get_path("purelib")) / top
            if top not in ("..", "__pycache__") and source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)
    package = Path(edge_runtime.__file__).parent
    (site / "edge_runtime").symlink_to(package)
    return site


def run_slim(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(site), "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-S", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_there_is_no_torch(slim_site: Path):
    for module in ("torch", "edge_benchmarks", "edge_export", "edge_pipeline", "onnx", "scipy"):
        result = run_slim(slim_site, "-c", f"import {module}")
        assert "ModuleNotFoundError" in result.stderr, f"{module} can be imported, so this environment proves nothing"


def test_same_label_and_score_as_the_toolchain(slim_site: Path, small_bundle: Path, tmp_path: Path):
    pixels = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    photo = tmp_path / "photo one.png"
    Image.fromarray(pixels).save(photo)
    result = run_slim(slim_site, "-W", "error", "-m", "edge_runtime", str(small_bundle), str(photo), "--json")
    assert result.returncode == 0, result.stderr
    slim = json.loads(result.stdout)[0]
    full = subprocess.run(
        [sys.executable, "-m", "edge_pipeline", "run", str(small_bundle), str(photo), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(full.stdout)[0]
    assert answer["label"] == slim["label"]
    assert abs(answer["score"] - slim["score"]) <= 1e-6


def test_import_brings_numpy_and_onnxruntime_only_when_used(slim_site: Path):
    code = (
        "import sys, edge_runtime; print(sorted({'numpy', 'onnxruntime', 'PIL'} & set(sys.modules)));"
        "edge_runtime.load; print('numpy' in sys.modules)"
    )
    result = run_slim(slim_site, "-c", code)
    assert result.stdout.split("\n")[0] == "[]", result.stderr


def test_what_a_photo_needs_is_imported_by_the_time_the_model_is_loaded(slim_site: Path, small_bundle: Path):
    """And nothing of it, nor numpy, before: a model's file is read while they are imported."""
    code = (
        "import sys, edge_runtime; edge_runtime.load; print('numpy' in sys.modules);"
        "edge_runtime.load(sys.argv[1]); print('PIL.JpegImagePlugin' in sys.modules)"
    )
    result = run_slim(slim_site, "-c", code, str(small_bundle))
    assert result.stdout.split() == ["False", "True"], result.stderr
