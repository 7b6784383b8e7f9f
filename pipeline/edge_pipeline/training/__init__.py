"""Fine-tune a network on labelled images: `train(data, run, TrainConfig(...))`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_pipeline.training.config import TrainConfig
    from edge_pipeline.training.presets import PRESETS, config_from
    from edge_pipeline.training.progress import ConsoleProgress, TrainProgress
    from edge_pipeline.training.session import TrainResult, train

__all__ = ["PRESETS", "ConsoleProgress", "TrainConfig", "TrainProgress", "TrainResult", "config_from", "train"]

_HOMES = {
    "PRESETS": "presets",
    "ConsoleProgress": "progress",
    "TrainConfig": "config",
    "TrainProgress": "progress",
    "TrainResult": "session",
    "config_from": "presets",
    "train": "session",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, since the training itself needs torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
