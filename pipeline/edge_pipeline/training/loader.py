"""Images from disk to batches: the order is a function of seed and epoch, and no image outlives its batch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge_benchmarks.accuracy import Span
from edge_export.sessions import Reader
from edge_pipeline.training.augment import Augmentation, item_seed
from edge_runtime.cpus import available_cpus
from edge_runtime.errors import EdgeError, InputError
from edge_runtime.image import region_box
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    from torch import Tensor

    from edge_runtime.image import ImagePreprocessor

Label = int | tuple[int, ...] | tuple[Span, ...]


@dataclass(frozen=True)
class Items:
    """The items of a split: paths of images or texts, and labels; never images."""

    inputs: tuple[str, ...]
    labels: tuple[Label, ...]

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.inputs)

    def targets(self, classes: int, multilabel: bool) -> "Tensor":
        """Return `(n,)` int64 class numbers, or `(n, classes)` float32 zeros and ones for multilabel data."""
        import torch

        if not multilabel:
            return torch.tensor(self.labels, dtype=torch.int64)
        hot = torch.zeros(len(self), classes)
        for row, label in enumerate(self.labels):
            chosen = (label,) if isinstance(label, int) else label
            hot[row, [one for one in chosen if isinstance(one, int)]] = 1.0
        return hot


def items_of(split: Iterable[tuple[Path | str, Label]]) -> Items:
    """Read a split's inputs and labels."""
    pairs = [(str(path), label) for path, label in split]
    return Items(tuple(path for path, _ in pairs), tuple(label for _, label in pairs))


class Batches(Protocol):
    """Where the loop gets its inputs from: images, texts, or a frozen trunk's stored features."""

    lengths: Sequence[int] | None
    """Of each item, where they differ and a batch is padded to its longest."""
    in_windows: Reader | None
    """How batches are answered whose items may be longer than the model; None where none is."""

    def __len__(self) -> int:
        """Return the number of items."""
        ...

    def read(self, batches: Sequence[Sequence[int]], epoch: int | None) -> "Iterator[Tensor]":
        """Yield the inputs of each batch of item numbers; `epoch` seeds augmentation, None is evaluation."""
        ...


@dataclass(frozen=True)
class Share:
    """Which process of how many this is."""

    index: int = 0
    count: int = 1


ALONE = Share()

MIXED = 16
"""Batches whose items are sorted by length together: little padding, and still another company in every epoch."""


def training_batches(
    n: int, batch_size: int, seed: int, epoch: int, share: Share = ALONE, *, lengths: Sequence[int] | None = None
) -> list[list[int]]:
    """Return this process's part of each batch of an epoch.

    The order is a function of `seed` and `epoch`; a last batch that would be short is left out, for a batch
    normalization over few items would disturb its statistics. Where items differ in length, those of like length share
    a batch: the order within `MIXED` batches is by length, and the batches themselves come in random order.
    """
    import torch

    size = min(n, batch_size)
    if size % share.count:
        raise InputError(f"--batch-size {size}: {share.count} processes cannot share it evenly; give a multiple")
    generator = torch.Generator().manual_seed(item_seed(seed, epoch))
    order = torch.randperm(n, generator=generator).tolist()
    if lengths is not None:
        span = size * MIXED
        parts = [sorted(order[start : start + span], key=lengths.__getitem__) for start in range(0, n, span)]
        order = [index for part in parts for index in part]
    batches = [order[start : start + size] for start in range(0, n - size + 1, size)]
    if lengths is not None:
        batches = [batches[at] for at in torch.randperm(len(batches), generator=generator).tolist()]
    return [batch[share.index :: share.count] for batch in batches]


def evaluation_batches(n: int, batch_size: int, share: Share = ALONE) -> list[list[int]]:
    """Return this process's part of all items, in order: a contiguous range, in batches."""
    first, last = n * share.index // share.count, n * (share.index + 1) // share.count
    return [list(range(start, min(start + batch_size, last))) for start in range(first, last, batch_size)]


class ImageBatches:
    """Reads, augments and preprocesses images through the runtime's one implementation."""

    lengths: Sequence[int] | None = None
    in_windows: Reader | None = None

    def __init__(
        self,
        items: Items,
        contract: ImagePreprocessing,
        *,
        training_contract: ImagePreprocessing | None = None,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        workers: int | None = None,
    ) -> None:
        self._items = items
        self._reader = _Reader(
            items.inputs, contract, _training(training_contract or contract, augmentation), augmentation, seed
        )
        self._workers = default_workers() if workers is None else workers

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def read(self, batches: Sequence[Sequence[int]], epoch: int | None) -> "Iterator[Tensor]":
        """Yield `(n, 3, h, w)` float32 batches."""
        from torch.utils.data import DataLoader, Dataset

        keys = [[(epoch, index) for index in batch] for batch in batches]
        # The reader has the two methods that a map-style data set needs; it is no subclass, so that this module
        # is imported without torch.
        reader: Dataset[Tensor] = self._reader  # type: ignore[assignment]
        loader: DataLoader[Tensor] = DataLoader(reader, batch_sampler=keys, num_workers=self._workers)
        try:
            yield from loader
        except EdgeError as error:
            # A worker's error arrives with its traceback; the last line is the error.
            text = str(error).strip().splitlines()[-1]
            raise type(error)(text.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")) from error


def _training(contract: ImagePreprocessing, augmentation: Augmentation | None) -> ImagePreprocessing:
    """Return the contract of a training image, whose region is cut out before the augmentation."""
    return replace(augmentation.contract(contract) if augmentation else contract, region=None)


class _Reader:
    """A map-style data set whose keys are (epoch, index), so that workers need no state."""

    def __init__(
        self,
        paths: tuple[str, ...],
        evaluation: ImagePreprocessing,
        training: ImagePreprocessing,
        augmentation: Augmentation | None,
        seed: int,
    ) -> None:
        self._paths = paths
        self._evaluation = evaluation
        self._training = training
        self._augmentation = augmentation
        self._seed = seed

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, key: tuple[int | None, int]) -> "Tensor":
        import torch

        epoch, index = key
        image = _preprocessor(self._evaluation).decode(Path(self._paths[index]))
        if epoch is None:
            return torch.from_numpy(_preprocessor(self._evaluation).preprocess(image))
        left, top, right, bottom = region_box(image.shape[1], image.shape[0], self._evaluation)
        image = image[top:bottom, left:right]
        if self._augmentation is not None:
            image = self._augmentation.apply(image, item_seed(self._seed, epoch, index))
        return torch.from_numpy(_preprocessor(self._training).preprocess(image))


@cache
def _preprocessor(contract: ImagePreprocessing) -> "ImagePreprocessor":
    """Make a contract's tables once in each process."""
    from edge_runtime.image import ImagePreprocessor

    return ImagePreprocessor(contract)


def default_workers() -> int:
    """Return how many reading processes suit this machine: none where they would fight the network for two cores."""
    cores = available_cpus()
    return 0 if cores <= 2 else min(8, cores // 2)
