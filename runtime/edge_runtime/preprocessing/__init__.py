"""The preprocessing contract: everything between an input and the model's tensor, as one JSON document.

The contract is data. `make_preprocessor` gives what executes it, and nothing else does: training, calibration,
evaluation, the benchmark and the device all call that one implementation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from edge_runtime._reading import read_dataclass, require
from edge_runtime.preprocessing.image import (
    MAX_DRAFT,
    MAX_NUMBER,
    MAX_SIDE,
    ImagePreprocessing,
    Kernel,
    Region,
    Resize,
    SizeRule,
    check_image,
)
from edge_runtime.preprocessing.text import MAX_TOKENS, TextPreprocessing, Truncation, check_text

if TYPE_CHECKING:
    from edge_runtime.preprocessing.interface import Preprocessor

__all__ = [
    "MAX_DRAFT",
    "MAX_NUMBER",
    "MAX_SIDE",
    "MAX_TOKENS",
    "ImagePreprocessing",
    "Kernel",
    "Preprocessing",
    "Region",
    "Resize",
    "SizeRule",
    "TextPreprocessing",
    "Truncation",
    "check_preprocessing",
    "make_preprocessor",
    "preprocessing_from_dict",
]

Preprocessing: TypeAlias = ImagePreprocessing | TextPreprocessing
"""A contract; its `kind` tells which."""

_CONTRACTS: dict[str, tuple[Any, Callable[[Any], None]]] = {
    "image": (ImagePreprocessing, check_image),
    "text": (TextPreprocessing, check_text),
}
"""Kind of input to its contract and to the check of what types cannot say."""


def preprocessing_from_dict(document: object) -> Preprocessing:
    """Check a contract read from JSON and return it.

    Raises:
        SchemaError: a field is missing, unknown, of the wrong type or out of range.
    """
    kind = document.get("kind") if isinstance(document, dict) else None
    require(isinstance(kind, str) and kind in _CONTRACTS, "preprocessing.kind", kind, f"one of {', '.join(_CONTRACTS)}")
    contract: Preprocessing = read_dataclass(_CONTRACTS[str(kind)][0], document, "preprocessing")
    check_preprocessing(contract)
    return contract


def check_preprocessing(contract: Preprocessing) -> None:
    """Check what types cannot say.

    Raises:
        SchemaError: with the field's dotted name and the value.
    """
    _CONTRACTS[contract.kind][1](contract)


def make_preprocessor(contract: Preprocessing, read: Callable[[str], bytes]) -> Preprocessor:
    """Return what executes a contract.

    Args:
        contract: What to do.
        read: Gives the bytes of a file of the bundle by its path, such as a tokenizer's.

    Raises:
        MachineError: a package that this kind of input needs is missing.
        BundleError: a file that the contract names cannot be used.
    """
    if isinstance(contract, TextPreprocessing):
        from edge_runtime.text import TextPreprocessor

        return TextPreprocessor(contract, read(contract.tokenizer))
    from edge_runtime.image import ImagePreprocessor

    return ImagePreprocessor(contract)
