"""Small arrays that are dear to compute, kept in the user's cache directory.

Each entry is one file, replaced as a whole: a reader sees the old one or the new one, the last of several writers wins,
and a file that is damaged counts as absent. A cache that cannot be written is no error. What was not used for a month
goes, and so does what makes a folder larger than a gigabyte.
"""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from edge_export.kept import tidy, touch

DIRECTORY_VARIABLE = "EDGE_CACHE_DIR"


def cache_directory() -> Path:
    """Return the directory of this project's caches: `EDGE_CACHE_DIR`, else the user's cache directory."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or platformdirs.user_cache_dir("edge"))


def load_arrays(name: str) -> dict[str, NDArray[Any]] | None:
    """Return what was saved under `name` (a relative path without ending); None where nothing usable is.

    Each array's checksum is verified by the zip format that holds it, and nothing is unpickled.
    """
    try:
        # numpy leaves the file open when it is no archive; a file that was opened here is closed here.
        with _file(name).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files}
        touch(_file(name))
        return found
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return None


def save_arrays(name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays under `name`."""
    file = _file(name)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)
            Path(temporary).replace(file)
            tidy(file.parent)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _file(name: str) -> Path:
    return cache_directory() / f"{name}.npz"
