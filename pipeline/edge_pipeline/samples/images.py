"""Sample images, written as a folder of PNG files."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.samples.interface import Kept, Progress, Splits


@dataclass(frozen=True)
class LabelledImages:
    """All images of a source, in its own order; the order names the files."""

    pixels: NDArray[np.uint8]
    """`(n, height, width)` grayscale."""
    targets: NDArray[np.int64]
    """`(n,)` indices into `classes`."""
    classes: tuple[str, ...]
    """Names of the class folders."""
    official_test: NDArray[np.bool_] | None = None
    """`(n,)`: True where the source's own split says test; None where it has no split."""
    noun: str = "images"

    def keep(self) -> Kept:
        """Keep one of each set of equal images, a test image before a train image."""
        order = np.arange(len(self.targets))
        if self.official_test is not None:
            order = np.argsort(~self.official_test, kind="stable")
        seen: set[bytes] = set()
        kept = []
        for row in order:
            pixels = self.pixels[row].tobytes()
            if pixels not in seen:
                seen.add(pixels)
                kept.append(int(row))
        return Kept(np.array(sorted(kept), np.int64), len(self.targets) - len(kept))

    def digests(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return `(k, 32)` SHA-256 of the pixels."""
        hashes = b"".join(hashlib.sha256(self.pixels[row].tobytes()).digest() for row in rows)
        return np.frombuffer(hashes, np.uint8).reshape(-1, 32)

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a number for each image: no two belong together."""
        return np.arange(len(rows))

    def write(self, root: Path, splits: Splits, progress: Progress | None) -> str:
        """Write `root/{split}/{class}/{row}.png`; the folder itself is what to train on."""
        from PIL import Image

        total = sum(len(rows) for rows in splits.values())
        done = 0
        for split, rows in splits.items():
            folders = [root / split / name for name in self.classes]
            for folder in folders:
                folder.mkdir(parents=True)
            for row in rows:
                file = folders[self.targets[row]] / f"{row:05d}.png"
                # Images of 28x28 pixels: the strongest level saves nothing worth its time.
                Image.fromarray(self.pixels[row]).save(file, format="PNG", compress_level=1)
                done += 1
                if progress is not None and (done % 256 == 0 or done == total):
                    progress(done, total)
        return ""
