"""The `.edge` file: a stored zip that has exactly one form for given files, written and checked byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from edge_runtime.errors import BundleError
from edge_runtime.manifest import DIGEST_NAME, MANIFEST_NAME, MAX_FILES, FileEntry, file_entry

# Formats of the ZIP file format specification (APPNOTE 4.3.7, 4.3.12 and 4.3.16). Of all that they can say, an edge
# archive uses one form: version 2.0, no flags, stored, 1980-01-01 00:00, no extra field, no comment, no attributes.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION = 20
_DATE = (0 << 9) | (1 << 5) | 1
LOCAL_HEADER_BYTES = _LOCAL.size
MAX_ARCHIVE_BYTES = (1 << 32) - 1
"""The stored zip without its 64-bit extension; a larger bundle is a directory."""


def local_header(item: FileEntry) -> bytes:
    """Return the bytes that stand before a file's own."""
    name = item.path.encode("ascii")
    return _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE, item.crc32, item.size, item.size, len(name), 0) + name


def layout(members: Iterable[FileEntry]) -> tuple[dict[str, int], bytes]:
    """Return where each file's bytes begin, and the directory that follows the last file.

    Raises:
        BundleError: too many files, or too large for a zip without extensions.
    """
    starts: dict[str, int] = {}
    central = bytearray()
    offset = 0
    for item in members:
        name = item.path.encode("ascii")
        starts[item.path] = offset + _LOCAL.size + len(name)
        if starts[item.path] + item.size > MAX_ARCHIVE_BYTES or len(starts) > MAX_FILES + 2:
            raise BundleError(f"{item.path}: over 4 GiB or {MAX_FILES} files in the archive; keep it as a directory")
        fixed = (_VERSION, _VERSION, 0, 0, 0, _DATE, item.crc32, item.size, item.size, len(name), 0, 0, 0, 0, 0, offset)
        central += _CENTRAL.pack(b"PK\x01\x02", *fixed) + name
        offset = starts[item.path] + item.size
    central += _END.pack(b"PK\x05\x06", 0, 0, len(starts), len(starts), len(central), offset, 0)
    return starts, bytes(central)


def canonical_archive(files: Mapping[str, bytes]) -> bytes:
    """Return the one `.edge` file that holds these files.

    Args:
        files: Path to bytes; `manifest.json` and `manifest.sha256` must be among them.

    Raises:
        BundleError: the manifest or its digest is missing, or the archive would be too large.
    """
    first = (MANIFEST_NAME, DIGEST_NAME)
    for path in first:
        if path not in files:
            raise BundleError(f"{path}: missing from the files to archive; write the manifest first")
    members = [file_entry(path, files[path]) for path in (*first, *sorted(files.keys() - first))]
    parts = [part for item in members for part in (local_header(item), files[item.path])]
    return b"".join([*parts, layout(members)[1]])


def leading_size(header: bytes) -> int | None:
    """Return the size that a local header declares for `manifest.json`, or None when it is not such a header."""
    if len(header) < _LOCAL.size:
        return None
    fields = _LOCAL.unpack(header[: _LOCAL.size])
    crc32, size = fields[6], fields[7]
    expected = local_header(FileEntry(MANIFEST_NAME, "", size, crc32))
    return int(size) if header[: len(expected)] == expected else None
