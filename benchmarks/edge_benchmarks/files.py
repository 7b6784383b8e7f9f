"""Files that a command writes: refused before minutes are spent, and replaced in one step."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.errors import InputError


def check_target(path: Path) -> None:
    """Refuse a name that could not be written.

    Raises:
        InputError: its folder does not exist, or it is a folder itself.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"{path}: the folder {parent} does not exist; create it")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")


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
