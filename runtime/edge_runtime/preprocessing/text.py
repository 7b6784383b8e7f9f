"""The contract of texts: which tokenizer, how long, and what becomes of what is longer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal, TypeAlias

from edge_runtime._reading import is_sha256, require
from edge_runtime._values import dataclass

MIN_TOKENS, MAX_TOKENS = 4, 1 << 16
"""Bounds of `max_length`: room for a token beside the special ones, and not all memory for a corrupt contract."""
MAX_VOCABULARY = 1 << 24
Truncation: TypeAlias = Literal["end", "window", "error"]


@dataclass(frozen=True)
class TextPreprocessing:
    """From a text to `(length,)` int64 token numbers, special tokens included.

    The tokenizer's file says how text becomes tokens. A batch is padded on the right with `pad_id` to its own longest
    row; the model's graph takes every `pad_id` for padding.
    """

    tokenizer_sha256: str
    """Of the tokenizer's file, so that the contract settles every token."""
    vocabulary: int
    """Token numbers go from 0 to one less than this."""
    pad_id: int
    max_length: int
    """Most tokens that the model reads at once, special ones included."""
    truncation: Truncation = "end"
    """What becomes of a longer text: `end` cuts its end off, `window` reads it in windows, `error` refuses it."""
    tokenizer: str = "tokenizer.json"
    """Path in the bundle of the file, in the form of Hugging Face's tokenizers."""
    kind: Literal["text"] = "text"

    @property
    def tensor_shape(self) -> tuple[str]:
        """Shape of one input of the model, without the batch axis: its length is free."""
        return ("length",)

    @property
    def longest(self) -> int:
        """Most tokens of a text that is not refused, once it is cut."""
        return MAX_TOKENS if self.truncation == "window" else self.max_length

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as a JSON-ready dictionary."""
        return asdict(self)


def check_text(contract: TextPreprocessing) -> None:
    """Check what types cannot say.

    Raises:
        SchemaError: with the field's dotted name and the value.
    """
    digest = contract.tokenizer_sha256
    require(is_sha256(digest), "preprocessing.tokenizer_sha256", digest, "64 hexadecimal digits")
    for name, low, high in (
        ("vocabulary", 1, MAX_VOCABULARY),
        ("pad_id", 0, contract.vocabulary - 1),
        ("max_length", MIN_TOKENS, MAX_TOKENS),
    ):
        value = getattr(contract, name)
        require(low <= value <= high, f"preprocessing.{name}", value, f"{low} to {high}")
