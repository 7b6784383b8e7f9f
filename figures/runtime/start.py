"""Size of the wheel, cost of the import, and the first label of a fresh process against the shortest script."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from interface import Figure
from PIL import Image

import edge_runtime
from edge_benchmarks.statistics import percentile_interval
from edge_benchmarks.timing import ROUNDS_PER_BLOCK, interleave
from edge_runtime.bundle import read_bundle
from runtime.networks import USUAL, photos, usual_bundle

PAIRS = 30
RUNTIME = Path(edge_runtime.__file__).parent.parent
BY_HAND = Path(__file__).with_name("by_hand.py")
FIRST_LABEL = "import sys, edge_runtime; print(edge_runtime.load(sys.argv[1], threads=1).predict(sys.argv[2]).label)"
BASE = "import numpy, onnxruntime"


def measure() -> list[Figure]:
    """Build the wheel, then time whole processes in random balanced order."""
    with tempfile.TemporaryDirectory(prefix="edge-figures-") as name:
        folder = Path(name)
        return [_wheel(folder), _import(installed(folder)), first_label(folder, usual_bundle())]


def _wheel(folder: Path) -> Figure:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(RUNTIME)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    how = f"{wheel.name}; KB of 1024 bytes"
    return Figure("size of the wheel", wheel.stat().st_size / 1024, None, None, 60, "at most", "KB", how)


def installed(folder: Path) -> dict[str, str]:
    """Lay the runtime out as pip does, compiled, and return an environment that finds it first."""
    target = folder / "site"
    if not target.exists():
        shutil.copytree(RUNTIME / "edge_runtime", target / "edge_runtime")
        compileall.compile_dir(target, quiet=1)
    return {**os.environ, "PYTHONPATH": str(target), "ORT_DISABLE_TELEMETRY": "1"}


def process(environment: dict[str, str], *arguments: object) -> Callable[[], str]:
    """Return what runs Python with these arguments and gives what it printed."""
    command = [sys.executable, *map(str, arguments)]

    def run() -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    return run


def _import(environment: dict[str, str]) -> Figure:
    arms = {"ours": process(environment, "-c", f"{BASE}, edge_runtime"), "base": process(environment, "-c", BASE)}
    timings = interleave(arms, seconds=1, min_rounds=2 * PAIRS, warmup_seconds=0.1)
    more = (timings.blocks("ours") - timings.blocks("base")) / ROUNDS_PER_BLOCK / 1e6
    interval = percentile_interval(more, 0.5)
    assert interval is not None
    how = f"median of {len(more)} paired blocks of whole processes"
    name = "import edge_runtime after numpy and onnxruntime"
    return Figure(name, interval.estimate, interval.low, interval.high, 20, "at most", "ms", how)


def first_label(folder: Path, path: Path) -> Figure:
    """Time whole processes: the runtime with a bundle, and `by_hand.py` with the same model, on one JPEG file."""
    environment = installed(folder)
    bundle = read_bundle(path)
    (variant,) = bundle.manifest.variants
    model, labels, photo = folder / "model.onnx", folder / "labels.txt", folder / "photo.jpg"
    model.write_bytes(bundle.read(variant.file))
    labels.write_text("\n".join(bundle.manifest.labels), encoding="utf-8")
    Image.fromarray(next(photos(1))).save(photo)
    arms = {
        "ours": process(environment, "-c", FIRST_LABEL, path, photo),
        "hand": process(environment, BY_HAND, model, labels, photo),
    }
    answers = {name: call() for name, call in arms.items()}
    if len(set(answers.values())) != 1:
        raise RuntimeError(f"the two do not give the same label: {json.dumps(answers)}")
    timings = interleave(arms, seconds=1, min_rounds=2 * PAIRS, warmup_seconds=0.1)
    ratio = timings.ratio("ours", "hand")
    hand = float(np.median(timings.samples_ns["hand"])) / 1e6
    how = (
        f"median of {PAIRS} paired blocks of whole processes, {USUAL}, 640x480 JPEG, 1 thread; by hand {hand:.0f} ms;"
        " files in the page cache, bytecode compiled"
    )
    name = "process start to first label over the shortest script"
    return Figure(name, ratio.estimate, ratio.low, ratio.high, 1.10, "at most", "x", how)
