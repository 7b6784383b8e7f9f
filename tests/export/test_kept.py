"""What is kept of measurements, and for how long."""

import os
import time
from pathlib import Path

import numpy as np

from edge_export import kept
from edge_export.search import Memory


def write(folder: Path, name: str, size: int, days_ago: float) -> Path:
    file = folder / name
    file.write_bytes(bytes(size))
    stamp = time.time() - days_ago * 24 * 3600
    os.utime(file, (stamp, stamp))
    return file


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_what_was_used_longest_ago_goes_first(tmp_path: Path):
    for name, size, days in (("old", 1, 40), ("a", 60, 5), ("b", 30, 3), ("c", 30, 1)):
        write(tmp_path, name, size, days)
    (tmp_path / "folder").mkdir()
    kept.tidy(tmp_path, most_bytes=1000)
    assert names(tmp_path) == {"a", "b", "c", "folder"}
    kept.tidy(tmp_path, most_bytes=60)
    assert names(tmp_path) == {"b", "c", "folder"}
    kept.tidy(tmp_path, most_bytes=1)
    assert names(tmp_path) == {"c", "folder"}
    kept.tidy(tmp_path / "missing")


def test_a_search_uses_what_it_finds_and_tidies_the_rest(tmp_path: Path):
    Memory(tmp_path, "context").recall("question", lambda: np.ones(1, np.float32))
    (file,) = tmp_path.iterdir()
    write(tmp_path, "unused", 1, 40)
    os.utime(file, (time.time() - 20 * 24 * 3600,) * 2)
    known = Memory(tmp_path, "context").recall("question", lambda: np.zeros(1, np.float32))
    assert known == 1 and names(tmp_path) == {file.name}
    assert time.time() - file.stat().st_mtime < 60, "it was of use today"


def test_the_tools_are_named() -> None:
    assert all(name in kept.tools() for name in ("edge-toolchain ", "onnx ", "onnxruntime ", "sources "))
