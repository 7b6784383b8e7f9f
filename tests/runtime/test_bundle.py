"""The read rule: every changed byte is refused, and so is whatever the manifest does not list."""

from __future__ import annotations

import hashlib
import io
import os
import random
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import canonical_archive, content_id, digest_line, open_bundle, read_bundle
from edge_runtime.errors import BundleError, InputError, IntegrityError, SchemaError
from edge_runtime.manifest import FileEntry, Unknown, manifest_to_json

FLIPS = 10_000


def test_all_forms_hold_the_same(draft: Any, archive: Path, directory: Path) -> None:
    files = draft.seal()
    bundles = [
        read_bundle(directory),
        read_bundle(archive),
        read_bundle(archive.read_bytes()),
        read_bundle(str(archive)),
    ]
    for bundle in bundles:
        assert bundle.manifest == draft.manifest()
        assert bundle.manifest_sha256 == hashlib.sha256(files["manifest.json"]).hexdigest()
        for path, data in draft.files.items():
            assert bundle.read(path) == data
        with pytest.raises(IntegrityError, match="not listed"):
            bundle.read("manifest.json")


def test_the_archive_is_an_ordinary_stored_zip(draft: Any, archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.namelist()[:2] == ["manifest.json", "manifest.sha256"]
        assert opened.namelist()[2:] == sorted(draft.files)
        assert {path: opened.read(path) for path in opened.namelist()} == draft.seal()
        assert {item.date_time for item in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def _places(sizes: Mapping[str, int], chooser: random.Random) -> list[tuple[str, int]]:
    """Return a file and a place in it for each flip: every byte once where the file is small, and many at random."""
    places = [(path, at) for path, size in sizes.items() if size <= 4096 for at in range(size)]
    total = chooser.choices(list(sizes), weights=list(sizes.values()), k=max(1000, FLIPS - len(places)))
    return places + [(path, chooser.randrange(sizes[path])) for path in total]


@pytest.fixture
def smallest(make_draft: Any, make_variant: Any) -> Any:
    """A bundle of one variant and one golden input, so that many thousands of flips stay quick."""
    draft = make_draft(variants=[make_variant()])
    for path in ("models/cpu-int8.onnx", "golden/1.png", "golden/2.png"):
        del draft.files[path]
    return draft


def test_every_flipped_byte_of_an_archive_is_refused(smallest: Any) -> None:
    data = bytearray(smallest.archive())
    chooser = random.Random(0)
    # The headers at both ends, where a zip reader would not look twice, are all tried; of the rest, a sample.
    places = [*range(100), *range(len(data) - 900, len(data)), *chooser.choices(range(len(data)), k=FLIPS - 1000)]
    assert len(places) >= 10_000
    for place in places:
        flip = 1 << chooser.randrange(8)
        data[place] ^= flip
        with pytest.raises(BundleError):
            read_bundle(bytes(data))
        data[place] ^= flip
    assert read_bundle(bytes(data))


def test_every_flipped_byte_of_a_directory_is_refused(smallest: Any, lay_out: Any, tmp_path: Path) -> None:
    chooser = random.Random(1)
    directory = lay_out(tmp_path / "small", smallest.seal())
    sizes = {path: len(data) for path, data in smallest.seal().items()}
    places = _places(sizes, chooser)
    assert len(places) >= 10_000 and {path for path, _ in places} == set(sizes)
    with ExitStack() as stack:
        files = {path: stack.enter_context((directory / path).open("r+b", buffering=0)) for path in sizes}
        for path, at in places:
            descriptor = files[path].fileno()
            byte = os.pread(descriptor, 1, at)[0]
            os.pwrite(descriptor, bytes([byte ^ 1 << chooser.randrange(8)]), at)
            with pytest.raises(BundleError):
                read_bundle(directory)
            os.pwrite(descriptor, bytes([byte]), at)
    assert read_bundle(directory)


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 30, 5000, -1, -22])
def test_a_cut_or_grown_archive_is_refused(archive: Path, cut: int) -> None:
    data = archive.read_bytes()
    for spoiled in (data[:cut], data + data[:cut] + b"x", b"x" + data):
        with pytest.raises(BundleError):
            read_bundle(spoiled)


def test_what_is_not_listed_is_refused(directory: Path, draft: Any) -> None:
    spoilers = {
        "unlisted file": lambda root: (root / "models" / "other.onnx").write_bytes(b"x"),
        "unlisted directory": lambda root: (root / "cache").mkdir(),
        "hidden file": lambda root: (root / ".DS_Store").write_bytes(b""),
        "missing file": lambda root: (root / "golden/0.png").unlink(),
        "missing digest": lambda root: (root / "manifest.sha256").unlink(),
        "missing manifest": lambda root: (root / "manifest.json").unlink(),
        "longer file": lambda root: (root / "golden/0.png").write_bytes(draft.files["golden/0.png"] + b"x"),
    }
    files = {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for name, spoil in spoilers.items():
        root = directory.with_name(name)
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        assert read_bundle(root)
        spoil(root)
        words = (
            name.split()[0].replace("unlisted", "not listed").replace("hidden", "not listed").replace("longer", "bytes")
        )
        with pytest.raises(IntegrityError, match=words):
            open_bundle(root)  # before any file's own bytes are read


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_and_pipes_are_refused_though_the_bytes_are_right(directory: Path, tmp_path: Path) -> None:
    target = directory / "golden/0.png"
    elsewhere = tmp_path / "same.png"
    target.rename(elsewhere)
    target.symlink_to(elsewhere)
    with pytest.raises(IntegrityError, match="a link; a bundle holds plain files"):
        read_bundle(directory)
    target.unlink()
    os.mkfifo(target)
    with pytest.raises(IntegrityError):
        read_bundle(directory)
    target.unlink()
    elsewhere.rename(target)
    (directory / "golden").rename(tmp_path / "golden")
    (directory / "golden").symlink_to(tmp_path / "golden", target_is_directory=True)
    with pytest.raises(IntegrityError, match="a link; a bundle holds plain files"):
        read_bundle(directory)


def test_bytes_changed_after_opening_are_refused(directory: Path) -> None:
    bundle = open_bundle(directory)
    model = directory / "models/cpu-fp32.onnx"
    data = bytearray(model.read_bytes())
    data[100] ^= 1
    model.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"models/cpu-fp32\.onnx is not what the manifest signed off"):
        bundle.read("models/cpu-fp32.onnx")


def _zip(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED, twice: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
        if twice:
            archive.writestr(zipfile.ZipInfo(twice), files[twice])
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_only_the_canonical_archive_is_accepted(draft: Any) -> None:
    files = draft.seal()
    canonical = canonical_archive(files)
    assert read_bundle(canonical)
    shuffled = dict(reversed(files.items()))
    for spoiled in (
        _zip(files, zipfile.ZIP_DEFLATED),
        _zip(shuffled),
        _zip(files, twice="golden/0.png"),
        _zip({**files, "../evil": b"x"}),
        _zip({**files, "/evil": b"x"}),
        canonical + b"PK\x05\x06" + bytes(18),
    ):
        assert spoiled != canonical
        with pytest.raises(BundleError):
            read_bundle(spoiled)


def test_a_huge_declared_size_reserves_nothing(draft: Any) -> None:
    entries = draft.manifest().files
    lying = tuple(replace(entry, size=(1 << 31) - 1) if entry.path == "golden/0.png" else entry for entry in entries)
    data = manifest_to_json(replace(draft.manifest(), files=lying))
    files = {**draft.seal(), "manifest.json": data, "manifest.sha256": digest_line(hashlib.sha256(data).hexdigest())}
    with pytest.raises(BundleError):
        read_bundle(canonical_archive(files))
    header = bytearray(draft.archive())
    header[18:26] = b"\xff" * 8  # the manifest's own size
    with pytest.raises(BundleError):
        read_bundle(bytes(header))


def test_the_pin_names_one_bundle(archive: Path, make_draft: Any) -> None:
    pin = read_bundle(archive).manifest_sha256
    assert read_bundle(archive, sha256=pin)
    assert read_bundle(archive, sha256="sha256:" + pin.upper())
    other = make_draft(extra={"version": "1.0.1"}).archive()
    with pytest.raises(IntegrityError, match="is required; this is another bundle"):
        read_bundle(other, sha256=pin)
    with pytest.raises(InputError, match="not 64 hexadecimal digits"):
        read_bundle(archive, sha256="abc")


def test_what_is_no_bundle_says_so(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    for source, kind, words in (
        (tmp_path / "none.edge", InputError, "no such bundle"),
        (tmp_path, IntegrityError, "manifest.json: missing"),
        (photo, BundleError, "not an edge bundle"),
        (b"", BundleError, "not an edge bundle"),
        (3, InputError, "not a path or bytes"),
    ):
        with pytest.raises(kind, match=words):
            read_bundle(source)  # type: ignore[arg-type]


def test_content_id_covers_what_decides_an_answer_and_nothing_else(draft: Any) -> None:
    manifest = draft.manifest()
    assert manifest.content_id == content_id(manifest)
    first, *others = manifest.variants
    rule = Unknown(1.0, 0.5, 0.9)
    golden = [entry for entry in manifest.files if entry.path == manifest.golden]
    changed = [
        replace(manifest, labels=manifest.labels[::-1]),
        replace(manifest, recipe={"precision": "int8"}),
        replace(manifest, preprocessing=replace(manifest.preprocessing, color="bgr")),
        replace(manifest, variants=manifest.variants[::-1]),
        replace(manifest, variants=(replace(first, tolerance=2e-4), *others)),
        replace(manifest, variants=(replace(first, unknown=rule), *others)),
        replace(manifest, variants=(replace(first, session={"session.x64quantprecision": "1"}), *others)),
        replace(manifest, files=tuple(replace(e, sha256="0" * 64) if e in golden else e for e in manifest.files)),
    ]
    identifiers = [content_id(item) for item in (manifest, *changed)]
    assert len(set(identifiers)) == len(identifiers)
    same = [
        replace(manifest, name="other", version="2", provenance={}, content_id=""),
        replace(manifest, files=(*manifest.files, FileEntry("z.json", "0" * 64, 1, 0)), evidence=("z.json",)),
        replace(manifest, variants=(replace(first, onnxruntime_min="1.22.0", verified_on=("arm64",)), *others)),
    ]
    assert {content_id(item) for item in same} == {manifest.content_id}


def test_a_content_id_that_is_not_its_content_is_refused(draft: Any) -> None:
    files = draft.seal()
    data = manifest_to_json(replace(draft.manifest(), content_id="sha256:" + "0" * 64))
    files |= {"manifest.json": data, "manifest.sha256": digest_line(hashlib.sha256(data).hexdigest())}
    with pytest.raises(IntegrityError, match="content_id"):
        read_bundle(canonical_archive(files))


def test_a_newer_schema_asks_for_a_newer_runtime(draft: Any) -> None:
    files = draft.seal()
    data = files["manifest.json"].replace(b'"schema": 1,', b'"schema": 2,')
    assert data != files["manifest.json"]
    files |= {"manifest.json": data, "manifest.sha256": digest_line(hashlib.sha256(data).hexdigest())}
    with pytest.raises(SchemaError, match="made by a newer edge, upgrade edge-runtime"):
        read_bundle(canonical_archive(files))
