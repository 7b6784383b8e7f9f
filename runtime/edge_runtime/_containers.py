"""Where a bundle's bytes lie: a directory, or a `.edge` file on disk or in memory. Nothing here is trusted yet."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from edge_runtime import bundle_archive
from edge_runtime.errors import BundleError, IntegrityError
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest

_CHUNK = 1 << 19  # bytes: few calls, and it stays in the second-level cache between reading and hashing
_SLASH = re.compile("/")
DIGEST_BYTES = 65
"""64 hexadecimal digits and a newline."""


def _read(file: io.FileIO | io.BytesIO, most: int) -> bytes:
    """Read so many bytes, or all that there are: one call may give less."""
    data = file.read(most)
    while len(data) < most and (more := file.read(most - len(data))):
        data += more
    return data


def _hash(file: io.FileIO | io.BytesIO, most: int, buffer: memoryview) -> tuple[str, int]:
    """Hash at most so many bytes through a buffer that stays in the processor's cache."""
    digest, left = hashlib.sha256(), most
    while left > 0 and (got := file.readinto(buffer[:left])):
        digest.update(buffer[:got])
        left -= got
    return digest.hexdigest(), most - left


def _buffer(sizes: Mapping[str, int]) -> memoryview:
    return memoryview(bytearray(min(_CHUNK, max(sizes.values(), default=0) + 1)))


class Directory:
    """A bundle laid out as files."""

    def __init__(self, root: str) -> None:
        self.root = root

    def _open(self, path: str) -> io.FileIO:
        # A link would be followed to bytes outside the bundle; a pipe would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        target = f"{self.root}{os.sep}{path}"
        try:
            descriptor = os.open(target, flags)
        except FileNotFoundError as error:
            raise IntegrityError(f"{target}: missing; copy the whole bundle again") from error
        except OSError as error:
            raise IntegrityError(
                f"{target}: cannot be opened ({error.strerror}); copy the whole bundle again"
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IntegrityError(f"{target}: not a plain file; copy the whole bundle again")
        return io.FileIO(descriptor)

    def manifest(self) -> tuple[bytes, bytes]:
        """Read the two files, never more than their bounds."""
        with self._open(MANIFEST_NAME) as file:
            size = os.fstat(file.fileno()).st_size
            return _read(file, min(size, MAX_MANIFEST_BYTES) + 1), self.read(DIGEST_NAME, DIGEST_BYTES)

    def check_listing(self, manifest: Manifest, manifest_bytes: bytes, digest: bytes) -> None:
        """Walk the directory once; the first thing that is not listed ends it."""
        sizes = {entry.path: entry.size for entry in manifest.files}
        sizes |= {MANIFEST_NAME: len(manifest_bytes), DIGEST_NAME: len(digest)}
        parents = {path[: found.end()] for path in sizes for found in _SLASH.finditer(path)}
        missing = set(sizes)
        waiting = [""]
        while waiting:
            below = waiting.pop()
            with os.scandir(f"{self.root}{os.sep}{below}") as entries:
                for entry in entries:
                    path = below + entry.name
                    if f"{path}/" in parents and entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{path}/")
                        continue
                    self._check_entry(entry, sizes.get(path))
                    missing.discard(path)
        for path in sorted(missing):
            raise IntegrityError(
                f"{self.root}{os.sep}{path}: listed in the manifest and missing; copy the whole bundle again"
            )

    def _check_entry(self, entry: os.DirEntry[str], size: int | None) -> None:
        if entry.is_symlink():
            raise IntegrityError(f"{entry.path}: a link; a bundle holds plain files only")
        if size is None or not entry.is_file(follow_symlinks=False):
            raise IntegrityError(f"{entry.path}: not listed in the manifest; remove it or copy the whole bundle again")
        actual = entry.stat(follow_symlinks=False).st_size
        if actual != size:
            raise IntegrityError(f"{entry.path}: {actual} bytes, the manifest says {size}; copy the whole bundle again")

    def read(self, path: str, size: int) -> bytes:
        """Read one file."""
        with self._open(path) as file:
            return _read(file, size + 1)

    def hashes(self, sizes: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
        """Hash the files one by one."""
        buffer = _buffer(sizes)
        for path, size in sizes.items():
            with self._open(path) as file:
                yield (path, *_hash(file, size + 1, buffer))


class Archive:
    """A bundle as one `.edge` file. It is reopened for each read, so that nothing stays open between calls."""

    def __init__(self, source: str | bytes) -> None:
        self.source = source
        self.name = source if isinstance(source, str) else f"<{len(source)} bytes>"
        self._starts: dict[str, int] = {}

    def _open(self) -> io.FileIO | io.BytesIO:
        if isinstance(self.source, bytes):
            return io.BytesIO(self.source)
        try:
            return io.FileIO(self.source)
        except OSError as error:
            raise BundleError(
                f"{self.name}: cannot be opened ({error.strerror}); check the path and its permissions"
            ) from error

    def manifest(self) -> tuple[bytes, bytes]:
        """Read the two leading files, whose places are fixed."""
        with self._open() as file:
            header = _read(file, bundle_archive.LOCAL_HEADER_BYTES + len(MANIFEST_NAME))
            size = bundle_archive.leading_size(header)
            if size is None or size > MAX_MANIFEST_BYTES:
                raise BundleError(
                    f"{self.name}: not an edge bundle, or one that another tool packed; give what `edge export` wrote"
                )
            data = _read(file, size)
            file.seek(bundle_archive.LOCAL_HEADER_BYTES + len(DIGEST_NAME), io.SEEK_CUR)
            return data, _read(file, DIGEST_BYTES)

    def check_listing(self, manifest: Manifest, manifest_bytes: bytes, digest: bytes) -> None:
        """Hold every byte that is not a payload against the one form that the manifest allows."""
        members = [bundle_archive.member(MANIFEST_NAME, manifest_bytes), bundle_archive.member(DIGEST_NAME, digest)]
        members += [bundle_archive.Member(entry.path, entry.size, entry.crc32) for entry in manifest.files]
        self._starts, central = bundle_archive.layout(members)
        end = self._starts[members[-1].path] + members[-1].size
        with self._open() as file:
            total = file.seek(0, io.SEEK_END)
            if total != end + len(central):
                self._refuse(f"{total} bytes, the manifest says {end + len(central)}")
            for item in members:
                header = bundle_archive.local_header(item)
                start = self._starts[item.path] - len(header)
                file.seek(start)
                if file.read(len(header)) != header:
                    self._refuse(f"the header of {item.path} at byte {start} is not canonical")
            file.seek(end)
            if file.read(len(central)) != central:
                self._refuse(f"the directory at byte {end} is not canonical")

    def _refuse(self, what: str) -> None:
        raise IntegrityError(f"{self.name}: {what}; changed or packed by another tool, copy the bundle again")

    def read(self, path: str, size: int) -> bytes:
        """Read one file."""
        if isinstance(self.source, bytes):
            return self.source[self._starts[path] : self._starts[path] + size]
        with self._open() as file:
            file.seek(self._starts[path])
            return _read(file, size)

    def hashes(self, sizes: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
        """Hash the files one by one; where the next one begins is known, so there is none over its size."""
        if isinstance(self.source, bytes):
            whole = memoryview(self.source)
            for path, size in sizes.items():
                part = whole[self._starts[path] : self._starts[path] + size]
                yield path, hashlib.sha256(part).hexdigest(), len(part)
            return
        buffer = _buffer(sizes)
        with self._open() as file:
            for path, size in sizes.items():
                file.seek(self._starts[path])
                yield (path, *_hash(file, size, buffer))


Container: TypeAlias = Directory | Archive
"""Gives bytes by path and knows what else lies there."""
