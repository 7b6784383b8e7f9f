"""What every source gives: a graph, a reference to check it against, and what it means."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
class SourceOptions:
    """What the user says of a source that does not say it itself; a run needs none of it."""

    labels: tuple[str, ...] = ()
    """Class names in the order of the model's outputs; empty where nobody knows them."""
    task: Task = "image-classification"
    preprocessing: str = ""
    """A contract as `edge_export.capture.preprocess_spec` reads it: a short form or a file."""
    weights: Path | None = None
    """A `.safetensors` or `.pth` state dict, for architectures by name and factories."""
    input: str = ""
    """Which input of an ONNX graph takes the image, where there are several."""
    output: str = ""
    """Which output holds the answer, where there are several."""
    hold: tuple[tuple[str, str], ...] = ()
    """Name and value of the inputs that stay the same for every image: a number, or a `.npy` file."""


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
    """Kind of source (`source`), architecture, hash and licence of its weights, and so on."""
    notes: tuple[str, ...] = ()
    """What the user should know of how it was captured, one line each, such as an `If` whose branches stay float."""


class Source(NamedTuple):
    """One kind of source."""

    recognizes: Callable[[str], bool]
    """Tells from the text that the user gave, and from the file that it may name."""
    capture: Callable[[str, SourceOptions], Captured]
    """Raises InputError where it cannot be captured, and RefusedError where the graph does not answer as it does."""
    labels: Callable[[str], tuple[str, ...]] = lambda _: ()
    """What the source calls its outputs, in their order; nothing where it does not say."""
