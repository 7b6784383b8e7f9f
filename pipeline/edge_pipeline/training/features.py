"""A frozen trunk's features on disk: computed once, read back by the batch, never held in memory."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from edge_export.sessions import Reader
from edge_pipeline.training.loader import ALONE, Batches, Share, evaluation_batches
from edge_runtime.errors import InputError, MachineError

if TYPE_CHECKING:
    from torch import Tensor

Advance = Callable[[int], None]


def features_key(**parts: object) -> str:
    """Hash everything that decides the features: data, weights, preprocessing, cut, precision."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class FeatureBatches:
    """Reads features from the file that `store_features` wrote.

    Rows are read with plain file reads instead of a memory map: the pages of a map count as this process's memory.
    """

    lengths: Sequence[int] | None = None
    in_windows: Reader | None = None

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> None:
        self._path = path
        self._shape = shape
        self._dtype = dtype

    def __len__(self) -> int:
        """Return the number of items."""
        return self._shape[0]

    def read(self, batches: Sequence[Sequence[int]], epoch: int | None) -> "Iterator[Tensor]":
        """Yield float32 features, `(n, ...)`; they are the same in every epoch."""
        import torch

        row_shape = self._shape[1:]
        row_bytes = int(np.prod(row_shape)) * self._dtype.itemsize
        with self._path.open("rb") as file:
            for batch in batches:
                rows = np.empty((len(batch), *row_shape), self._dtype)
                for row, index in zip(rows, batch, strict=True):
                    file.seek(index * row_bytes)
                    file.readinto(row.reshape(-1).view(np.uint8))
                yield torch.from_numpy(rows.astype(np.float32))


def stored_features(directory: Path, split: str, key: str) -> FeatureBatches | None:
    """Return the features that `directory` holds for `split`, or None where there are none under this key."""
    try:
        about = json.loads((directory / f"{split}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    shape, dtype = tuple(about["shape"]), np.dtype(about["dtype"])
    path = directory / f"{split}.bin"
    complete = path.is_file() and path.stat().st_size == int(np.prod(shape)) * dtype.itemsize
    return FeatureBatches(path, shape, dtype) if about["key"] == key and complete else None


def store_features(
    directory: Path,
    split: str,
    key: str,
    images: Batches,
    trunk: "Callable[[Tensor], Tensor]",
    *,
    half: bool,
    batch_size: int = 32,
    share: Share = ALONE,
    wait: Callable[[], None] = lambda: None,
    advance: Advance = lambda _count: None,
) -> FeatureBatches:
    """Compute and store the features of a split; with several processes each writes its own rows.

    Args:
        directory: Where the files go; the space needed is checked first.
        split: Names the files.
        key: From `features_key`; stored last, so that a file cut short is never taken for a complete one.
        images: What the trunk sees.
        trunk: `(n, 3, h, w)` images to `(n, ...)` features.
        half: Store float16, which loses nothing that a bf16 network would notice, instead of float32.
        batch_size: Images at a time.
        share: Which rows this process computes.
        wait: Called before the file is declared complete: returns when every process is here.
        advance: Told how many images were done.

    Raises:
        MachineError: the disk is too small.
        InputError: a feature is not finite.
    """
    directory.mkdir(parents=True, exist_ok=True)
    batches = evaluation_batches(len(images), batch_size, share)
    dtype: np.dtype[np.floating] = np.dtype(np.float16 if half else np.float32)
    path = directory / f"{split}.bin"
    row_shape: tuple[int, ...] = ()
    with path.open("r+b" if path.exists() else "w+b") as file:
        for batch, tensor in zip(batches, images.read(batches, None), strict=True):
            rows = trunk(tensor).float().cpu().numpy().astype(dtype)
            if not row_shape:
                row_shape = rows.shape[1:]
                _reserve(file, path, len(images) * rows[0].nbytes)
            if not np.isfinite(rows).all():
                raise InputError(f"{split}: the frozen part gives values that are not finite; use --precision fp32")
            file.seek(batch[0] * rows[0].nbytes)
            file.write(rows.tobytes())
            advance(len(batch))
        file.flush()
        os.fsync(file.fileno())
    wait()
    shape = (len(images), *row_shape)
    if share.index == 0:
        about = {"key": key, "shape": shape, "dtype": dtype.name}
        (directory / f"{split}.json").write_text(json.dumps(about), encoding="utf-8")
    wait()
    return FeatureBatches(path, shape, dtype)


def _reserve(file: BinaryIO, path: Path, size: int) -> None:
    import shutil

    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise MachineError(
            f"{path}: features need {size / 1e9:.1f} GB and the disk has {free / 1e9:.1f}; "
            "free some, freeze more (--freeze backbone), or use --freeze none"
        )
    file.truncate(size)
