"""Asks one bundle about images and lists of mixed sizes, and prints its resident memory on the way, as JSON.

`python figures/runtime/memory_child.py BUNDLE RUNS`, in a process that has loaded nothing else.
"""

import io
import json
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import edge_runtime

SIZES = ((64, 64), (160, 120), (320, 240), (100, 250))
BATCHES = (1, 1, 1, 1, 1, 2, 3, 4, 8, 16, 32)
MARKS = (100, 200, 300, 500, 1000, 2000, 5000, 10_000)


def main(bundle: str, runs: int) -> None:
    """Run and print."""
    model = edge_runtime.load(bundle, threads=1, variant=_first_variant(bundle))
    inputs = [(_jpeg(size), None) for size in SIZES] + [(_pixels(size), "rgb") for size in SIZES]
    generator = random.Random(0)
    found = {}
    for run in range(1, runs + 1):
        item, color = generator.choice(inputs)
        # Every size is met in the first hundred runs, so that what grows later grows without a reason.
        batch = BATCHES[run % len(BATCHES)]
        model.predict(item if batch == 1 else [item] * batch, color=color)
        if run in MARKS:
            found[run] = _resident_bytes()
    json.dump(found, sys.stdout)


def _first_variant(bundle: str) -> str:
    from edge_runtime.bundle import open_bundle

    return open_bundle(bundle).manifest.variants[0].name


def _pixels(size: tuple[int, int]) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def _jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_pixels(size)).save(buffer, "JPEG")
    return buffer.getvalue()


def _resident_bytes() -> int:
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
