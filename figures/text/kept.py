"""Text runs that figures are measured on, kept beside the checkout: a broken measurement goes on where it stood."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantization.trained import FOLDER


def kept_run(data: Path, preset: str, choices: Mapping[str, Any]) -> Path:
    """Return a run on `data`, trained where it is missing.

    Args:
        data: Opened as it is; its content and the choices name the run.
        preset: Of `edge train`.
        choices: What goes over the preset.
    """
    from edge_pipeline import train
    from edge_pipeline.training.presets import config_from

    config = config_from(preset, choices)
    # Options that are off do not count, so that a new one makes no run anew.
    said = {name: value for name, value in config.to_dict().items() if value not in (None, False)}
    about = json.dumps(said, sort_keys=True).encode() + data.read_bytes()
    home = FOLDER / f"text-{preset}-{hashlib.sha256(about).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    own = home / data.name
    if not own.exists():
        shutil.copyfile(data, own)
    return train(own, home / "run", config, resume=True).run
