"""What every source gives: a graph, a reference to check it against, and what it means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_export.text_networks.fields import Pooling
from edge_runtime.manifest import Task
from edge_runtime.preprocessing import Preprocessing, Truncation, make_preprocessor
from edge_runtime.preprocessing.interface import Preprocessor
from edge_runtime.tasks import TASKS

if TYPE_CHECKING:
    import onnx

Batch = NDArray[Any]
"""Preprocessed inputs: `(n, ...)` float32 pixels, or `(n, length)` int64 token numbers."""

Predictor = Callable[[Batch], NDArray[np.float32]]
"""From a batch of inputs to `(n, classes)` logits."""


@dataclass(frozen=True)
class SourceOptions:
    """What the user says of a source that does not say it itself; a run needs none of it."""

    labels: tuple[str, ...] = ()
    """Class names in the order of the model's outputs; empty where nobody knows them."""
    task: Task = "image-classification"
    pooling: Pooling | None = None
    """How tokens become an embedding, where the directory does not say it or should not decide."""
    max_length: int | None = None
    """Most tokens that a text encoder reads at once; None for 128, or what it takes."""
    truncation: Truncation | None = None
    """What becomes of texts that are longer; None for `end`."""
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
    """One input `(batch, channels, height, width)`, `(batch, length)` or as the contract says, one output
    `(batch, classes)`."""
    reference: Predictor
    """The source itself, run eagerly; what parity and the figures for eager time are measured against."""
    parity: Parity
    labels: tuple[str, ...]
    task: Task
    preprocessing: Preprocessing
    provenance: dict[str, Any]
    """Kind of source (`source`), architecture, hash and licence of its weights, and so on."""
    notes: tuple[str, ...] = ()
    """What the user should know of how it was captured, one line each, such as an `If` whose branches stay float."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What the preprocessing needs of the bundle, such as a tokenizer, by path."""
    rivals: Mapping[str, "Callable[[], onnx.ModelProto]"] = field(default_factory=dict)
    """What other exporters would make of the source, by name; they may raise EdgeError."""

    def preprocessor(self) -> Preprocessor:
        """Return what executes the preprocessing."""
        return make_preprocessor(self.preprocessing, self.files.__getitem__)

    def reader(self) -> "Callable[[Batch, Callable[[Batch], Batch]], Batch]":
        """Return how the runtime reads a batch: checked, and texts longer than the model in windows."""
        preprocess, join = self.preprocessor(), TASKS[self.task].join
        return lambda batch, run: preprocess.ask(preprocess.check(batch), run, join)


class Source(NamedTuple):
    """One kind of source."""

    recognizes: Callable[[str], bool]
    """Tells from the text that the user gave, and from the file that it may name."""
    capture: Callable[[str, SourceOptions], Captured]
    """Raises InputError where it cannot be captured, and RefusedError where the graph does not answer as it does."""
    labels: Callable[[str], tuple[str, ...]] = lambda _: ()
    """What the source calls its outputs, in their order; nothing where it does not say."""
