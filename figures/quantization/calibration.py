"""Memory that calibration takes over plain fp32 inference of the same network, and whether samples add to it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from interface import Figure

NETWORKS = ("tf_efficientnet_lite0",)
SIZE = 224
FEW, MANY = 64, 2048
CHILD = f"""
import sys
from pathlib import Path
import numpy as np
import onnx
from edge_export.quantize.calibration import METHODS, observe, settled_ranges
from edge_runtime.session import create_session

path, mode, count = sys.argv[1:]
model = onnx.load(path)

def samples():
    for seed in range(int(count)):
        yield np.random.default_rng(seed).standard_normal((3, {SIZE}, {SIZE}), dtype=np.float32)

if mode == "infer":
    session = create_session(model.SerializeToString())
    del model
    for sample in samples():
        session.run(None, dict(image=sample[np.newaxis]))
else:
    observation = observe(model, samples, until=())
    for method in METHODS:
        settled_ranges(observation, method)
# Of this process alone: ru_maxrss remembers the parent that it was forked from.
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
ASKED_MB, ASKED_GROWTH = 500.0, 1.05


def measure() -> list[Figure]:
    """Let a process each infer, and calibrate on few and on many random tensors, by every method."""
    return [figure for name in NETWORKS for figure in _measure(name)]


def _measure(name: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        _export(name, path)
        plain, few, many = (_peak(path, *mode) for mode in (("infer", FEW), ("calibrate", FEW), ("calibrate", MANY)))
    how = f"peak resident memory of a process each, {SIZE} px, all four methods; inference takes {plain:.0f} MB"
    return [
        Figure(f"over inference, {FEW} samples, {name}", few - plain, None, None, ASKED_MB, "at most", "MB", how),
        Figure(f"over inference, {MANY:,} samples, {name}", many - plain, None, None, ASKED_MB, "at most", "MB", how),
        Figure(f"{MANY:,} samples over {FEW}, {name}", many / few, None, None, ASKED_GROWTH, "at most", "x", how),
    ]


def _export(name: str, path: Path) -> None:
    import timm
    import torch

    network = timm.create_model(name, pretrained=False).eval()
    torch.onnx.export(
        network, (torch.zeros(1, 3, SIZE, SIZE),), path, input_names=["image"], dynamo=True, external_data=False
    )


def _peak(path: Path, mode: str, count: int) -> float:
    """Return the peak of a fresh process, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, path, mode, str(count)], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1e3
