"""The toolchain from Python: `write_sample`, `train`, `export`, `evaluate`, `bench`, `load`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_benchmarks.bench.run import bench
    from edge_pipeline.evaluation import evaluate
    from edge_pipeline.exporting import export
    from edge_pipeline.samples import write_sample
    from edge_pipeline.training import train
    from edge_runtime import load

__all__ = ["bench", "evaluate", "export", "load", "train", "write_sample"]

_HOMES = {
    "bench": "edge_benchmarks.bench.run",
    "evaluate": "edge_pipeline.evaluation",
    "export": "edge_pipeline.exporting",
    "load": "edge_runtime",
    "train": "edge_pipeline.training",
    "write_sample": "edge_pipeline.samples",
}


def __getattr__(name: str) -> Any:
    """Import a function when it is first used: torch takes seconds, and `edge --help` must not wait for it."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
