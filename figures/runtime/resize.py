"""The resize in numpy alone over Pillow's, for a camera frame on its way into a network."""

import functools
import time
from typing import get_args

from interface import Figure
from PIL import Image

from edge_benchmarks.timing import interleave
from edge_runtime.image import center_box, resize_image, resized_size
from edge_runtime.image.resize import resize_numpy
from edge_runtime.preprocessing import Kernel, Resize
from runtime.networks import photos

FRAME = (640, 480)
CROP = 224
RULE = Resize(256, 256)
ASKED = 4.0
SECONDS = 12.0


def measure() -> list[Figure]:
    """Time each kernel by both ways, from a frame to the pixels that the crop keeps."""
    [frame] = photos(1, FRAME)
    image = Image.fromarray(frame)
    size = resized_size(*FRAME, RULE)
    box = center_box(size, CROP, CROP)
    figures = []
    how = f"{FRAME[0]}x{FRAME[1]} to {size[0]}x{size[1]}, crop {CROP}; CPU time, 1 thread"
    for kernel in get_args(Kernel):
        arms = {
            "numpy": functools.partial(resize_numpy, frame, size, kernel, box),
            # An image of Pillow's own, so that nothing but its resize counts.
            "pillow": functools.partial(resize_image, image, size, kernel, box),
        }
        # Both run in this thread, so its own CPU time tells what other processes cannot disturb.
        timings = interleave(arms, seconds=SECONDS, clock=time.thread_time_ns)
        ratio = timings.ratio("numpy", "pillow")
        figures.append(
            Figure(
                f"numpy resize over Pillow's, {kernel}",
                ratio.estimate,
                ratio.low,
                ratio.high,
                ASKED,
                "at most",
                "x",
                f"{how}, {timings.rounds} rounds",
            )
        )
    return figures
