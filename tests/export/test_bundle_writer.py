"""Bundles are written beside their target; what killed writers left is removed where that is allowed."""

import os
import time
from pathlib import Path

import pytest

from edge_export.bundle_writer import LEFTOVER_SECONDS, write_directory


def leave(folder: Path, name: str) -> Path:
    """Make what a killed writer of `folder / "out"` left long ago."""
    leftover = folder / f".out.{name}.tmp"
    leftover.write_text("half")
    long_ago = time.time() - 2 * LEFTOVER_SECONDS
    os.utime(leftover, (long_ago, long_ago))
    return leftover


def test_old_leftovers_are_removed_and_young_ones_stay(tmp_path: Path):
    old, young = leave(tmp_path, "old"), tmp_path / ".out.young.tmp"
    young.write_text("half")
    write_directory(tmp_path / "out", {"a.txt": b"a"})
    assert not old.exists() and young.exists()


def test_a_leftover_of_somebody_else_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    leave(tmp_path, "old")

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    write_directory(tmp_path / "out", {"a.txt": b"a"})
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"a"
