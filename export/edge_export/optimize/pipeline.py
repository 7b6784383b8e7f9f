"""Run the passes, each with its own proof that the answers stayed."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-5
"""Of the largest logit. A pass reorders float operations at most; it never approximates."""

ROUNDING = 30.0
"""Times what a change of every input value in its last bit does to the logits. Deep networks amplify rounding: an
untrained EfficientNet-B0 turns a last bit into 0.1 % of its largest logit, and a pass rounds at every layer."""

PATCH = 16
"""Side of the flat patches of a picture-like probe: flat areas and edges, which noise lacks."""

PICTURE_SPAN = 2.6
"""Largest value of a picture after the usual ImageNet scaling, about (255 / 255 - 0.406) / 0.225."""


def optimize(
    model: "onnx.ModelProto",
    shape: Sequence[int],
    passes: Mapping[str, GraphPass],
    seed: int = 0,
    options: Mapping[str, str] | None = None,
) -> tuple["onnx.ModelProto", tuple[PassRecord, ...]]:
    """Apply `passes` in order and return the new model and what each pass did; `model` is left as it was.

    Args:
        model: A graph with one float32 input.
        shape: Shape of one input, without the batch axis.
        passes: Name to pass: `BASELINE_PASSES`, `INT8_PASSES` or `QDQ_PASSES`.
        seed: Of the inputs that the answers are compared on.
        options: Session configuration entries that the model needs, such as `quantize.static.SESSION`.

    Raises:
        RefusedError: a pass changed an answer, which is a defect of the pass.
    """
    current = copy.deepcopy(model)
    probes = _probes(shape, seed)
    expected = _answers(current, probes, options)
    nudged = _answers(current, [np.nextafter(probe, np.float32(np.inf)) for probe in probes], options)
    allowed = [
        max(TOLERANCE * float(np.abs(before).max()), ROUNDING * float(np.abs(after - before).max()))
        for before, after in zip(expected, nudged, strict=True)
    ]
    records: list[PassRecord] = []
    for name, rewrite in passes.items():
        current, rewrites = rewrite(current)
        difference = 0.0
        if rewrites:
            actual = _answers(current, probes, options)
            gaps = [float(np.abs(after - before).max()) for after, before in zip(actual, expected, strict=True)]
            # Every comparison with NaN is false, so `max` would drop it and let it pass.
            difference = float(np.nan_to_num(gaps, nan=np.inf).max())
            if not all(gap <= limit for gap, limit in zip(gaps, allowed, strict=True)):
                done = ", ".join(record.name for record in records) or "no other"
                raise RefusedError(
                    f"graph pass {name}, after {done}, changed a logit by {difference:.3g}; not shipped. "
                    "Please report this model"
                )
        records.append(PassRecord(name, rewrites, difference))
    return current, tuple(records)


def _probes(shape: Sequence[int], seed: int) -> list[NDArray[np.float32]]:
    """Return a batch of two noise inputs and one picture-like input."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((2, *shape), dtype=np.float32)
    picture = generator.uniform(-PICTURE_SPAN, PICTURE_SPAN, (1, *shape)).astype(np.float32)
    for axis in range(2, picture.ndim):
        picture = picture.take(np.arange(picture.shape[axis]) // PATCH, axis=axis)
    return [noise, picture]


def _answers(
    model: "onnx.ModelProto", probes: Sequence[NDArray[np.float32]], options: Mapping[str, str] | None
) -> list[NDArray[np.float32]]:
    predict = predictor(model.SerializeToString(), options=options)
    return [predict(probe) for probe in probes]
