"""Answer a folder with one process for each CPU: each opens the model once, with one thread."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import edge_runtime

model: edge_runtime.Model
"""Of this process."""


def receive(sent: edge_runtime.Model) -> None:
    """Keep the model that was sent: a pickled model is the bundle's path and digest, and opens it again here."""
    global model  # noqa: PLW0603 - a process has one
    model = sent


def answer(path: Path) -> edge_runtime.Prediction | edge_runtime.InputError:
    """Answer one image; one bad file does not end the others."""
    try:
        return model.predict(path)
    except edge_runtime.InputError as error:
        return error


def main(bundle: str, folder: str) -> None:
    """Print each image's answer. `spawn`, since threads do not survive `fork`."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    first = edge_runtime.load(bundle, threads=1)
    processes = edge_runtime.available_cpus()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=receive, initargs=(first,)) as pool:
        for path, answered in zip(paths, pool.map(answer, paths, chunksize=8), strict=True):
            print(path, answered if isinstance(answered, Exception) else answered.label, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
