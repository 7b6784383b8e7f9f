"""Images in a `.npz` file, written out as files so that they are opened, checked and split as all other data."""

import csv
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.layout import SPLIT_NAMES, SPLITS
from edge_runtime.errors import InputError

CSV_FILE = "items.csv"
EXPECTED = (
    "x with the images (n, height, width, 3) uint8, and if you have them y, split, labels; or x_train, y_train, ..."
)


@dataclass(frozen=True)
class Unpacked:
    """What came out of a `.npz` file."""

    path: Path
    """A CSV file as `open_dataset` reads it; the folder of the images where there are no labels."""
    labels: tuple[str, ...]
    """Names by class number, as the file has them; empty where it has numbers alone."""
    labeled: bool


def unpack_arrays(file: Path, folder: Path) -> Unpacked:
    """Write the images in `file` into `folder`, losslessly.

    Args:
        file: Holds `x` (images), and may hold `y` (class numbers, or names), `split` (a split's name for each item) and
            `labels` (names by class number); or `x_train`, `x_val`, `x_test` with `y_train` and so on.
        folder: An empty one.

    Raises:
        InputError: the file cannot be read, or its arrays are of other types or shapes.
    """
    arrays = _read(file)
    parts = list(_parts(file, arrays))
    labeled = [labels is not None for _, _, labels in parts]
    if any(labeled) != all(labeled):
        raise InputError(f"{file}: labels for some splits alone; give y for each x, or for none")
    rows: list[tuple[str, ...]] = []
    for split, images, labels in parts:
        for index, image in enumerate(images):
            name = f"{split[index] or 'items'}/{len(rows):07d}"
            path = _write(folder, name, image)
            rows.append((path, "" if labels is None else str(labels[index]), split[index]))
    names = tuple(str(name) for name in arrays["labels"].tolist()) if "labels" in arrays else ()
    if not labeled[0]:
        return Unpacked(folder, names, False)
    stated = any(split for *_, split in rows)
    with (folder / CSV_FILE).open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["path", "label", "split"] if stated else ["path", "label"])
        writer.writerows(row if stated else row[:2] for row in rows)
    return Unpacked(folder / CSV_FILE, names, True)


def _read(file: Path) -> dict[str, NDArray[Any]]:
    try:
        # Pickled objects could run whatever they like.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise InputError(f"{file} does not exist; give a folder of images, a CSV file or a .npz file") from error
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        raise InputError(
            f"{file}: not a readable .npz file of plain arrays ({error}); save it with numpy.savez"
        ) from error


def _parts(
    file: Path, arrays: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[list[str], NDArray[np.uint8], NDArray[Any] | None]]:
    """Yield the split of each item, the images and the labels, for each array of images."""
    found = {"": arrays["x"]} if "x" in arrays else {s: arrays[f"x_{s}"] for s in SPLITS if f"x_{s}" in arrays}
    if not found:
        raise InputError(f"{file}: holds {', '.join(arrays) or 'nothing'}; expected {EXPECTED}")
    for split, images in found.items():
        suffix = f"_{split}" if split else ""
        pixels = _pixels(f"{file}: x{suffix}", images)
        count = len(pixels)
        labels = arrays.get(f"y{suffix}")
        stated = arrays["split"] if not split and "split" in arrays else np.full(count, split)
        for name, array in ((f"y{suffix}", labels), ("split", stated)):
            if array is not None and array.shape != (count,):
                raise InputError(f"{file}: {name} has shape {array.shape} for {count:,} images; ({count},) is expected")
        if labels is not None and labels.dtype.kind not in "iuU":
            raise InputError(f"{file}: y{suffix} is {labels.dtype}; class numbers or names are expected")
        names = [str(name) for name in stated.tolist()]
        wrong = sorted({name for name in names if name and name.lower() not in SPLIT_NAMES})
        if wrong:
            raise InputError(f"{file}: split {wrong[0]!r}; write train, val or test")
        yield [SPLIT_NAMES[name.lower()] if name else "" for name in names], pixels, labels


def _pixels(where: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as the bytes that a contract begins with; floats only where they are those bytes."""
    if images.dtype.kind == "f":
        images = _bytes_of_floats(where, images)
    gray = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 1)
    if images.dtype != np.uint8 or not (gray or (images.ndim == 4 and images.shape[3] == 3)) or 0 in images.shape:
        raise InputError(
            f"{where} is {images.dtype} {images.shape}; images are uint8 (n, height, width, 3), or gray "
            "(n, height, width)"
        )
    return images


def _bytes_of_floats(where: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return floats that are whole numbers of 0 to 255 as bytes.

    Anything else was preprocessed by code that nobody here has seen, and that no device would run.
    """
    what = f"{where} is {images.dtype} {images.shape}"
    bad = int((~np.isfinite(images)).sum())
    if bad:
        raise InputError(f"{what}, {bad:,} of its values NaN or infinite; give the uint8 images that it was made of")
    pixels = images.astype(np.uint8, casting="unsafe") if _within(images, 255) else None
    if pixels is not None and np.array_equal(pixels, images):
        return pixels
    if _within(images, 1) and np.allclose(images * 255, np.rint(images * 255), rtol=0, atol=1e-3):
        raise InputError(
            f"{what}, pixels divided by 255; a device starts from pixels: save np.rint(255 * x).astype(np.uint8) and "
            "say --preprocess scale255"
        )
    raise InputError(
        f"{what} from {images.min():.4g} to {images.max():.4g}, so preprocessing is done already, and nobody could say "
        "whether a device would do the same; give the uint8 images and let --preprocess do it"
    )


def _within(images: NDArray[Any], top: int) -> bool:
    return bool(images.size and images.min() >= 0 and images.max() <= top)


def _write(folder: Path, name: str, image: NDArray[np.uint8]) -> str:
    """Write one image in the plainest format there is: the same array gives the same bytes everywhere."""
    color = image.ndim == 3 and image.shape[2] == 3
    path = f"{name}.{'ppm' if color else 'pgm'}"
    target = folder / path
    target.parent.mkdir(exist_ok=True)
    height, width = image.shape[:2]
    header = f"{'P6' if color else 'P5'}\n{width} {height}\n255\n".encode()
    target.write_bytes(header + np.ascontiguousarray(image).tobytes())
    return path
