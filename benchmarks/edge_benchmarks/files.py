"""Files that a command writes: refused before minutes are spent, and replaced in one step."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge_runtime.errors import InputError


def check_target(path: Path) -> None:
    """Refuse a name that could not be written.

    Raises:
        InputError: its folder does not exist, or it is a folder itself.
    """
    _check_parent(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")


def _check_parent(path: Path) -> None:
    parent = path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"{path}: the folder {parent} does not exist; create it")


def write_file(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        InputError: the disk refused.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a report's JSON object.

    Raises:
        InputError: the file cannot be read, or holds no JSON object.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a report's JSON file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error}); give a report's JSON file") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no JSON object; give a report's JSON file")
    return document


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `path` when the block ends well, and is gone when it does not.

    Raises:
        InputError: something is at `path` already, or the folder around it is missing or refuses.
    """
    _check_parent(path)
    if os.path.lexists(path):
        raise InputError(f"{path}: is there already; remove it or give another name")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.absolute().parent) as temporary:
            filled = Path(temporary) / "filled"
            filled.mkdir()
            yield filled
            filled.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
