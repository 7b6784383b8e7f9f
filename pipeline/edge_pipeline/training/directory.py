"""The run directory while a training is under way: whose it is, and what a resume may do."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_export.run import is_run
from edge_pipeline.training.checkpoint import CHECKPOINT_FILE
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.presets import PRESETS, config_from
from edge_runtime.errors import InputError

CONFIG_FILE = "config.json"
FEATURES_FOLDER = "features"
ADAPTERS_FOLDER = "adapters"


def prepare_directory(directory: Path, config: TrainConfig, *, resume: bool) -> None:
    """Make the run directory, or check that this training may go on in it.

    Raises:
        InputError: it holds something and `resume` was not asked for, or holds another training than this one.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: a file; give a directory to write the run to")
    entries = {entry.name for entry in directory.iterdir()} if directory.exists() else set()
    # A configuration alone is a training that failed before its first step, over a misspelt option for instance.
    if not resume and any(name != CONFIG_FILE and not name.endswith(".tmp") for name in entries):
        raise InputError(f"{directory}: not empty; pass --resume to go on with the training in it, or another path")
    if resume and entries:
        changed = stored_config(directory).differences(config)
        if changed:
            raise InputError(
                f"{directory}: --resume goes on as before, but {'; '.join(changed)}; train into a new directory"
            )
        return
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / (CONFIG_FILE + ".tmp")
    temporary.write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
    temporary.replace(directory / CONFIG_FILE)


def stored_config(directory: Path) -> TrainConfig:
    """Return the configuration that the training in `directory` was started with.

    Raises:
        InputError: there is no training there, or another version of edge began it.
    """
    file = directory / CONFIG_FILE
    try:
        return TrainConfig(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(f"{directory}: no {CONFIG_FILE}, so no training to resume; leave --resume out") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{file}: cannot be read ({error}); train into a new directory") from error


def resumed_config(directory: str, preset: str | None, overrides: Mapping[str, Any]) -> TrainConfig:
    """Return the stored configuration, with what the user says again now, so that a difference is noticed.

    Raises:
        InputError: there is no training in `directory`.
    """
    stored = stored_config(Path(directory))
    again = config_from(preset, overrides)
    said = {*(PRESETS[preset] if preset else ()), *overrides}
    return replace(stored, **{name: getattr(again, name) for name in said})


def remove_leftovers(directory: Path) -> None:
    """Remove what only an unfinished training needs, once the run is finished."""
    assert is_run(directory)
    shutil.rmtree(directory / FEATURES_FOLDER, ignore_errors=True)
    for pattern in (CHECKPOINT_FILE, "best-*.safetensors", "*.tmp"):
        for file in directory.glob(pattern):
            file.unlink()
