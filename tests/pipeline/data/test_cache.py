"""The inspection's memory: it saves decoding, and is never believed when it should not be."""

import os
import threading
import time

import pytest

from edge_pipeline.data import inspection, known, open_dataset


@pytest.fixture
def old(flat):
    """A folder whose files changed long enough ago to be remembered."""
    root = flat({"cat": 10, "dog": 10})
    return root


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    monkeypatch.setattr(known, "SETTLED_NS", 0)


@pytest.fixture
def reads(monkeypatch):
    """The files that are read and decoded from now on."""
    names = []
    original = inspection._read

    def counted(path):
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(inspection, "_read", counted)
    return names


def test_unchanged_files_are_decoded_once(old, reads):
    first = open_dataset(old)
    assert len(reads) == 20
    assert open_dataset(old) == first and len(reads) == 20


def test_a_changed_file_is_read_again_even_when_its_time_was_set_back(old, reads, picture, encoded):
    open_dataset(old)
    file = old / "cat" / "000.png"
    before = file.stat()
    content = bytearray(file.read_bytes())
    new = encoded(picture(777))
    new += bytes(max(0, len(content) - len(new)))
    file.write_bytes(new[: len(content)] if len(new) > len(content) else new)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    reads.clear()
    open_dataset(old)
    assert reads == ["000.png"]


def test_new_and_removed_files(old, reads, picture):
    open_dataset(old)
    reads.clear()
    (old / "cat" / "000.png").unlink()
    picture(555).save(old / "dog" / "new.png")
    assert sum(map(len, open_dataset(old).splits.values())) == 20 and reads == ["new.png"]


def test_files_that_changed_just_now_are_not_remembered(old, reads, monkeypatch):
    monkeypatch.setattr(known, "SETTLED_NS", 3600 * 10**9)
    open_dataset(old)
    open_dataset(old)
    assert len(reads) == 40


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_cache_is_made_again(old, reads, cache_directory, damage):
    first = open_dataset(old)
    (entry,) = (cache_directory / "inspections").iterdir()
    content = bytearray(entry.read_bytes())
    if damage == "flip":
        # Inside the digests: what a checksum must notice, since nothing else would.
        content[content.index(b"sha256.npy") + 200] ^= 1
    damaged = {"cut": content[: len(content) // 2], "empty": b"", "other": b"PK something else"}.get(damage, content)
    entry.write_bytes(bytes(damaged))
    reads.clear()
    assert open_dataset(old) == first and len(reads) == 20
    reads.clear()
    assert open_dataset(old) == first and reads == []


def test_a_cache_that_cannot_be_written_is_no_error(old, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EDGE_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert len(open_dataset(old).splits) == 3


def test_writers_at_the_same_time_leave_a_good_cache(old, cache_directory, reads):
    results = []
    threads = [threading.Thread(target=lambda: results.append(open_dataset(old))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6 and all(result == results[0] for result in results)
    assert [entry.suffix for entry in (cache_directory / "inspections").iterdir()] == [".npz"]
    reads.clear()
    assert open_dataset(old) == results[0] and reads == []


def test_unreadable_files_are_tried_again(old, reads):
    (old / "cat" / "bad.png").write_bytes(b"x")
    open_dataset(old)
    time.sleep(0.01)
    reads.clear()
    assert len(open_dataset(old).report.skipped) == 1 and reads == ["bad.png"]
