"""Where a bundle's bytes lie: a directory, or a `.edge` file on disk or in memory. Nothing here is trusted yet."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import re
import stat
import weakref
from typing import TypeAlias

from edge_runtime import bundle_archive
from edge_runtime.errors import BundleError, IntegrityError
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, file_entry

_SEALS = 0xF  # F_SEAL_SEAL, _SHRINK, _GROW and _WRITE of fcntl(2)
_SLASH = re.compile("/")
DIGEST_BYTES = 65
"""64 hexadecimal digits and a newline."""


def read(file: io.FileIO | io.BytesIO, most: int) -> bytes:
    """Read so many bytes, or all that there are: one call may give less."""
    data = file.read(most)
    while len(data) < most and (more := file.read(most - len(data))):
        data += more
    return data


class Sealed(mmap.mmap):
    """Bytes in a sealed file of their own in memory; it is gone with this object."""

    path: str


def seal(file: io.FileIO | io.BytesIO, most: int) -> bytes | Sealed:
    """Read as `read` does, into sealed memory where the system has that (Linux with /proc)."""
    if isinstance(file, io.FileIO) and hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError, ValueError):  # not allowed here, or no bytes at all
            return _sealed(file, most)
    return read(file, most)


def _sealed(file: io.FileIO, most: int) -> Sealed:
    import fcntl  # when needed: not every system has it

    memory = os.memfd_create("edge", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        size, start = 0, file.tell()
        while size < most and (got := os.sendfile(memory, file.fileno(), start + size, most - size)):
            size += got
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        path = f"/proc/self/fd/{memory}"
        os.close(os.open(path, os.O_RDONLY))
        # A private mapping: older kernels let nobody share what is sealed against writing.
        made = Sealed(memory, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    except BaseException:
        os.close(memory)
        raise
    weakref.finalize(made, os.close, memory)
    made.path = path
    return made


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
            data = read(file, min(size, MAX_MANIFEST_BYTES) + 1)
        with self._open(DIGEST_NAME) as file:
            return data, read(file, DIGEST_BYTES + 1)

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

    def open(self, path: str, size: int) -> tuple[io.FileIO, int]:
        """Open a listed file, and say how many bytes to read: one over its size, which it may have outgrown."""
        return self._open(path), size + 1


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
            header = read(file, bundle_archive.LOCAL_HEADER_BYTES + len(MANIFEST_NAME))
            size = bundle_archive.leading_size(header)
            if size is None or size > MAX_MANIFEST_BYTES:
                raise BundleError(
                    f"{self.name}: not an edge bundle, or one that another tool packed; give what `edge export` wrote"
                )
            data = read(file, size)
            file.seek(bundle_archive.LOCAL_HEADER_BYTES + len(DIGEST_NAME), io.SEEK_CUR)
            return data, read(file, DIGEST_BYTES)

    def check_listing(self, manifest: Manifest, manifest_bytes: bytes, digest: bytes) -> None:
        """Hold every byte that is not a payload against the one form that the manifest allows."""
        members = [file_entry(MANIFEST_NAME, manifest_bytes), file_entry(DIGEST_NAME, digest), *manifest.files]
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

    def open(self, path: str, size: int) -> tuple[io.FileIO | io.BytesIO, int]:
        """Open the archive where a listed file begins, and say how many bytes to read: the next one follows."""
        file = self._open()
        file.seek(self._starts[path])
        return file, size


Container: TypeAlias = Directory | Archive
"""Gives bytes by path and knows what else lies there."""
