"""Run the passes, each with its own proof that the answers stayed."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-5
"""Of the largest logit. A pass reorders float operations at most; it never approximates."""


def optimize(
    model: "onnx.ModelProto", shape: Sequence[int], passes: Mapping[str, GraphPass], seed: int = 0
) -> tuple["onnx.ModelProto", tuple[PassRecord, ...]]:
    """Apply `passes` in order and return the new model and what each pass did; `model` is left as it was.

    Args:
        model: A float32 graph with one input.
        shape: Shape of one input, without the batch axis.
        passes: Name to pass.
        seed: Of the inputs that the answers are compared on.

    Raises:
        RefusedError: a pass changed an answer, which is a defect of the pass.
    """
    batch = np.random.default_rng(seed).standard_normal((2, *shape), dtype=np.float32)
    current = copy.deepcopy(model)
    expected = predictor(current.SerializeToString())(batch)
    records: list[PassRecord] = []
    for name, rewrite in passes.items():
        current, rewrites = rewrite(current)
        difference = 0.0
        if rewrites:
            difference = float(np.abs(predictor(current.SerializeToString())(batch) - expected).max())
            if not difference <= TOLERANCE * float(np.abs(expected).max()):
                done = ", ".join(record.name for record in records) or "no other"
                raise RefusedError(
                    f"graph pass {name}, after {done}, changed a logit by {difference:.3g}; not shipped. "
                    "Please report this model"
                )
        records.append(PassRecord(name, rewrites, difference))
    return current, tuple(records)
