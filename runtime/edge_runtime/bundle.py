"""Open a bundle by the read rule: hash the bytes, then parse those same bytes; refuse whatever is not signed off."""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from edge_runtime._containers import DIGEST_BYTES, Archive, Container, Directory, Sealed, read, seal
from edge_runtime._reading import is_sha256
from edge_runtime._threads import Beside
from edge_runtime.bundle_archive import canonical_archive
from edge_runtime.errors import BundleError, InputError, IntegrityError, MachineError
from edge_runtime.manifest import FileEntry, Manifest, manifest_from_json

__all__ = ["Bundle", "canonical_archive", "content_id", "digest_line", "open_bundle", "read_bundle"]

Source = str | os.PathLike[str] | bytes
_Bytes: TypeAlias = "bytes | Sealed"
_CHUNK = 1 << 19  # bytes: few calls, and it stays in the second-level cache between reading and hashing


class Bundle:
    """A bundle whose manifest is verified; each file is verified as it is read."""

    manifest: Manifest
    manifest_sha256: str
    """Pins the whole bundle: the manifest covers every file."""
    source: str | bytes
    """What to open again: an absolute path, or the archive's bytes."""

    def __init__(self, source: str | bytes, container: Container, manifest: Manifest, manifest_sha256: str) -> None:
        self.source = source
        self.manifest = manifest
        self.manifest_sha256 = manifest_sha256
        self._container = container
        self._entries = {entry.path: entry for entry in manifest.files}
        self._verified: set[str] = set()
        self._ahead: dict[str, Beside[_Bytes]] = {}

    def expect(self, path: str) -> None:
        """Begin to read a file beside other work, for the next `expected` of it."""
        self._ahead[path] = Beside(partial(self._read, path, seal))

    def expected(self, path: str) -> _Bytes:
        """Return what `expect` began to read, or what `read` does."""
        ahead = self._ahead.pop(path, None)
        return ahead.result() if ahead else self.read(path)

    def read(self, path: str) -> bytes:
        """Return a file's bytes, after holding them against their digest.

        Raises:
            IntegrityError: the manifest does not list the path, or the bytes are not those that it covers.
            MachineError: the file does not fit into memory.
        """
        return bytes(self._read(path, read))  # no copy: they are bytes

    def _read(self, path: str, take: Callable[[Any, int], _Bytes]) -> _Bytes:
        entry = self._entries.get(path)
        if entry is None:
            raise IntegrityError(f"{path}: not listed in the manifest; it lists {', '.join(self._entries)}")
        try:
            file, most = self._container.open(path, entry.size)
            with file:
                data = take(file, most)
        except OSError as error:
            raise _unreadable(self._name(), error) from error
        except MemoryError as error:
            raise MachineError(f"{self._name()}: no memory for the {entry.size} bytes of {path}; free some") from error
        self._accept(entry, hashlib.sha256(data), len(data))
        return data

    def verify(self) -> None:
        """Check every file that was not read yet, in bounded memory.

        Raises:
            IntegrityError: with the first file whose bytes differ.
        """
        left = [entry for entry in self._entries.values() if entry.path not in self._verified]
        buffer = memoryview(bytearray(min(_CHUNK, max((entry.size for entry in left), default=0) + 1)))
        try:
            for entry in left:
                file, most = self._container.open(entry.path, entry.size)
                with file:
                    digest, rest = hashlib.sha256(), most
                    while rest > 0 and (got := file.readinto(buffer[:rest])):
                        digest.update(buffer[:got])
                        rest -= got
                self._accept(entry, digest, most - rest)
        except OSError as error:
            raise _unreadable(self._name(), error) from error

    def _name(self) -> str:
        return self.source if isinstance(self.source, str) else "bundle"

    def _accept(self, entry: FileEntry, digest: hashlib._Hash, size: int) -> None:
        sha256 = digest.hexdigest()
        if sha256 != entry.sha256 or size != entry.size:
            raise IntegrityError(
                f"{self._name()}: {entry.path} is not what the manifest signed off (SHA-256 {sha256}); copy it again"
            )
        self._verified.add(entry.path)


def read_bundle(source: Source, *, sha256: str | None = None) -> Bundle:
    """Open a bundle and verify every byte of it.

    Args:
        source: A directory, a `.edge` file, or the bytes of one.
        sha256: Digest of the manifest (`Bundle.manifest_sha256`) that is required; any other bundle is refused.

    Raises:
        InputError: there is nothing at the path.
        IntegrityError: bytes differ from what was signed off, or a file is missing, unlisted or a link.
        SchemaError: the manifest is of another schema or breaks its rules.
        BundleError: it is not a bundle.
    """
    bundle = open_bundle(source, sha256=sha256)
    bundle.verify()
    return bundle


def open_bundle(source: Source, *, sha256: str | None = None) -> Bundle:
    """Open a bundle as `read_bundle` does, but leave its files to `Bundle.read` and `Bundle.verify`."""
    place, container = _locate(source)
    name = place if isinstance(place, str) else "bundle"
    try:
        data, digest = container.manifest()
        actual = hashlib.sha256(data).hexdigest()
        if digest[:DIGEST_BYTES] != digest_line(actual) or len(digest) != DIGEST_BYTES:
            raise IntegrityError(
                f"{name}: manifest.json has SHA-256 {actual[:16]}..., manifest.sha256 says otherwise; copy it again"
            )
        if sha256 is not None and actual != _pin(sha256):
            raise IntegrityError(
                f"{name}: manifest.json has SHA-256 {actual}, {sha256} is required; this is another bundle"
            )
        manifest = manifest_from_json(data)
        container.check_listing(manifest, data, digest)
    except OSError as error:
        raise _unreadable(name, error) from error
    expected = content_id(manifest)
    if manifest.content_id != expected:
        raise IntegrityError(
            f"{name}: content_id {manifest.content_id}, its content has {expected}; make the bundle again"
        )
    return Bundle(place, container, manifest, actual)


_GIVE = "give the directory or .edge file that `edge export` wrote"


def _locate(source: Source) -> tuple[str | bytes, Container]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        return data, Archive(data)
    try:
        path = os.path.join(os.getcwd(), os.fspath(source))
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{str(source)!r}: no such bundle; {_GIVE}") from error
    except OSError as error:
        raise _unreadable(reprlib.repr(source), error) from error
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{reprlib.repr(source)}: not a path or bytes; give a bundle's directory, .edge file or bytes"
        ) from error
    if stat.S_ISDIR(mode):
        return path, Directory(path)
    if stat.S_ISREG(mode):
        return path, Archive(path)
    raise InputError(f"{str(source)!r}: neither a file nor a directory; {_GIVE}")


def _unreadable(name: str, error: OSError) -> BundleError:
    return BundleError(f"{name}: cannot be read ({error.strerror or error}); check its permissions and the disk")


def _pin(sha256: str) -> str:
    digest = sha256.removeprefix("sha256:").lower()
    if not is_sha256(digest):
        raise InputError(f"sha256={sha256!r}: not 64 hexadecimal digits; `edge inspect` prints the manifest's digest")
    return digest


def digest_line(sha256: str) -> bytes:
    """Return the bytes of `manifest.sha256` for a manifest with this digest."""
    return f"{sha256}\n".encode("ascii")


# What a variant says about where it was tried, rather than about what it answers.
_NOT_CONTENT = ("onnxruntime_min", "verified_on", "file")


def content_id(manifest: Manifest) -> str:
    """Return `sha256:` and the hash of everything that decides an answer; `manifest.content_id` itself is not read.

    Covered: task, labels, preprocessing, recipe, the golden vectors' digest, and of each variant its name, file digest,
    precision, device, signature, exactness, tolerance, session options and `unknown`. Not covered: names, versions,
    provenance, evidence, and where a variant was verified.
    """
    digests = {entry.path: entry.sha256 for entry in manifest.files}
    document = {
        "task": manifest.task,
        "labels": manifest.labels,
        "preprocessing": manifest.preprocessing,
        "recipe": manifest.recipe,
        "golden_sha256": digests[manifest.golden],
        "variants": [_decisive(vars(variant), digests) for variant in manifest.variants],
    }
    # `vars` turns dataclasses into objects without the deep copies of `asdict`.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, default=vars)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _decisive(variant: dict[str, Any], digests: dict[str, str]) -> dict[str, Any]:
    kept = {name: value for name, value in variant.items() if name not in _NOT_CONTENT}
    return kept | {"file_sha256": digests[variant["file"]]}
