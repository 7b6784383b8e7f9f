"""Answer a folder of images with Ray Data: on this machine, or on a cluster by giving its address.

`python ray_folder.py model.edge photos/ answers/`; on a node of a cluster with `--address head:6379`. Bundle, folder
and answers must then be where every node finds them: a shared file system, for folder and answers also `s3://...`.
"""

import argparse
from typing import Any

import numpy as np
import ray

import edge_runtime

Batch = dict[str, Any]
"""A numpy array of objects for each column."""


class Answer:
    """An actor: it loads the model once, and then answers batches until the folder is done."""

    def __init__(self, bundle: str, sha256: str) -> None:
        self.model = edge_runtime.load(bundle, sha256=sha256, threads=1)

    def __call__(self, batch: Batch) -> Batch:
        """Add label, score and error; a bad file is a row with an error, not the end of the job."""
        rows = [self._one(image) for image in batch["bytes"]]
        label, score, error = (np.array(column) for column in zip(*rows, strict=True))
        return {"path": batch["path"], "label": label, "score": score, "error": error}

    def _one(self, image: bytes) -> tuple[str, float, str]:
        try:
            prediction = self.model.predict(image)
        except edge_runtime.InputError as error:
            return "", 0.0, str(error)
        return prediction.label, prediction.score, ""


def answers(bundle: str, folder: str, actors: int) -> "ray.data.Dataset":
    """Return path, label, score and error of each image, computed when the rows are read or written.

    The digest is taken here once, so that every machine answers with the very same bundle or fails.
    """
    sha256 = edge_runtime.load(bundle).bundle.manifest_sha256
    images = ray.data.read_binary_files(folder, include_paths=True, file_extensions=["jpg", "jpeg", "png"])
    return images.map_batches(
        Answer,
        fn_constructor_args=(bundle, sha256),
        batch_size=32,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
    )


def main() -> None:
    """Parse, connect, write the answers as Parquet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("folder")
    parser.add_argument("out", help="folder for Parquet files")
    parser.add_argument("--address", help="of a Ray cluster (default: this machine alone)")
    parser.add_argument("--actors", type=int, default=2, help="models that answer at once (default: 2)")
    arguments = parser.parse_args()
    ray.init(address=arguments.address or "local")
    answers(arguments.bundle, arguments.folder, arguments.actors).write_parquet(arguments.out)


if __name__ == "__main__":
    main()
