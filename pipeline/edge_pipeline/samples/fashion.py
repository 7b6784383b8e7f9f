"""Fashion-MNIST: 70,000 photos of clothes, 28x28 pixels, from Debian's package of it, with the official test split."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.samples.images import LabelledImages
from edge_pipeline.samples.interface import Source
from edge_runtime.errors import MachineError

DIRECTORY = Path("/usr/share/datasets/fashion-mnist")
"""Where the Debian package dataset-fashion-mnist puts its IDX files."""
INSTALL = "apt-get install dataset-fashion-mnist"

CLASSES = (
    "T-shirt_top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle_boot",
)
"""The data set's own names in the order of its label numbers, fit to be folder names."""


def load() -> LabelledImages:
    """Read all images, train first, then the official test split.

    Raises:
        MachineError: the Debian package is not installed, or its files are damaged.
    """
    pixels = [_read_idx(f"{part}-images-idx3-ubyte.gz", dimensions=3) for part in ("train", "t10k")]
    targets = [_read_idx(f"{part}-labels-idx1-ubyte.gz", dimensions=1) for part in ("train", "t10k")]
    official_test = np.repeat([False, True], [len(part) for part in pixels])
    return LabelledImages(
        np.concatenate(pixels), np.concatenate(targets).astype(np.int64), CLASSES, official_test=official_test
    )


def _read_idx(name: str, *, dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file: two zero bytes, type 8 (unsigned byte), the rank, big-endian uint32 sizes, then the bytes."""
    file = DIRECTORY / name
    try:
        data = gzip.decompress(file.read_bytes())
    except FileNotFoundError as error:
        raise MachineError(f"fashion: {file} is missing; run `{INSTALL}` (Debian, Ubuntu)") from error
    except (OSError, EOFError) as error:
        raise MachineError(f"fashion: {file} cannot be read ({error}); run `{INSTALL} --reinstall`") from error
    header = 4 + 4 * dimensions
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", dimensions, offset=4)) if len(data) >= header else ()
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) != header + int(np.prod(shape)):
        raise MachineError(f"fashion: {file} is not the IDX file it should be; run `{INSTALL} --reinstall`")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


SOURCE = Source(
    "fashion",
    "70,000 photos of clothes, 28x28 pixels, official test split (Debian's dataset-fashion-mnist)",
    load,
    val=5000,
    test=None,
)
