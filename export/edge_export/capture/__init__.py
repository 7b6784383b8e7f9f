"""Sources: whatever `edge export` accepts, brought to an ONNX graph that answers as the source does."""

from collections.abc import Callable
from pathlib import Path

from edge_export.capture.interface import Captured
from edge_export.capture.run_source import capture_run
from edge_export.run import is_run
from edge_runtime.errors import InputError

__all__ = ["SOURCES", "Captured", "capture"]

SOURCES: dict[str, tuple[Callable[[Path], bool], Callable[[Path], Captured]]] = {
    "run": (is_run, capture_run),
}
"""Kind of source: how it is recognized, and how it is captured. The first that recognizes a path takes it."""


def capture(source: Path) -> Captured:
    """Bring `source` to ONNX.

    Raises:
        InputError: nothing recognizes the source, or it cannot be captured.
        RefusedError: the graph does not answer as the source does.
    """
    for recognizes, member in SOURCES.values():
        if recognizes(source):
            return member(source)
    seen = "does not exist" if not source.exists() else "is not one"
    raise InputError(f"{source}: a source is the directory that `edge train` wrote, and this {seen}")
