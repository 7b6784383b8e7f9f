"""What is read ahead for ONNX Runtime: in memory that nobody can change, where the system has that."""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import load
from edge_runtime._containers import Sealed, seal
from edge_runtime.errors import IntegrityError

sealing = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no sealed memory")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some"
    path.write_bytes(bytes(range(256)) * 300)
    return path


@sealing
def test_nobody_can_change_what_was_hashed(file: Path):
    with io.FileIO(file) as opened:
        opened.seek(100)
        made = seal(opened, 1000)
    assert isinstance(made, Sealed) and bytes(made) == file.read_bytes()[100:1100]
    file.write_bytes(bytes(file.stat().st_size))
    assert Path(made.path).read_bytes() == bytes(made) != bytes(1000)
    with pytest.raises(PermissionError), Path(made.path).open("r+b") as other:
        other.write(b"other")
    with pytest.raises(TypeError):
        made[0] = 1  # type: ignore[index]


@sealing
def test_nothing_of_it_is_left_when_the_model_is_made(directory: Path):
    load(directory, threads=1)  # whatever ONNX Runtime keeps open from its first session on
    before = _open_files()
    model = load(directory, threads=1)
    assert _open_files() == before
    assert "memfd:edge" not in Path("/proc/self/maps").read_text()
    assert model.session.get_providers() == ["CPUExecutionProvider"]


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _refuse(*_: object) -> Any:
    raise PermissionError(1, "not here")


@pytest.mark.parametrize("call", ["memfd_create", "sendfile", "open"])
def test_where_that_is_not_allowed_the_bytes_are_read_as_ever(file: Path, monkeypatch: pytest.MonkeyPatch, call: str):
    with io.FileIO(file) as opened:
        monkeypatch.setattr(os, call, _refuse, raising=False)
        assert seal(opened, 1000) == file.read_bytes()[:1000]


def test_a_file_that_is_shorter_than_it_says_is_given_as_it_is(file: Path):
    size = file.stat().st_size
    with io.FileIO(file) as opened:
        assert bytes(seal(opened, 2 * size)) == file.read_bytes()
        assert bytes(seal(opened, 0)) == b""


def test_a_model_swapped_after_the_listing_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch):
    path = directory / "models/cpu-fp32.onnx"
    data = path.read_bytes()

    def swapped(file: io.FileIO, most: int) -> Any:
        path.write_bytes(bytes(len(data)))
        return seal(file, most)

    monkeypatch.setattr("edge_runtime.bundle.seal", swapped)
    with pytest.raises(IntegrityError, match=hashlib.sha256(bytes(len(data))).hexdigest()):
        load(directory, variant="cpu-fp32")
