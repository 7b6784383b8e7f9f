"""Networks trained at 64 pixels on Fashion-MNIST, which accuracy and the length of an export are measured on.

Training takes half an hour on 2 cores, so the runs are kept in `EDGE_FIGURES_RUNS` (default: .figures in the checkout).
"""

import os
from pathlib import Path

from exports import run

FOLDER = Path(os.environ.get("EDGE_FIGURES_RUNS") or Path(__file__).parent.parent.parent / ".figures")
SIDE = 64
TRAINING: dict[str, tuple[object, ...]] = {
    "lite0": ("--model", "tf_efficientnet_lite0", "--epochs", 3),
    "mobilenetv3": ("--model", "mobilenetv3_large_100", "--weights", "none", "--epochs", 3),
    "resnet18": ("--model", "resnet18", "--weights", "none", "--epochs", 2),
}
"""Name of a run, and how it differs from the others."""


def data() -> Path:
    """Return the data set, written where it is missing."""
    folder = FOLDER / "data"
    if not folder.exists():
        run("sample", "fashion", folder)
    return folder


def trained(name: str) -> Path:
    """Return a run, trained where it is missing."""
    folder = FOLDER / name
    if not (folder / "run.json").exists():
        common = ("--size", SIDE, "--batch-size", 64, "--preset", "full")
        run("train", data(), "-o", folder, *common, *TRAINING[name])
    return folder
