"""What calibration sees, and what it gives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]

Range = tuple[float, float]
"""The smallest and largest value that int8 will represent."""

Ranges = dict[str, Range]
"""Tensor name to its range."""


@dataclass(frozen=True)
class Histogram:
    """How often a tensor's values fell where, over all calibration samples.

    Bin i covers `[(start + i) * width, (start + i + 1) * width)`. While samples come in, the width is a power of two
    that the largest absolute value so far decides: bins merge and never split, so that the counts are exact and do not
    depend on the order of the samples.
    """

    low: float
    """Smallest value seen."""
    high: float
    width: float
    start: int
    counts: NDArray[np.int64]
    """`(bins,)`, from the first to the last bin that is not empty."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """`(bins + 1,)`, the outermost drawn in to the values seen."""
        edges = (self.start + np.arange(len(self.counts) + 1, dtype=np.float64)) * np.float64(self.width)
        edges[0], edges[-1] = max(edges[0], self.low), min(edges[-1], self.high)
        return edges

    def resampled(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Count by other bins, taking the values of one bin as evenly spread."""
        below = np.concatenate([[0], np.cumsum(self.counts)])
        return np.diff(np.interp(edges, self.edges, below))


@dataclass(frozen=True)
class Settling:
    """Whether more samples would change the ranges."""

    settled: bool
    cost: float
    """The largest error that the ranges of half the samples would add, as a share of a tensor's root mean square."""
    tensor: str
    """Where that was."""


@dataclass(frozen=True)
class Observation:
    """Every float activation of a graph, as the calibration samples made it."""

    histograms: dict[str, Histogram]
    means: dict[str, Array]
    """Input of a convolution, Gemm or MatMul to `(channels,)`: the mean over samples and positions."""
    peaks: dict[str, Array]
    """Input of a Gemm or MatMul to `(channels,)`: the largest absolute value over samples and positions."""
    samples: int
    first: dict[str, NDArray[Any]]
    """Input name to the first sample, with its batch axis: what transforms of the graph are checked on."""
    settling: Settling | None = None
    """None where nobody asked, or where the samples were too few to say."""
    observe_again: "Callable[[onnx.ModelProto], Observation] | None" = field(default=None, compare=False, repr=False)
    """Observes a changed graph on the same samples; for recipes that rescale activations."""
    samples_again: "Callable[[], Iterable[Mapping[str, NDArray[Any]]]] | None" = field(
        default=None, compare=False, repr=False
    )
    """Gives the samples again, each with its batch axis."""
    recount: "Callable[[], dict[str, Histogram]] | None" = field(default=None, compare=False, repr=False)
    """Counts the same samples again, in 2,048 bins from minus to plus the largest absolute value; for `entropy`."""
    ranges: dict[tuple[str, float], Ranges] = field(default_factory=dict, compare=False, repr=False)
    """What `find_ranges` found before, so that a search asks once."""

    def sentence(self) -> str:
        """Say for a person on how many samples the ranges rest, and whether more would help."""
        if self.settling is None:
            return f"calibrated on {self.samples:,} samples, too few to see whether the ranges have settled"
        if self.settling.settled:
            return f"the ranges settled after {self.samples:,} calibration samples"
        return (
            f"the ranges have not settled after {self.samples:,} calibration samples: with half of them the error of "
            f"{self.settling.tensor} is {self.settling.cost:.1%} larger; give more with --calibration-samples"
        )
