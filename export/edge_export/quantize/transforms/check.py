"""Proof that a transform kept what the float graph computes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import RefusedError
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4
"""Of the largest output. Rescaling by factors that are no powers of two rounds every weight anew, by 6e-8 each."""


def check_same(
    name: str, before: "onnx.ModelProto", after: "onnx.ModelProto", batch: Mapping[str, NDArray[Any]]
) -> float:
    """Compare the outputs of two float graphs and return the largest difference, as a share of the largest output.

    Raises:
        RefusedError: it is more than `TOLERANCE`.
    """
    expected, found = (_outputs(model, batch) for model in (before, after))
    largest = 0.0
    for one, other in zip(expected, found, strict=True):
        scale = float(np.abs(one).max(initial=0.0)) or 1.0
        difference = float(np.abs(one - other).max(initial=0.0)) / scale
        if not difference <= TOLERANCE:
            raise RefusedError(
                f"transform {name} changed an output by {difference:.3g} of its largest value; not shipped. "
                "Please report this model"
            )
        largest = max(largest, difference)
    return largest


def _outputs(model: "onnx.ModelProto", batch: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    session = create_session(model.SerializeToString())
    found: list[NDArray[Any]] = session.run(None, dict(batch))
    return [value for value in found if np.issubdtype(value.dtype, np.floating)]
