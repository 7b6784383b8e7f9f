"""What is fed to a model while it is timed: a seeded synthetic input, or the user's own files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.errors import InputError

WIDTH, HEIGHT = 640, 480
"""Pixels of the synthetic photo: what a small camera gives."""

JPEG_QUALITY = 90

WORDS = 24
"""Words of the synthetic text: a short message."""

_GRAIN = 6.0
"""Standard deviation of the noise, of 255, which gives the JPEG the size of a photo's and not of a drawing's."""

_SENTENCE = (
    "the order number was sent to you on monday and we have not seen an answer since then please call us back today "
    "if there is anything wrong with this machine or its parts"
)

VOCABULARY = tuple(_SENTENCE.split())
"""Words of synthetic texts."""


@dataclass(frozen=True)
class BenchInput:
    """One encoded input: an image file's bytes, or a text's."""

    name: str
    """Without its folder, so that a report names no path."""
    data: bytes
    path: Path | None = field(default=None, compare=False)
    """Where it lies on disk; None for one that was made."""

    def describe(self) -> dict[str, Any]:
        """Return what a report says about it: name, size and digest, never its content."""
        return {"name": self.name, "bytes": len(self.data), "sha256": hashlib.sha256(self.data).hexdigest()}

    def on_disk(self, folder: Path) -> Path:
        """Return a file that holds it, so that reading can be timed; one is written to `folder` where there is none."""
        if self.path is not None:
            return self.path
        path = folder / self.name
        path.write_bytes(self.data)
        return path


def read_inputs(paths: Sequence[str | Path]) -> list[BenchInput]:
    """Read the user's own files.

    Raises:
        InputError: a file cannot be read.
    """
    inputs = []
    for path in map(Path, paths):
        try:
            inputs.append(BenchInput(path.name, path.read_bytes(), path))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give a file that the model takes") from error
    return inputs


def synthetic_photo(seed: int = 0) -> BenchInput:
    """Draw a JPEG that costs as much to decode as a photo: smooth shades, hard edges and grain; the same for a seed."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    shades = np.stack([rows / HEIGHT, columns / WIDTH, (rows + columns) / (HEIGHT + WIDTH)], axis=-1) * 200.0
    for _ in range(25):
        top, left = rng.integers(0, HEIGHT - 20), rng.integers(0, WIDTH - 20)
        height, width = rng.integers(20, 160, size=2)
        shades[top : top + height, left : left + width] = rng.integers(0, 256, size=3)
    grainy = shades + rng.normal(0.0, _GRAIN, shades.shape)
    buffer = io.BytesIO()
    Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return BenchInput(f"synthetic-{WIDTH}x{HEIGHT}-seed{seed}.jpg", buffer.getvalue())


def synthetic_text(seed: int = 0) -> BenchInput:
    """Write a message of `WORDS` plain English words; the same for a seed."""
    words = np.random.default_rng(seed).choice(VOCABULARY, WORDS)
    return BenchInput(f"synthetic-{WORDS}-words-seed{seed}.txt", " ".join(words).encode())
