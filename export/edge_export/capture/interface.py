"""What every source gives: a graph, a reference to check it against, and what it means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.manifest import Task
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    import onnx

Batch = NDArray[np.float32]
"""`(n, ...)` float32: preprocessed inputs on the way in, `(n, classes)` logits on the way out."""

Predictor = Callable[[Batch], Batch]


@dataclass(frozen=True)
class Parity:
    """How close the graph's logits came to the source's."""

    batches: tuple[int, ...]
    largest_difference: float
    """Largest absolute difference of a logit over all batches."""
    largest_logit: float
    """Largest absolute logit, which the tolerance is relative to."""
    tolerance: float
    """Allowed `largest_difference / largest_logit`."""


@dataclass(frozen=True)
class Captured:
    """A source brought to ONNX."""

    model: "onnx.ModelProto"
    """One input `(batch, channels, height, width)` or as the contract says, one output `(batch, classes)`."""
    reference: Predictor
    """The source itself, run eagerly; what parity and the figures for eager time are measured against."""
    parity: Parity
    labels: tuple[str, ...]
    task: Task
    preprocessing: ImagePreprocessing
    provenance: dict[str, Any]
    """Kind of source, architecture, hash and licence of its weights, and so on."""
