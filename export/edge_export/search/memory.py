"""What a search measured, kept on disk, so that a killed one goes on where it was; an unwritable disk is no error."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.kept import tidy, touch

Values = NDArray[np.float32]


class Memory:
    """Arrays by the hash of everything that they depend on; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, context: str) -> None:
        self._folder = folder
        self._context = context
        """What every measurement of this search depends on: the graph, the samples, the tools."""
        if folder is not None:
            tidy(folder)

    def recall(self, question: Any, measure: Callable[[], Values]) -> Values:
        """Return the answer to `question` (JSON-ready data), measured only where it is not known yet."""
        if self._folder is None:
            return measure()
        text = json.dumps([self._context, question], sort_keys=True)
        path = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()}.npy"
        try:
            known: Values = np.load(path, allow_pickle=False)
            touch(path)
        except (OSError, ValueError, EOFError):  # not measured yet, or cut off while it was written
            known = measure()
            _keep(path, known)
        return known


def _keep(path: Path, values: Values) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                np.save(file, values)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
