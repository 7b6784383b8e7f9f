"""Write a bundle so that its path holds the old one or the new one, never half."""

import glob
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edge_runtime.bundle import canonical_archive, content_id
from edge_runtime.errors import InputError
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, Manifest, file_entry, manifest_from_json, manifest_to_json

ARCHIVE_SUFFIX = ".edge"
LEFTOVER_SECONDS = 24 * 3600


def seal(manifest: Manifest, files: Mapping[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
    """Enter `files` in the manifest, compute its `content_id`, and add the manifest and its digest.

    Returns:
        The completed manifest, and every file of the bundle by path.
    """
    entries = tuple(file_entry(path, content) for path, content in sorted(files.items()))
    listed = replace(manifest, files=entries, content_id="sha256:" + "0" * 64)
    # As a reader will see it: an integer that was given for a number is a float there, and has another text.
    listed = manifest_from_json(manifest_to_json(listed))
    sealed = replace(listed, content_id=content_id(listed))
    document = manifest_to_json(sealed)
    digest = hashlib.sha256(document).hexdigest() + "\n"
    return sealed, {MANIFEST_NAME: document, DIGEST_NAME: digest.encode(), **files}


def check_target(out: Path) -> None:
    """Refuse a target that could not be written in one step, before any work is done.

    Raises:
        InputError: the parent is missing or not writable, or the target is a directory already.
    """
    parent = out.absolute().parent
    if not parent.is_dir():
        raise InputError(f"-o {out}: the folder {parent} does not exist; create it")
    if not os.access(parent, os.W_OK):
        raise InputError(f"-o {out}: no permission to write in {parent}; choose another folder")
    if out.is_dir():
        raise InputError(
            f"-o {out}: is a directory already, and a directory cannot be replaced in one step; "
            f"remove it or write a {ARCHIVE_SUFFIX} file"
        )
    if out.exists() and out.suffix != ARCHIVE_SUFFIX:
        raise InputError(f"-o {out}: a file is there already; remove it, or name a {ARCHIVE_SUFFIX} file")


def check_new_directory(out: Path) -> None:
    """Refuse a directory that could not be made in one step.

    Raises:
        InputError: something is there already, even a broken link, or the parent is missing or not writable.
    """
    parent = out.absolute().parent
    if os.path.lexists(out):
        raise InputError(f"{out}: is there already; remove it or name a new directory")
    if not parent.is_dir():
        raise InputError(f"{out}: the folder {parent} does not exist; create it")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{out}: no permission to write in {parent}; choose another folder")


def write_directory(out: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory of `files` that appears complete or not at all.

    Raises:
        InputError: see `check_new_directory`; or the disk refused.
    """
    check_new_directory(out)
    _remove_leftovers(out)
    temporary = out.absolute().parent / f".{out.name}.{secrets.token_hex(4)}.tmp"
    try:
        _write_directory(temporary, files)
        temporary.rename(out)
        _sync_directory(out.absolute().parent)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); free space or choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bundle(out: Path, files: Mapping[str, bytes]) -> None:
    """Write sealed `files` to `out`: one archive if it ends in `.edge`, else a directory.

    Raises:
        InputError: see `check_target`; or the disk refused.
    """
    check_target(out)
    if out.suffix != ARCHIVE_SUFFIX:
        write_directory(out, files)
        return
    _remove_leftovers(out)
    try:
        write_atomically(out, canonical_archive(files))
        _sync_directory(out.absolute().parent)
    except OSError as error:
        raise InputError(
            f"-o {out}: cannot write the bundle ({error.strerror}); free space or choose another folder"
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace one file in one step, on disk before its name changes."""
    temporary = path.absolute().parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        _write_file(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_leftovers(out: Path) -> None:
    """Remove what writers of this target left that were killed; a day old, so that none of them is still at work."""
    for leftover in out.absolute().parent.glob(f".{glob.escape(out.name)}.*.tmp"):
        with suppress(OSError):  # another user's, or another writer removed it first
            if time.time() - leftover.lstat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink()


def _write_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_file(target, content)
    for folder in {(directory / path).parent for path in files} | {directory}:
        _sync_directory(folder)


def _write_file(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(directory: Path) -> None:
    """Put a renamed entry on disk; not every system lets a directory be opened, and then it needs no sync."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
