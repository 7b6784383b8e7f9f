"""The package transformers, which is an extra and imported late."""

from typing import Any

from edge_runtime.errors import MachineError

INSTALL_TEXT = 'pip install "edge-toolchain[text]"'


def import_transformers() -> Any:
    """Import transformers.

    Raises:
        MachineError: it is not installed.
    """
    try:
        import transformers  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError(f"texts need transformers, which is missing; run: {INSTALL_TEXT}") from error
    return transformers
