"""What things take on disk: files, bundles, and the runtime as it is installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path

from edge_runtime.errors import InputError

RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-qnn")
"""Distributions of ONNX Runtime; one of them is installed."""

INPUT_PACKAGES = {"image": "pillow", "text": "tokenizers", "token": "tokenizers"}
"""First word of a task to the distribution that its inputs need."""

_SKIPPED = (".pyc",)


def file_bytes(path: Path) -> int:
    """Return the size of a file, or of all files of a directory."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def runtime_bytes(kinds: Iterable[str] = ("image",)) -> dict[str, int]:
    """Return what each package of the installed runtime takes: edge-runtime, numpy, ONNX Runtime, and the input's.

    Compiled Python files are left out: they come and go.

    Args:
        kinds: Of the models' inputs, as `INPUT_PACKAGES` names them.
    """
    wanted = (
        "edge-runtime",
        "numpy",
        *RUNTIMES,
        *(INPUT_PACKAGES[kind] for kind in sorted(kinds) if kind in INPUT_PACKAGES),
    )
    return {name: size for name in wanted if (size := _installed_bytes(name)) is not None}


def _installed_bytes(name: str) -> int | None:
    """Return what a distribution takes; None where it is not installed."""
    try:
        files = metadata.distribution(name).files or []
    except metadata.PackageNotFoundError:
        return None
    found = sum(_size(Path(str(file.locate()))) for file in files if file.suffix not in _SKIPPED)
    # An editable install lists a pointer to the sources instead of the package.
    has_code = any(file.suffix == ".py" and len(file.parts) > 1 for file in files)
    return found if has_code else found + _package_bytes(name.replace("-", "_"))


def _package_bytes(package: str) -> int:
    try:
        folder = Path(str(import_module(package).__file__)).parent
    except ImportError as error:
        raise InputError(f"{package}: installed, but cannot be imported ({error}); install it again") from error
    files = [file for file in folder.rglob("*") if file.suffix not in _SKIPPED]
    return sum(_size(file) for file in files if not any(part[0] == "." for part in file.relative_to(folder).parts))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
