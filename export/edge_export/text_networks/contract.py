"""What a text encoder takes: token numbers by its own tokenizer, and how many of them."""

import hashlib
from collections.abc import Mapping
from typing import Any

from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing, Truncation

DEFAULT_LENGTH = 128
"""Tokens of a text that count where nobody says otherwise: most messages are shorter, and time grows with them."""


LONGER: Mapping[Truncation, str] = {"end": "are cut", "window": "are read in windows", "error": "are refused"}
"""What becomes of longer texts, in words."""


def text_contract(
    name: str, tokenizer: Any, config: Any, max_length: int | None, truncation: Truncation | None = None
) -> tuple[TextPreprocessing, bytes]:
    """Return the contract of an encoder's inputs, and its tokenizer's file.

    Args:
        name: What errors call it.
        tokenizer: transformers' own.
        config: transformers' configuration of the encoder.
        max_length: Most tokens at once; None for the smaller of `DEFAULT_LENGTH` and what the encoder takes.
        truncation: What becomes of longer texts; None for `end`.

    Raises:
        InputError: the tokenizer cannot go to a device or does not fit the model, or the encoder takes fewer tokens.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise InputError(f"{name}: its tokenizer has no tokenizer.json, which devices need; choose another model")
    if tokenizer.pad_token_id is None:
        raise InputError(f"{name}: its tokenizer has no padding token; choose an encoder such as BERT")
    backend.no_padding()
    backend.no_truncation()
    content = backend.to_str().encode()
    vocabulary = int(config.vocab_size)
    largest = max(backend.get_vocab(with_added_tokens=True).values())
    if largest >= vocabulary:
        raise InputError(
            f"{name}: the tokenizer knows token {largest:,}, the model {vocabulary:,} of them; they do not fit"
        )
    most = _longest(tokenizer, config)
    if max_length is not None and max_length > most:
        raise InputError(f"--max-length {max_length}: {name} takes at most {most} tokens")
    length = max_length or min(DEFAULT_LENGTH, most)
    digest = hashlib.sha256(content).hexdigest()
    return TextPreprocessing(digest, vocabulary, int(tokenizer.pad_token_id), length, truncation or "end"), content


def _longest(tokenizer: Any, config: Any) -> int:
    """Return how many tokens the encoder takes; RoBERTa's positions begin after the padding's."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 1 << 16)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(min(tokenizer.model_max_length, 1 << 16)))
