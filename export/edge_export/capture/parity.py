"""The proof that a graph gives the logits of its source, at batch sizes that broken exports fail on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_export.capture.interface import Batch, Parity, Predictor
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

PARITY_TOLERANCE = 1e-4
"""Of the largest logit. float32 kernels sum in different orders; a wrong graph is off by far more."""


def check_parity(model: "onnx.ModelProto", reference: Predictor, batches: Sequence[Batch]) -> Parity:
    """Compare the graph with its source on seeded inputs at several batch sizes.

    Args:
        model: The graph; one with a fixed batch is run as often as it takes.
        reference: The source.
        batches: As `edge_export.inputs.parity_batches` gives them.

    Raises:
        RefusedError: a logit differs by more than `PARITY_TOLERANCE` of the largest one, or a batch size fails.
    """
    graph = predictor(model.SerializeToString())
    difference, largest = 0.0, 0.0
    for batch in batches:
        expected, actual = reference(batch), graph(batch)
        if expected.shape != actual.shape:
            raise RefusedError(
                f"the ONNX graph gives logits of shape {actual.shape} for inputs {batch.shape}, "
                f"the source {expected.shape}; not shipped"
            )
        # Every comparison with NaN is false, so `max` would drop it and let it pass.
        if not np.isfinite(expected).all():
            raise RefusedError(
                f"the source gives logits that are NaN or infinite (inputs {batch.shape} of noise); "
                "nothing was shipped, check its weights and train again"
            )
        difference = max(difference, float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max()))
        largest = max(largest, float(np.abs(expected).max()))
    if not difference <= PARITY_TOLERANCE * largest:
        raise RefusedError(
            f"the ONNX graph does not answer as the source: logits differ by {difference:.3g}, "
            f"allowed {PARITY_TOLERANCE:g} of the largest ({largest:.3g}); not shipped"
        )
    return Parity(tuple(sorted({len(batch) for batch in batches})), difference, largest, PARITY_TOLERANCE)
