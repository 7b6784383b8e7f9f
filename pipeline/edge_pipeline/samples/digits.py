"""Handwritten digits, 8x8 pixels, 1,797 real scans that come with scikit-learn."""

from typing import Any

import numpy as np

from edge_pipeline.samples.images import LabelledImages
from edge_pipeline.samples.interface import Source
from edge_runtime.errors import MachineError

LEVELS = 16
"""scikit-learn gives ink from 0 to 16; times 16 and clipped it fills a byte."""


def load() -> LabelledImages:
    """Read the scans.

    Raises:
        MachineError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MachineError('digits: scikit-learn is not installed; run `pip install "scikit-learn>=1.5"`') from error
    bunch: Any = load_digits()
    pixels = np.minimum(bunch.images * LEVELS, 255).astype(np.uint8)
    return LabelledImages(pixels, bunch.target.astype(np.int64), tuple(str(name) for name in bunch.target_names))


SOURCE = Source("digits", "1,797 handwritten digits, 8x8 pixels (scikit-learn)", load, val=270, test=450)
