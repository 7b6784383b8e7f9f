"""The bundle's specification lists exactly the fields that the code reads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import _reading as reading
from edge_runtime.golden import GoldenCase
from edge_runtime.manifest import (
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    MAX_PATH,
    SCHEMA_VERSION,
    FileEntry,
    Manifest,
    Variant,
)
from edge_runtime.preprocessing import ImagePreprocessing, Resize, TextPreprocessing

PAGE = Path(__file__).parents[2] / "docs" / "bundle-format.md"


def _section(title: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Manifest", Manifest), ("`files[]`", FileEntry), ("`variants[]`", Variant), ("Golden vectors", GoldenCase)],
)
def test_the_tables_have_every_field_and_no_other(title: str, kind: Any) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", _section(title), re.MULTILINE)
    assert sorted(rows) == sorted(field.name for field in dataclasses.fields(kind))


def test_every_field_of_the_preprocessing_is_explained() -> None:
    text = _section("Preprocessing") + _section("Images") + _section("Texts")
    for field in (
        *dataclasses.fields(ImagePreprocessing),
        *dataclasses.fields(Resize),
        *dataclasses.fields(TextPreprocessing),
    ):
        assert field.name == "resize" or re.search(rf"`[^`]*\b{field.name}\b[^`]*`", text), field.name


def test_the_page_is_of_this_schema() -> None:
    assert f"Schema version: {SCHEMA_VERSION}." in PAGE.read_text(encoding="utf-8")


def _pack(form: str, *values: int) -> bytes:
    return struct.pack("<" + form, *values)


def _archive_of_the_page(files: dict[str, bytes]) -> bytes:
    """Write an archive by the table of the page alone."""
    first = ["manifest.json", "manifest.sha256"]
    whole, central = b"", b""
    for path in [*first, *sorted(set(files) - set(first))]:
        data, name = files[path], path.encode("ascii")
        common = _pack("HHHHHIII", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data))
        central += b"PK\x01\x02" + _pack("H", 20) + common
        central += _pack("HHHHHII", len(name), 0, 0, 0, 0, 0, len(whole)) + name
        whole += b"PK\x03\x04" + common + _pack("HH", len(name), 0) + name + data
    end = b"PK\x05\x06" + _pack("HHHHIIH", 0, 0, len(files), len(files), len(central), len(whole), 0)
    return whole + central + end


def _content_of_the_page(document: Any) -> str:
    """Compute `content_id` by the page alone, from the manifest's text."""
    digests = {entry["path"]: entry["sha256"] for entry in document["files"]}
    variants = [dict(variant) for variant in document["variants"]]
    for variant in variants:
        variant["file_sha256"] = digests[variant.pop("file")]
        del variant["onnxruntime_min"], variant["verified_on"]
        variant["tolerance"] = float(variant["tolerance"])
    content = {name: document[name] for name in ("task", "labels", "preprocessing", "recipe")}
    content |= {"golden_sha256": digests[document["golden"]], "variants": variants}

    def text(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{text(name)}:{text(value[name])}" for name in sorted(value)) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(text, value)) + "]"
        if isinstance(value, str):
            units = value.encode("utf-16-be")
            letters = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
            plain = {34: '\\"', 92: "\\\\"}
            return '"' + "".join(plain.get(one, chr(one) if one < 127 else f"\\u{one:04x}") for one in letters) + '"'
        words = {None: "null", True: "true", False: "false"}
        return words[value] if value is None or isinstance(value, bool) else repr(value)

    return "sha256:" + hashlib.sha256(text(content).encode("ascii")).hexdigest()


def test_a_writer_that_follows_the_page_alone_writes_the_same_bytes(make_draft: Any) -> None:
    draft = make_draft(
        labels=("cat", 'größe "\\', "owl \U0001f989", "c", "d"), extra={"recipe": {"n": [1, 1.0, 1e-5, 1e16]}}
    )
    files = draft.seal()
    assert _archive_of_the_page(files) == draft.archive()
    document = json.loads(files["manifest.json"])
    assert _content_of_the_page(document) == document["content_id"]


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for words, value in (
        (f"at most {MAX_MANIFEST_BYTES >> 20} MiB", MAX_MANIFEST_BYTES),
        (f"at most 4 GiB and {MAX_FILES:,} listed files".replace("at", "At", 1), MAX_FILES),
        (f"most {reading.MAX_TEXT:,} characters", reading.MAX_TEXT),
        (f"at most {reading.MAX_ITEMS:,} entries", reading.MAX_ITEMS),
        (f"at most {reading.MAX_DEPTH} levels", reading.MAX_DEPTH),
        (f"at most {MAX_PATH} characters", MAX_PATH),
        ("every number under 1e300", reading.MAX_NUMBER),
    ):
        assert words in page, (words, value)
