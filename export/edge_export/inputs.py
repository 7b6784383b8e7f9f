"""What stands for real inputs where a graph is proven: seeded batches for parity and graph passes, by kind of input."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_export.golden_images import golden_images
from edge_export.golden_texts import golden_texts
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import Preprocessing, TextPreprocessing
from edge_runtime.preprocessing.interface import Preprocessor

Batch = NDArray[Any]
"""Preprocessed inputs: `(n, ...)` float32 pixels, or `(n, length)` int64 token numbers."""

PARITY_BATCHES = (1, 2, 7, 8)
"""Odd, even and single batches: exports that froze or broke the batch axis fail on at least one of them
(pytorch#157621, pytorch#169178)."""

PARITY_LENGTHS = (1, 8, 64)
"""Tokens between the special ones, besides as many as the contract allows."""

PATCH = 16
"""Side of the flat patches of a picture-like probe: flat areas and edges, which noise lacks."""

PICTURE_SPAN = 2.6
"""Largest value of a picture after the usual ImageNet scaling, about (255 / 255 - 0.406) / 0.225."""


class InputKind(NamedTuple):
    """One kind of input."""

    parity: Callable[[Any, int], list[Batch]]
    """From a contract and a seed to the batches on which a graph must give its source's logits."""
    probes: Callable[[Any, int], list[Batch]]
    """From a contract and a seed to the batches on which a graph pass must keep every logit."""
    golden: Callable[[int], dict[str, bytes]]
    """From a seed to the golden inputs: path in the bundle to the file's bytes."""


def noise_batches(shape: Sequence[int], seed: int = 0, *, pixels: bool = False) -> list[Batch]:
    """Draw a batch of each of the `PARITY_BATCHES` sizes.

    Args:
        shape: Shape of one input, without the batch axis.
        seed: Of the noise.
        pixels: Integers from 0 to 255, for a source that takes bytes, instead of normal noise.
    """
    generator = np.random.default_rng(seed)
    if pixels:
        return [generator.integers(0, 256, (size, *shape)).astype(np.float32) for size in PARITY_BATCHES]
    return [generator.standard_normal((size, *shape), dtype=np.float32) for size in PARITY_BATCHES]


def picture_probes(shape: Sequence[int], seed: int = 0) -> list[Batch]:
    """Return a batch of two noise inputs and one picture-like input."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((2, *shape), dtype=np.float32)
    picture = generator.uniform(-PICTURE_SPAN, PICTURE_SPAN, (1, *shape)).astype(np.float32)
    for axis in range(2, picture.ndim):
        picture = picture.take(np.arange(picture.shape[axis]) // PATCH, axis=axis)
    return [noise, picture]


def token_batches(contract: TextPreprocessing, seed: int = 0) -> list[Batch]:
    """Draw a batch of each of the `PARITY_BATCHES` sizes at each length; all rows but the first are padded."""
    generator = np.random.default_rng(seed)
    lengths = sorted({min(length, contract.max_length) for length in (*PARITY_LENGTHS, contract.max_length)})
    return [_tokens(generator, contract, size, length) for size in PARITY_BATCHES for length in lengths]


def token_probes(contract: TextPreprocessing, seed: int = 0) -> list[Batch]:
    """Draw a padded batch of three rows and a single one."""
    generator = np.random.default_rng(seed)
    length = min(24, contract.max_length)
    return [_tokens(generator, contract, 3, length), _tokens(generator, contract, 1, length)]


def _tokens(generator: np.random.Generator, contract: TextPreprocessing, size: int, length: int) -> Batch:
    used = np.concatenate([np.arange(contract.pad_id), np.arange(contract.pad_id + 1, contract.vocabulary)])
    batch = used[generator.integers(0, len(used), (size, length))].astype(np.int64)
    for row in batch[1:]:
        row[int(generator.integers(1, length + 1)) :] = contract.pad_id
    return batch


INPUTS: Mapping[str, InputKind] = {
    "image": InputKind(
        lambda contract, seed: noise_batches(contract.tensor_shape, seed),
        lambda contract, seed: picture_probes(contract.tensor_shape, seed),
        golden_images,
    ),
    "text": InputKind(token_batches, token_probes, golden_texts),
}
"""Kind of a preprocessing contract to what stands for its inputs."""


def model_rows(preprocess: Preprocessor, tensors: Iterable[Batch]) -> list[Batch]:
    """Return what the model sees of single inputs: their tensors, and of longer texts windows of them."""
    return [row for tensor in tensors for row in preprocess.rows(tensor)]


def typical_inputs(tensors: Sequence[Batch], shares: Sequence[float] = (0.5,)) -> list[Batch]:
    """Return inputs whose time stands for all: for texts one at each share of the sorted lengths, else the first.

    Args:
        tensors: Preprocessed single inputs, without the batch axis.
        shares: Such as 0.5 for the length that half of them have at most.
    """
    lengths = np.array([tensor.shape[-1] for tensor in tensors])
    if lengths.min() == lengths.max():
        return [tensors[0][np.newaxis]]
    order = np.argsort(lengths, kind="stable")
    return [tensors[order[round(share * (len(order) - 1))]][np.newaxis] for share in shares]


def parity_batches(contract: Preprocessing, seed: int = 0) -> list[Batch]:
    """Return the batches on which a graph of this contract must give its source's logits."""
    return INPUTS[contract.kind].parity(contract, seed)


def pass_probes(contract: Preprocessing, seed: int = 0) -> list[Batch]:
    """Return the batches on which a graph pass must keep every logit."""
    return INPUTS[contract.kind].probes(contract, seed)


def golden_inputs(contract: Preprocessing, preprocess: Preprocessor, seed: int = 0) -> dict[str, bytes]:
    """Return the golden inputs that the contract does not refuse: path in the bundle to the file's bytes."""
    return {path: data for path, data in INPUTS[contract.kind].golden(seed).items() if _taken(data, preprocess)}


def _taken(data: bytes, preprocess: Preprocessor) -> bool:
    try:
        preprocess(data)
    except InputError:
        return False
    return True
