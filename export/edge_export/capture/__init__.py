"""Sources: whatever `edge export` accepts, brought to an ONNX graph that answers as the source does."""

from pathlib import Path

from edge_export.capture.factory import capture_factory, recognizes_factory
from edge_export.capture.huggingface import capture_huggingface, labels_of_huggingface, recognizes_huggingface
from edge_export.capture.interface import Captured, Source, SourceOptions
from edge_export.capture.named import capture_named, recognizes_named
from edge_export.capture.onnx_file import capture_onnx, recognizes_onnx
from edge_export.capture.run_source import capture_run, recognizes_run
from edge_runtime.errors import InputError

__all__ = ["SOURCES", "Captured", "Source", "SourceOptions", "capture", "labels_of"]

SOURCES: dict[str, Source] = {
    "a run of `edge train`": Source(recognizes_run, capture_run),
    "an .onnx file": Source(recognizes_onnx, capture_onnx),
    "a Hugging Face directory": Source(recognizes_huggingface, capture_huggingface, labels_of_huggingface),
    "timm:NAME or torchvision:NAME": Source(recognizes_named, capture_named),
    "package.module:factory": Source(recognizes_factory, capture_factory),
}
"""What it is, how it is recognized and how it is captured. The first that recognizes a source takes it."""


def capture(source: str, options: SourceOptions = SourceOptions()) -> Captured:  # noqa: B008 - frozen
    """Bring `source` to ONNX.

    Args:
        source: A path or a name, as the user gave it.
        options: What the source does not say itself.

    Raises:
        InputError: nothing recognizes the source, or it cannot be captured.
        RefusedError: the graph does not answer as the source does.
    """
    captured = find_source(source).capture(source, options)
    if captured.preprocessing.kind != "text":
        for name in ("pooling", "max_length", "truncation"):
            if getattr(options, name) is not None:
                raise InputError(f"--{name.replace('_', '-')} is for texts, and {source} takes images")
    return captured


def labels_of(source: str) -> tuple[str, ...]:
    """Return what the source calls its outputs, in their order; nothing where it does not say.

    Raises:
        InputError: nothing recognizes the source, or it cannot be read.
    """
    return find_source(source).labels(source)


def find_source(source: str) -> Source:
    """Return the kind of source that `source` is.

    Raises:
        InputError: nothing recognizes it.
    """
    for member in SOURCES.values():
        if member.recognizes(source):
            return member
    seen = "this is none of them" if Path(source).exists() else "no such file, directory or name is there"
    raise InputError(f"{source}: {seen}; a source is {', '.join(SOURCES)}")
