"""What a desktop app needs of a model: find its bundle, frozen or not, and answer off the main thread."""

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import edge_runtime

FOLDER = Path(sys.executable if getattr(sys, "frozen", False) else __file__).resolve().parent
BUNDLE = FOLDER / "model.edge"

worker = ThreadPoolExecutor(max_workers=1)
model = worker.submit(edge_runtime.load, BUNDLE)
"""Loads while the window opens."""


def answer(image: str) -> "Future[edge_runtime.Prediction]":
    """Start answering one image; the window's own thread stays free."""
    return worker.submit(lambda: model.result().predict(image))


def main() -> None:
    """Print the answer of every file that was named; a real app has a window here."""
    for path in sys.argv[1:]:
        try:
            prediction = answer(path).result()
        except edge_runtime.EdgeError as error:
            sys.exit(f"error: {error}")
        print(f"{path}: {prediction.label} ({prediction.score:.0%})")


if __name__ == "__main__":
    main()
