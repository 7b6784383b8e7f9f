"""The manifest is read strictly: each broken rule is an error that names the field and the value."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.errors import SchemaError
from edge_runtime.manifest import Unknown, check_label, manifest_from_json, manifest_to_json
from edge_runtime.preprocessing import preprocessing_from_dict

Document = dict[str, Any]


def test_a_manifest_comes_back_as_it_was(draft: Any) -> None:
    manifest = draft.manifest()
    data = manifest_to_json(manifest)
    assert manifest_from_json(data) == manifest
    assert manifest_to_json(manifest_from_json(data)) == data
    assert preprocessing_from_dict(manifest.preprocessing.to_dict()) == manifest.preprocessing


def _set(path: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        at: Any = document
        for parent in parents:
            at = at[parent]
        at[last] = value

    return change


BROKEN: dict[str, tuple[str, Any]] = {
    # field named in the error: (place to change, value)
    "schema": ("schema", "1"),
    "name": ("name", ""),
    "version": ("version", None),
    "task": ("task", "object-detection"),
    "labels": ("labels", ["a", "a"]),
    "labels[0]": ("labels", [""]),
    "labels[1]": ("labels", ["a", "b\tc"]),
    "provisional": ("provisional", 0),
    "golden": ("golden", "golden/none.json"),
    "content_id": ("content_id", "sha256:12"),
    "evidence[0]": ("evidence", ["none.json"]),
    "recipe": ("recipe", []),
    "surprise": ("surprise", 1),
    "preprocessing.kind": ("preprocessing.kind", "audio"),
    "preprocessing.scale": ("preprocessing.scale", 0),
    "preprocessing.std[1]": ("preprocessing.std", [1, 0, 1]),
    "preprocessing.mean": ("preprocessing.mean", [1, 2]),
    "preprocessing.background[2]": ("preprocessing.background", [0, 0, 256]),
    "preprocessing.background[0]": ("preprocessing.background", [0.5, 0, 0]),
    "preprocessing.exif_orientation": ("preprocessing.exif_orientation", "yes"),
    "preprocessing.crop_width": ("preprocessing.crop_width", 29),
    "preprocessing.crop_height": ("preprocessing.crop_height", True),
    "preprocessing.resize.width": ("preprocessing.resize.width", 100_000),
    "preprocessing.resize.height": ("preprocessing.resize.height", 30),
    "preprocessing.resize.kernel": ("preprocessing.resize.kernel", "lanczos"),
    "preprocessing.resize.rule": ("preprocessing.resize.rule", 1),
    "variants": ("variants", []),
    "variants[0].name": ("variants.0.name", "a b"),
    "variants[0].file": ("variants.0.file", "none.onnx"),
    "variants[0].precision": ("variants.0.precision", "int4"),
    "variants[0].exact": ("variants.0.exact", 1),
    "variants[0].tolerance": ("variants.0.tolerance", -1),
    "variants[1].tolerance": ("variants.1.tolerance", 0.1),
    "variants[0].inputs": ("variants.0.inputs", []),
    "variants[0].inputs[0].shape": ("variants.0.inputs.0.shape", ["n", 3, 32, 24]),
    "variants[0].inputs[0].shape[1]": ("variants.0.inputs.0.shape", ["n", 3.0, 24, 24]),
    "variants[1].inputs[0].shape": ("variants.1.inputs.0.shape", [1 << 30, 3, 24, 24]),
    "variants[0].inputs[0].dtype": ("variants.0.inputs.0.dtype", "float"),
    "variants[0].outputs[0].shape": ("variants.0.outputs.0.shape", ["n", 4]),
    "variants[0].session.a": ("variants.0.session", {"a": 1}),
    "variants[0].unknown.threshold": ("variants.0.unknown", {"temperature": 1, "threshold": 2, "precision": 1}),
    "variants[0].unknown.temperature": ("variants.0.unknown", {"temperature": 0, "threshold": 1, "precision": 1}),
    "variants[0].unknown": ("variants.0.unknown", 1),
    "variants[0].unknown.precision": ("variants.0.unknown", {"temperature": 1, "threshold": 1}),
    "files[0].path": ("files.0.path", "../golden.png"),
    "files[0].sha256": ("files.0.sha256", "AB" * 32),
    "files[0].size": ("files.0.size", -1),
    "files[1].size": ("files.1.size", 1 << 31),
    "files[1].crc32": ("files.1.crc32", 10**300),
    "recipe.huge": ("recipe", {"huge": 10**301}),
    "provenance.deep": ("provenance", {"deep": json.loads("[" * 40 + "]" * 40)}),
    "files[0].crc32": ("files.0.crc32", 1 << 32),
    "files": ("files", None),
}


@pytest.mark.parametrize("field", BROKEN)
def test_a_broken_rule_names_the_field(draft: Any, field: str) -> None:
    document = json.loads(manifest_to_json(draft.manifest()))
    place, value = BROKEN[field]
    _set(place, value)(document)
    with pytest.raises(SchemaError) as caught:
        manifest_from_json(json.dumps(document).encode())
    assert str(caught.value).startswith(f"{field}: ")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_class_called_unknown_excludes_the_threshold(draft: Any) -> None:
    manifest = draft.manifest()
    rule = Unknown(temperature=1.0, threshold=0.5, precision=0.9)
    variants = (replace(manifest.variants[0], unknown=rule), *manifest.variants[1:])
    assert manifest_to_json(replace(manifest, variants=variants))
    for spoiled in ({"labels": ("a", "b", "c", "d", "unknown")}, {"task": "image-multilabel"}):
        with pytest.raises(SchemaError, match=r"^variants\[0\].unknown: "):
            manifest_to_json(replace(manifest, variants=variants, **spoiled))


def test_every_field_is_required(draft: Any) -> None:
    document = json.loads(manifest_to_json(draft.manifest()))
    places: list[tuple[str, ...]] = []

    def walk(value: Any, at: tuple[Any, ...]) -> None:
        if isinstance(value, dict) and at[:1] not in (("recipe",), ("provenance",)) and at[-1:] != ("session",):
            places.extend((*at, name) for name in value)
            for name, item in value.items():
                walk(item, (*at, name))
        elif isinstance(value, list):
            for index, item in enumerate(value[:1]):
                walk(item, (*at, index))

    walk(document, ())
    assert len(places) > 40
    for place in places:
        spoiled = copy.deepcopy(document)
        parent: Any = spoiled
        for step in place[:-1]:
            parent = parent[step]
        del parent[place[-1]]
        with pytest.raises(SchemaError, match=str(place[-1])):
            manifest_from_json(json.dumps(spoiled).encode())


@pytest.mark.parametrize(
    "path",
    [
        "/a",
        "a//b",
        "a/../b",
        "./a",
        "..",
        "a/",
        "C:\\a",
        "a b",
        "a\0",
        "é",
        "",
        ".hidden",
        "a.",
        "a./b",
        "golden/nul.png",
        "COM1/b",
        "a" * 300,
        "manifest.json",
    ],
)
def test_paths_that_could_lead_elsewhere_are_refused(draft: Any, path: str) -> None:
    document = json.loads(manifest_to_json(draft.manifest()))
    document["files"][0]["path"] = path
    with pytest.raises(SchemaError, match=r"^files\[0\]\.path: "):
        manifest_from_json(json.dumps(document).encode())


def test_paths_that_are_one_on_some_systems_are_refused(draft: Any) -> None:
    manifest = draft.manifest()
    first = manifest.files[0]
    for twin in (first, replace(first, path=first.path.upper()), replace(first, path=first.path + "/below")):
        files = tuple(sorted((*manifest.files, twin), key=lambda entry: entry.path))
        with pytest.raises(SchemaError, match=r"^files: "):
            manifest_to_json(replace(manifest, files=files))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe{}",
        b'{"schema": NaN}',
        b'{"schema": 1e999}',
        b'{"schema": ' + b"9" * 10_000 + b"}",
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b'{"name": "\\ud800"}',
    ],
    ids=lambda data: data[:24].decode("latin-1"),
)
def test_what_is_not_our_json_is_a_schema_error(data: bytes) -> None:
    with pytest.raises(SchemaError) as caught:
        manifest_from_json(data)
    assert len(str(caught.value)) < 300


def test_a_name_that_stands_twice_is_refused(draft: Any) -> None:
    data = manifest_to_json(draft.manifest())
    assert manifest_from_json(data)
    with pytest.raises(SchemaError, match="'name' stands twice"):
        manifest_from_json(data.replace(b"{", b'{"name": "other",', 1))


def test_the_size_of_a_manifest_is_bounded() -> None:
    with pytest.raises(SchemaError, match="bytes is refused"):
        manifest_from_json(b" " * (33 << 20))


def test_a_manifest_that_could_not_be_read_is_not_written(draft: Any) -> None:
    manifest = draft.manifest()
    for spoiled in (
        replace(manifest, recipe={"at": object()}),
        replace(manifest, recipe={"at": float("nan")}),
        replace(manifest, preprocessing=replace(manifest.preprocessing, std=(0.0, 1.0, 1.0))),
    ):
        with pytest.raises(SchemaError):
            manifest_to_json(spoiled)


STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1 << 63,
    1e308,
    -0.0,
    "",
    "x" * 5000,
    "\x00",
    "é",
    [],
    [[]],
    {},
    {"a": None},
)


def test_strange_values_anywhere_give_a_manifest_or_a_schema_error(draft: Any) -> None:
    document = json.loads(manifest_to_json(draft.manifest()))
    refused = 0

    def spoil(parent: Any, key: Any) -> None:
        nonlocal refused
        kept = parent[key]
        for value in STRANGE:
            parent[key] = value
            try:
                manifest_from_json(json.dumps(document).encode())
            except SchemaError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 400
        parent[key] = kept

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            spoil(value, key)
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(document)
    assert refused > 1000


@pytest.mark.parametrize("label", ["", " a", "a" * 501, "a\nb", "\x85", "\u2028", "not text \udcff"])
def test_a_label_is_checked_alone_by_the_rule_of_manifests(draft: Any, label: str) -> None:
    with pytest.raises(SchemaError, match=r"^label: "):
        check_label(label)
    with pytest.raises(SchemaError):
        manifest_to_json(replace(draft.manifest(), labels=("a", label, "c")))
    check_label("M\u00fcll, 3 \u00b5m")
