"""What a source of sample images gives, and what writing it reports."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTALL_SAMPLES = 'pip install "edge-toolchain[samples]"'


@dataclass(frozen=True)
class LabelledImages:
    """All images of a source, in its own order; the order names the files."""

    pixels: NDArray[np.uint8]
    """`(n, height, width)` grayscale."""
    targets: NDArray[np.int64]
    """`(n,)` indices into `classes`."""
    classes: tuple[str, ...]
    """Names of the class folders."""
    official_test: NDArray[np.bool_] | None = None
    """`(n,)`: True where the source's own split says test; None where it has no split."""


@dataclass(frozen=True)
class Source:
    """One member of the family: real images that come with a package."""

    name: str
    summary: str
    """One line for the command's help."""
    load: Callable[[], LabelledImages]
    """Reads everything into memory; raises `MachineError` with the install line when the package is absent."""
    val: int
    """Images in the validation split."""
    test: int | None
    """Images in the test split; None where the source's own test split is kept."""


@dataclass(frozen=True)
class SampleReport:
    """What `write_sample` wrote."""

    name: str
    directory: Path
    classes: tuple[str, ...]
    counts: dict[str, int]
    """Split name to number of images."""
    duplicates_dropped: int
    """Images left out because the same pixels are kept elsewhere; a test image is never the one dropped for a train
    image."""
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-ready dictionary."""
        return asdict(self) | {"directory": str(self.directory), "classes": list(self.classes)}
