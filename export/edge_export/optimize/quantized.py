"""Finish a quantized graph: the passes on bytes, with the proof that no bit of an answer changed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.byte_ops import clip_bytes, shift_zero_points
from edge_export.optimize.interface import GraphPass
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

QDQ_PASSES: dict[str, GraphPass] = {
    "clip-bytes": clip_bytes,
    "shift-zero-points": shift_zero_points,
}
"""On the quantized graph: what bytes can do without going through float. They keep every bit."""


def finish_quantized(model: "onnx.ModelProto", options: Mapping[str, str], seed: int = 0) -> "onnx.ModelProto":
    """Apply `QDQ_PASSES` and return the new model; where none finds its pattern, `model` itself.

    Args:
        model: A QDQ graph; left as it was.
        options: Session configuration entries that it needs.
        seed: Of the noise that answers are compared on.

    Raises:
        RefusedError: an answer changed, which is a defect of a pass.
    """
    sources = {info.name for info in model.graph.input} - {tensor.name for tensor in model.graph.initializer}
    if len(sources) > 1:  # the proof below knows one input
        return model
    current, done = model, []
    for name, change in QDQ_PASSES.items():
        current, rewrites = change(current)
        done += [name] * bool(rewrites)
    if not done:
        return model
    noise = _noise(model, seed)
    before, after = (predictor(one.SerializeToString(), options=options)(noise) for one in (model, current))
    if not np.array_equal(before, after, equal_nan=True):
        gap = float(np.abs(after - before).max())
        raise RefusedError(
            f"graph passes {', '.join(done)} changed a logit of the quantized graph by {gap:.3g}; not shipped. "
            "Please report this model"
        )
    return current


def _noise(model: "onnx.ModelProto", seed: int) -> NDArray[np.float32]:
    """Return noise for the only input; the passes look for images, whose sides are known, and leave others alone."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    source = next(info for info in model.graph.input if info.name not in initializers)
    shape = [dim.dim_value or 1 for dim in source.type.tensor_type.shape.dim]
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
