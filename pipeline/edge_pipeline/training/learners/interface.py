"""What a training asks of what is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edge_pipeline.data import Dataset
from edge_pipeline.models.weights import WeightsSource
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.loader import Batches, Items
from edge_pipeline.training.progress import TrainProgress
from edge_pipeline.training.rank_budget import Regimen
from edge_runtime.manifest import Task
from edge_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Setting:
    """Where a training happens."""

    accelerator: Any
    dataset: Dataset
    items: Mapping[str, Items]
    """Split to its inputs and labels."""
    directory: Path
    """The run."""
    config: TrainConfig
    tell: TrainProgress


class Learner(Protocol):
    """A network for one kind of input, on its way from initial weights to a run."""

    architecture: str
    """As the run names it."""
    task: Task
    contract: Preprocessing
    weights: WeightsSource
    network: dict[str, Any]
    """What the run says of the network besides its name."""
    trained: "nn.Module"
    """What the loop trains: all of the network, or its unfrozen tail."""
    regimen: Regimen | None
    """What the loop does in each step besides."""

    def inputs(self) -> dict[str, Batches]:
        """Return what the loop sees of `train` and `val`."""
        ...

    def targets(self, split: str) -> "Tensor":
        """Return `(n,)` int64 class numbers, `(n, classes)` float32 zeros and ones for multilabel data, or for tags
        `(n, columns)` int64, with `IGNORED` where a token decides nothing."""
        ...

    def test_inputs(self) -> Batches:
        """Return the whole network's inputs of `test`."""
        ...

    def finished(self) -> "nn.Module":
        """Return the whole network after training, as it is exported."""
        ...

    def quick(self) -> "nn.Module":
        """Return the finished network in the form that answers quickest."""
        ...

    def save(self) -> None:
        """Write beside the weights what a run on this kind of input holds besides."""
        ...

    def shown(self, split: str) -> Sequence[Path | str]:
        """Return the items of a split as a report shows them: files of images, or texts."""
        ...

    def words(self, text: str) -> Sequence[tuple[int, int]]:
        """Return the characters of a text's words that have a tag, from and to."""
        ...
