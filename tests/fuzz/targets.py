"""What is fuzzed: each takes any bytes, and ends in an answer or an `EdgeError`; all else is a defect."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from seeds import CONTRACT, bundle_files

from edge_runtime.bundle import canonical_archive, content_id, digest_line, read_bundle
from edge_runtime.errors import EdgeError
from edge_runtime.evidence import read_evidence
from edge_runtime.golden import read_golden
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, manifest_from_json, manifest_to_json

FILES = bundle_files()
ARCHIVE = canonical_archive(FILES)
PREPROCESSOR = ImagePreprocessor(CONTRACT)
_HEADER = 30
_SHM = Path("/dev/shm")


@contextlib.contextmanager
def _typed() -> Iterator[None]:
    """Let a refusal pass if it says on one line of bounded length what is wrong."""
    try:
        yield
    except EdgeError as error:
        text = str(error)
        if "\n" in text or not 10 < len(text) < 2_000:
            raise AssertionError(f"a refusal that nobody can read: {text[:300]!r}") from error


def manifest(data: bytes) -> None:
    """Read a manifest; what is read is written and read again as the same."""
    with _typed():
        read = manifest_from_json(data)
        content_id(read)
        assert manifest_from_json(manifest_to_json(read)) == read


def golden(data: bytes) -> None:
    """Read a golden file."""
    with _typed():
        read_golden(data)


def evidence(data: bytes) -> None:
    """Read an evidence file."""
    with _typed():
        read_evidence(data)


def archive(data: bytes) -> None:
    """Open a `.edge` file as it is, and once more with its digest mended so that the parser is reached."""
    for one in (data, mended(data)):
        if one == ARCHIVE:
            read_bundle(one)
            continue
        with _typed():
            read_bundle(one)
            assert one[:_HEADER] == ARCHIVE[:_HEADER][:14] + one[14:_HEADER], "another header was accepted"


def mended(data: bytes) -> bytes:
    """Return an archive whose manifest has the digest and the checksum that it must have."""
    start = _HEADER + len(MANIFEST_NAME)
    size = int.from_bytes(data[18:22], "little")
    content = data[start : start + size]
    at = start + size + _HEADER + len(DIGEST_NAME)
    if len(content) != size or len(data) < at + 65:
        return data
    line = digest_line(hashlib.sha256(content).hexdigest())
    whole = bytearray(data)
    whole[at : at + 65] = line
    header = start + size
    whole[14:18] = zlib.crc32(content).to_bytes(4, "little")
    whole[header + 14 : header + 18] = zlib.crc32(line).to_bytes(4, "little")
    return bytes(whole)


def sealed(data: bytes) -> None:
    """Put any manifest with its right digest, and its right `content_id`, into a bundle, and open that."""
    with _typed():
        with contextlib.suppress(EdgeError, ValueError, RecursionError):
            document = json.loads(data) if data[:1] == b"{" else None
            identifier = content_id(manifest_from_json(data))
            data = json.dumps({**document, "content_id": identifier}).encode() if document else data
        digest = digest_line(hashlib.sha256(data).hexdigest())
        opened = read_bundle(canonical_archive({**FILES, MANIFEST_NAME: data, DIGEST_NAME: digest}))
        for entry in opened.manifest.files:
            opened.read(entry.path)


def directory(data: bytes) -> None:
    """Open a directory after operations on its entries, three bytes each: which one, what is done, a value."""
    with tempfile.TemporaryDirectory(dir=_SHM if _SHM.is_dir() else None) as folder:
        root = Path(folder) / "bundle"
        for path, content in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        changed = False
        for at in range(0, min(len(data) - 2, 24), 3):
            changed |= _operate(root, data[at], data[at + 1] % 8, data[at + 2])
        if not changed:
            read_bundle(root)
            return
        with _typed():
            read_bundle(root)
            left = {path: (root / path).read_bytes() for path in FILES}
            assert left == FILES, "a changed directory was accepted"


NAMES = (*FILES, "v", "g", "other.bin", "V/a.onnx", ".hidden", "g/g/g")


def _operate(root: Path, which: int, what: int, value: int) -> bool:
    """Do one thing to one entry; returns whether it was done."""
    target = root / NAMES[which % len(NAMES)]
    other = root / NAMES[value % len(NAMES)]
    if what in (0, 1, 7) and target.exists() and not target.is_file():
        return False  # writing into a pipe would wait for ever
    with contextlib.suppress(OSError):
        if what == 0:
            with target.open("r+b") as file:
                content = file.read()
                file.seek(value % max(len(content), 1))
                file.write(bytes([value]))
        elif what == 1:
            target.write_bytes(target.read_bytes()[:value])
        elif what == 2:
            shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
        elif what == 3:
            target.symlink_to(other)
        elif what == 4:
            os.mkfifo(target)
        elif what == 5:
            target.mkdir()
        elif what == 6:
            target.rename(other)
        else:
            target.write_bytes(bytes([value]) * value)
        return True
    return False


def image(data: bytes) -> None:
    """Decode and preprocess an image."""
    with _typed(), warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = PREPROCESSOR(data)
        assert tensor.shape == (3, 8, 8) and tensor.dtype == np.float32 and np.isfinite(tensor).all()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "manifest": manifest,
    "golden": golden,
    "evidence": evidence,
    "archive": archive,
    "sealed": sealed,
    "directory": directory,
    "image": image,
}
"""Name on the command line, and what it is."""


def each(data: bytes) -> None:
    """Let the first byte choose the target, so that one short run reaches all of them."""
    if data:
        list(TARGETS.values())[data[0] % len(TARGETS)](data[1:])
