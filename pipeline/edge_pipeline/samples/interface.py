"""What a source of sample data gives, and what writing it reports."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

INSTALL_SAMPLES = 'pip install "edge-toolchain[samples]"'

Progress = Callable[[int, int], None]
"""Called with items done and items in all."""
Splits = Mapping[str, NDArray[np.int64]]
"""Name of the split to its rows, ascending."""


@dataclass(frozen=True)
class Kept:
    """The items of a source that a sample is made of, and why the others are not."""

    rows: NDArray[np.int64]
    """`(k,)` ascending."""
    duplicates: int
    """Items left out because another one says the same."""
    conflicts: int = 0
    """Items left out because the same content has several labels."""


class Samples(Protocol):
    """All items of a source, in its own order; each form of data is one implementation."""

    @property
    def noun(self) -> str:
        """What the items are called, in the plural."""
        ...

    @property
    def targets(self) -> NDArray[np.int64]:
        """`(n,)` indices into `classes`, by which the split is stratified."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def official_test(self) -> NDArray[np.bool_] | None:
        """`(n,)`: True where the source's own split says test; None where it has no split."""
        ...

    def keep(self) -> Kept:
        """Choose one of each set of equal items, and none where they contradict each other."""
        ...

    def digests(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return `(k, 32)` SHA-256 of the content of `rows`."""
        ...

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `(k,)` numbers from 0 on without gaps; rows of one unit stay in one split."""
        ...

    def write(self, root: Path, splits: Splits, progress: Progress | None) -> str:
        """Write the items below the new folder `root`; return what to train on, relative to it."""
        ...


@dataclass(frozen=True)
class Origin:
    """Where data come from, for the README.txt that is written beside them."""

    text: str
    """What it is, who made it, and in which package it was found."""
    licence: str
    """As the package states it."""


@dataclass(frozen=True)
class Source:
    """One member of the family: real data that come with a package."""

    name: str
    summary: str
    """One line for the command's help."""
    load: Callable[[], Samples]
    """Reads everything into memory; raises `MachineError` with the install line when the package is absent."""
    val: int
    """Items in the validation split."""
    test: int | None
    """Items in the test split; None where the source's own test split is kept."""
    origin: Origin | None = None
    """Written beside the data where it is known."""


@dataclass(frozen=True)
class SampleReport:
    """What `write_sample` wrote."""

    name: str
    directory: Path
    data: Path
    """What to give to `edge train`: the directory, or the file in it."""
    noun: str
    """What the items are: images, texts or sentences."""
    classes: tuple[str, ...]
    counts: dict[str, int]
    """Split name to number of items."""
    duplicates_dropped: int
    """Items left out because the same content is kept elsewhere: equal pixels, or texts that differ in case, white
    space or the form of characters alone. A test image is never the one dropped for a train image."""
    conflicts_dropped: int
    """Items left out because the same content has several labels."""
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-ready dictionary."""
        paths = {"directory": str(self.directory), "data": str(self.data)}
        return asdict(self) | paths | {"classes": list(self.classes)}
