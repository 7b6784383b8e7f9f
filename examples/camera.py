"""Answer a camera's frames: always the newest one, never a queue of old ones."""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import edge_runtime

Frame = npt.NDArray[np.uint8]
"""(H, W, 3), blue first, as OpenCV and most camera drivers give it."""


class Newest:
    """Reads frames in a thread of its own and keeps only the newest: an old frame's answer helps nobody."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.read = self.dropped = 0
        self._frame: Frame | None = None
        self._ended = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._keep_reading, args=(frames,), daemon=True).start()

    def _keep_reading(self, frames: Iterable[Frame]) -> None:
        try:
            for frame in frames:
                with self._changed:
                    self.read += 1
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._changed.notify()
        except Exception as error:  # noqa: BLE001 - raised again where the frames are taken
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frame is not None or self._ended)
                frame, self._frame = self._frame, None
            if frame is not None:
                yield frame
            elif self._error is not None:
                raise self._error
            else:
                return


def watch(model: edge_runtime.Model, frames: Newest, seconds_between: float = 0.0) -> Iterator[edge_runtime.Prediction]:
    """Yield an answer for the newest frame, then rest; a threshold in the bundle makes unsure answers `unknown`."""
    for frame in frames:
        yield model.predict(frame, color="bgr")
        time.sleep(seconds_between)


def opencv_frames(device: int | str = 0) -> Iterator[Frame]:
    """Yield frames of a camera, a file or a stream; needs `opencv-python-headless`."""
    import cv2

    camera: Any = cv2.VideoCapture(device)
    try:
        while True:
            there, frame = camera.read()
            if not there:
                return
            yield frame  # cv2 gives a new array each time; copy it if your driver reuses its buffer
    finally:
        camera.release()


def fake_frames(count: int, frames_per_second: float = 30.0) -> Iterator[Frame]:
    """Yield noise at a camera's pace, for a trial without one."""
    random = np.random.default_rng(0)
    for _ in range(count):
        time.sleep(1 / frames_per_second)
        yield random.integers(0, 256, (480, 640, 3), dtype=np.uint8)


if __name__ == "__main__":
    camera = Newest(fake_frames(90))
    for prediction in watch(edge_runtime.load("model.edge"), camera, seconds_between=0.1):
        print(f"{prediction.label} {prediction.score:.2f}")
    print(f"{camera.read} frames, {camera.dropped} dropped")
