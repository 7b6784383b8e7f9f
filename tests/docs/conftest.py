"""What the guide assumes to be there: two bundles, a photo and a folder of photos."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture(scope="session")
def _guide_files(make_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    make_bundle(folder / "model.edge")
    make_bundle(folder / "next.edge", seed=1)
    pixels = np.random.default_rng(5).integers(0, 256, (3, 90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels[0]).save(folder / "photo.jpg")
    (folder / "photos").mkdir()
    for at, name in enumerate(("a.png", "größe.jpg")):
        Image.fromarray(pixels[at + 1]).save(folder / "photos" / name)
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


@pytest.fixture
def guide(_guide_files: Path, tmp_path: Path) -> Path:
    """A folder of a test's own with `model.edge`, `next.edge`, `photo.jpg`, `photos/` and the examples' files."""
    folder = tmp_path / "guide"
    shutil.copytree(_guide_files, folder)
    for example in EXAMPLES.iterdir():
        if example.is_file():
            shutil.copy(example, folder)
    return folder


@pytest.fixture
def example(guide: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import an example's file, standing in the guide's folder."""
    monkeypatch.chdir(guide)

    def read(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"example_{name}", guide / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return read
