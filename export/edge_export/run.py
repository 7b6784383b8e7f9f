"""The run directory: what `edge train` writes and `edge export` reads."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge_runtime.errors import InputError, SchemaError
from edge_runtime.manifest import Task
from edge_runtime.preprocessing import Preprocessing, preprocessing_from_dict

RUN_SCHEMA = 1
RUN_FILE = "run.json"
WEIGHTS_FILE = "weights.safetensors"
TOKENIZER_FILE = "tokenizer.json"
"""Beside the weights of a run on texts; the preprocessing contract has its SHA-256."""


@dataclass(frozen=True)
class DataReference:
    """Where the data lies and what it was, so that an export finds it and notices a change."""

    path: str
    """Absolute path that `edge train` was given."""
    fingerprints: dict[str, str]
    """Split name to the SHA-256 over its items' content and labels."""
    options: dict[str, Any] = field(default_factory=dict)
    """How it was opened: group pattern, seed, and so on; arguments of `edge_pipeline.data.open_dataset`."""
    scrubbed: dict[str, Any] | None = None
    """What `edge scrub` did to it, without any value; None where it did not, or where the data have changed since."""


@dataclass(frozen=True)
class Run:
    """A finished training: everything an export needs but the weights, which stand beside it."""

    architecture: str
    """A name of `edge_export.architectures`, such as `tf_efficientnet_lite0`, or a class of transformers."""
    labels: tuple[str, ...]
    task: Task
    preprocessing: Preprocessing
    data: DataReference
    config: dict[str, Any]
    """The training's configuration as the user gave it, with the seed."""
    metrics: dict[str, Any]
    """The best epoch's validation metrics and the test metrics."""
    weights_source: dict[str, Any]
    """Where the initial weights came from: kind, name, SHA-256, licence."""
    weights_sha256: str
    """Of `weights.safetensors`."""
    network: dict[str, Any] = field(default_factory=dict)
    """Of a text encoder transformers' configuration and the head's fields; empty for images, whose name says all."""
    schema: int = RUN_SCHEMA


def write_run(directory: Path, run: Run) -> None:
    """Write `run.json`; the weights must already be in `directory`."""
    document = asdict(run) | {"preprocessing": run.preprocessing.to_dict()}
    temporary = directory / (RUN_FILE + ".tmp")
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(directory / RUN_FILE)


def is_run(path: Path) -> bool:
    """Tell whether `path` is a run directory."""
    return (path / RUN_FILE).is_file()


def read_run(directory: Path) -> Run:
    """Read a run.

    Raises:
        InputError: the directory is not a finished run, or was written by another schema.
    """
    file = directory / RUN_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        schema = document["schema"]
        if schema != RUN_SCHEMA:
            raise InputError(
                f"{file}: run schema {schema}, this edge reads {RUN_SCHEMA}; train again or change the edge version"
            )
        document["preprocessing"] = preprocessing_from_dict(document["preprocessing"])
        document["data"] = DataReference(**document["data"])
        document["labels"] = tuple(document["labels"])
        run = Run(**document)
        _check_types(run)
        return run
    except FileNotFoundError as error:
        raise InputError(
            f"{directory}: no {RUN_FILE}, so not a finished run; give the directory that `edge train` wrote"
        ) from error
    except (ValueError, TypeError, KeyError, SchemaError) as error:
        raise InputError(f"{file}: cannot be read as a run ({error}); train again") from error


def _check_types(run: Run) -> None:
    texts = (run.architecture, run.task, run.weights_sha256, run.data.path, *run.labels)
    objects = (run.config, run.network, run.metrics, run.weights_source, run.data.fingerprints, run.data.options)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(one, dict) for one in objects):
        raise TypeError("a field is of another type than edge train writes")
