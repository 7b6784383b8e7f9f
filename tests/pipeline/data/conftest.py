"""Pictures and folders that the tests of the data layer are made of."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Picture = Callable[..., Image.Image]
Folder = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own cache out of the tests."""
    directory = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EDGE_CACHE_DIR", str(directory))
    return directory


def _picture(seed: int, size: int = 32) -> Image.Image:
    """Draw colored blotches that no other seed has."""
    values = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(values).resize((size, size), Image.Resampling.BICUBIC)


@pytest.fixture
def picture() -> Picture:
    return _picture


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
        stream = io.BytesIO()
        image.save(stream, format, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Make a folder from path to what is in the file: bytes, or the seed of a picture."""

    def make(files: Mapping[str, bytes | int], name: str = "data") -> Path:
        root = tmp_path / name
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                file.write_bytes(content)
            else:
                _picture(content).save(file)
        return root

    return make


@pytest.fixture
def flat(folder: Folder) -> Folder:
    """Make a flat folder of classes with as many distinct pictures in each as asked for."""

    def make(classes: Mapping[str, int], name: str = "data") -> Path:
        names = [f"{label}/{number:03d}.png" for label, count in classes.items() for number in range(count)]
        return folder({path: seed for seed, path in enumerate(names)}, name)

    return make


@pytest.fixture
def write_csv() -> Callable[..., Path]:
    def write(file: Path, rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream, delimiter=delimiter).writerows(rows)
        return file

    return write
