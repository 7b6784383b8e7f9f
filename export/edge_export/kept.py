"""Folders of measurements that are kept: what their keys must name besides the question, and what has to go."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

MOST_BYTES = 1_000_000_000
"""Of one folder; an export keeps some megabytes, of a network with a thousand classes some hundred."""

MOST_DAYS = 30
"""Since a file was last read or written."""

_DAY = 24 * 3600


@cache
def tools() -> str:
    """Return one text for everything installed that a measurement depends on.

    The sources of this package count themselves, for between two releases its version stays.
    """
    from edge_runtime.session import import_onnxruntime

    sources = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(folder.rglob("*.py")):
        sources.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode() + file.read_bytes())
    names = [f"{name} {version(name)}" for name in ("edge-toolchain", "numpy", "onnx")]
    return ", ".join([*names, f"onnxruntime {import_onnxruntime().__version__}", f"sources {sources.hexdigest()}"])


def touch(file: Path) -> None:
    """Note that a kept file was of use; where that cannot be noted it will go earlier."""
    with suppress(OSError):
        file.touch()


def tidy(folder: Path, most_bytes: int = MOST_BYTES, most_days: float = MOST_DAYS) -> None:
    """Remove what was not used for long, and then what was used longest ago until the rest is small enough.

    What was used last stays, however large.

    Files that other processes remove meanwhile, or that may not be removed, are no error.
    """
    left, oldest = most_bytes, time.time() - most_days * _DAY
    for rank, (used, size, file) in enumerate(sorted(_files(folder), reverse=True)):
        left -= size
        if (left < 0 and rank) or used < oldest:
            with suppress(OSError):
                file.unlink()


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    with suppress(OSError):
        for file in folder.iterdir():
            with suppress(OSError):
                found = file.lstat()
                if file.is_file() and not file.is_symlink():
                    yield found.st_mtime, found.st_size, file
