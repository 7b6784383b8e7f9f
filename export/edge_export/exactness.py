"""How equal a variant's answers are elsewhere: to the bit, or within a tolerance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.candidates import Candidate
from edge_export.graphs.coverage import executed_kinds
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

EXACT_KERNELS = frozenset(
    {
        "Clip",
        "Concat",
        "DequantizeLinear",
        "Flatten",
        "Identity",
        "MaxPool",
        "NhwcMaxPool",
        "Pad",
        "QGemm",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearConv",
        "QLinearGlobalAveragePool",
        "QLinearMatMul",
        "QuantizeLinear",
        "Relu",
        "Reshape",
        "Slice",
        "SpaceToDepth",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    }
)
"""Kernels that gave the same bits on AVX-512 VNNI, on AVX2 with `session.x64quantprecision` and on ARM64, see
tests/devices: they add integers, whose sum is the same in any order, or move and round single values."""

BASE_TOLERANCE = 1e-4
"""Of the largest logit: float kernels of other CPUs sum in other orders."""

Way = tuple[int, Mapping[str, str]]
"""Threads and session options to run a model with."""

OTHER_CPUS: tuple[Way, ...] = ((2, {}), (1, {"session.x64quantprecision": "1"}))
"""What other CPUs do: more threads, and the kernels without VNNI."""

OTHER_FUSIONS: tuple[Way, ...] = ((1, {"graph_optimization_level": "basic"}),)
"""What another ONNX Runtime may do; an exact variant is exact in its fused kernels alone."""


@dataclass(frozen=True)
class Exactness:
    """What a device may see of the golden logits."""

    exact: bool
    tolerance: float
    """Largest absolute difference that counts as the same answer; 0 when exact."""


def measure_exactness(candidate: Candidate, batch: NDArray[Any]) -> Exactness:
    """Run a variant in the ways in which other machines would, and see how far its logits move.

    A device may move them twice as far, and by `BASE_TOLERANCE` of the largest one in any case.

    Args:
        candidate: The variant.
        batch: The golden inputs, preprocessed.

    Raises:
        RefusedError: logits are NaN or infinite in one of the ways.
    """
    expected = predictor(candidate.model, threads=1, options=candidate.session)(batch)
    moved = _movement(candidate, batch, expected, OTHER_CPUS)
    if moved == 0 and executed_kinds(candidate.model, candidate.session) <= EXACT_KERNELS:
        return Exactness(True, 0.0)
    moved = max(moved, _movement(candidate, batch, expected, OTHER_FUSIONS))
    return Exactness(False, max(2 * moved, BASE_TOLERANCE * float(np.abs(expected).max())))


def _movement(candidate: Candidate, batch: NDArray[Any], expected: NDArray[np.float32], ways: tuple[Way, ...]) -> float:
    moved = 0.0
    for threads, options in ways:
        logits = predictor(candidate.model, threads=threads, options={**candidate.session, **options})(batch)
        if not np.isfinite(logits).all():
            raise RefusedError(
                f"{candidate.name}: golden logits are NaN or infinite with {dict(options) or threads}; not shipped"
            )
        moved = max(moved, float(np.abs(logits - expected).max()))
    return moved
