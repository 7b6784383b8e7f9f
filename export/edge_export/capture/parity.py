"""The proof that a graph gives the logits of its source, at batch sizes that broken exports fail on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_export.capture.interface import Batch, Parity, Predictor
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

PARITY_BATCHES = (1, 2, 7, 8)
"""Odd, even and single batches: exports that froze or broke the batch axis fail on at least one of them
(pytorch#157621, pytorch#169178)."""

PARITY_TOLERANCE = 1e-4
"""Of the largest logit. float32 kernels sum in different orders; a wrong graph is off by far more."""


def check_parity(
    model: "onnx.ModelProto", reference: Predictor, shape: Sequence[int], seed: int = 0, *, pixels: bool = False
) -> Parity:
    """Compare the graph with its source on seeded noise at several batch sizes.

    Args:
        model: The graph; one with a fixed batch is run as often as it takes.
        reference: The source.
        shape: Shape of one input, without the batch axis.
        seed: Of the noise.
        pixels: The noise is integers from 0 to 255, for a source that takes bytes; otherwise it is normal.

    Raises:
        RefusedError: a logit differs by more than `PARITY_TOLERANCE` of the largest one, or a batch size fails.
    """
    generator = np.random.default_rng(seed)
    graph = predictor(model.SerializeToString())
    difference, largest = 0.0, 0.0
    for size in PARITY_BATCHES:
        batch = _noise(generator, (size, *shape), pixels)
        expected, actual = reference(batch), graph(batch)
        if expected.shape != actual.shape:
            raise RefusedError(
                f"the ONNX graph gives logits of shape {actual.shape} at batch {size}, "
                f"the source {expected.shape}; not shipped"
            )
        # Every comparison with NaN is false, so `max` would drop it and let it pass.
        if not np.isfinite(expected).all():
            raise RefusedError(
                f"the source gives logits that are NaN or infinite (batch {size} of noise); "
                "nothing was shipped, check its weights and train again"
            )
        difference = max(difference, float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max()))
        largest = max(largest, float(np.abs(expected).max()))
    if not difference <= PARITY_TOLERANCE * largest:
        raise RefusedError(
            f"the ONNX graph does not answer as the source: logits differ by {difference:.3g}, "
            f"allowed {PARITY_TOLERANCE:g} of the largest ({largest:.3g}); not shipped"
        )
    return Parity(PARITY_BATCHES, difference, largest, PARITY_TOLERANCE)


def _noise(generator: np.random.Generator, shape: tuple[int, ...], pixels: bool) -> Batch:
    if pixels:
        return generator.integers(0, 256, shape).astype(np.float32)
    return generator.standard_normal(shape, dtype=np.float32)
