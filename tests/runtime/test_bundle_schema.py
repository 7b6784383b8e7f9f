"""The published JSON schema and the reader agree, up to the rules that the specification lists beside the schema."""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.errors import SchemaError
from edge_runtime.golden import read_golden
from edge_runtime.manifest import Manifest, Unknown, manifest_from_json, manifest_to_json
from edge_runtime.preprocessing import Region

DOCS = Path(__file__).parents[2] / "docs"


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("bundle_schema", DOCS / "bundle_schema.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = _generator()
SCHEMA = json.loads((DOCS / "bundle.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOLDEN = VALIDATOR.evolve(schema={**SCHEMA, "$ref": "#/$defs/Golden"})


def test_the_schema_is_current_and_valid() -> None:
    assert MAKER.bundle_schema() == (DOCS / "bundle.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fields = [field for kind in SCHEMA["$defs"].values() for field in kind.get("properties", ())]
    assert len(fields) > 50
    for rule in MAKER._RULES:  # a rule of a field that was renamed would silently say nothing
        kind, field = rule.split(".")
        assert field in SCHEMA["$defs"][kind]["properties"], rule


def test_what_is_written_is_valid(draft: Any, full: Manifest) -> None:
    manifest = draft.manifest()
    deep = {"deep": [{"a": [1.5, None, True]}]}
    for one in (manifest, full, replace(manifest, task="image-multilabel", provenance=deep, provisional=True)):
        VALIDATOR.validate(json.loads(manifest_to_json(one)))
    GOLDEN.validate(json.loads(draft.files[manifest.golden]))
    with pytest.raises(jsonschema.ValidationError):
        GOLDEN.validate(json.loads(draft.files[manifest.golden]) | {"schema": 2})


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*at, key)
            yield from _places(value[key], (*at, key))


ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 8, 9, 63, 255, 256, 8192, 8193, 1 << 31, 1 << 32, 10**299, 10**300),
    *(0.0, -0.0, 1.0, 0.5, 1e-6, 9e-7, 1e6, 1e6 + 1, 1e300, -1e299, 1.0000001, 255.5),
    *("", " a", "a", "a\n", "\u2028", "\u3000a", "é", "a/b", "../a", ".a", "a.", "nul", "x" * 201, "x" * 5000),
    *("manifest.json", "golden/golden.json", "sha256:" + "0" * 64, "0" * 64, "0" * 64 + "\n", "unknown"),
    *("float32", "fp16", "cuda", "NHWC", "bgr", "exact", "image-multilabel", "1", "schema"),
    *({}, [], ["a"], [1], {"a": "b"}, {"a": 1}, {"a\n": "b"}, json.loads("[" * 40 + "]" * 40)),
    {"left": 0.2, "top": 0.2, "right": 0.1, "bottom": 1.0},
    {"temperature": 1.0, "threshold": 0.5, "precision": 1.5},
)


def _mutate(document: Any, chooser: random.Random) -> None:
    places = list(_places(document))
    parent, last = _at(document, chooser.choice(places))
    how = chooser.choice(["set", "set", "set", "delete", "add", "double", "copy", "float"])
    if how == "delete":
        del parent[last]
    elif how == "add" and isinstance(parent, dict):
        parent[chooser.choice(["a", "schema", "a\n", "x" * 5000])] = copy.deepcopy(chooser.choice(ODD))
    elif how == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    elif how == "copy":
        other, key = _at(document, chooser.choice(places))
        parent[last] = copy.deepcopy(other[key])
    elif how == "float" and type(parent[last]) is int:
        parent[last] = float(parent[last])
    else:
        parent[last] = copy.deepcopy(chooser.choice(ODD))


def _at(document: Any, place: tuple[Any, ...]) -> tuple[Any, Any]:
    for step in place[:-1]:
        document = document[step]
    return document, place[-1]


def _explained(refusal: str) -> bool:
    """Whether the specification lists, beside the schema, the rule that the reader's error names."""
    field = re.sub(r"\[\d+\]", "[]", refusal.partition(": ")[0])
    if field in MAKER.BEYOND:
        return True
    if refusal.endswith("integer is expected") or "one of int, str" in refusal:
        return "any integer" in MAKER.BEYOND
    return bool(re.match(r"(recipe|provenance)\.", field)) and "levels are expected" in refusal


@pytest.fixture(scope="module")
def full(draft: Any) -> Manifest:
    """A manifest in which no field is null or empty."""
    manifest: Manifest = draft.manifest()
    session = {"session.x64quantprecision": "1"}
    first = replace(manifest.variants[0], unknown=Unknown(1.5, 0.5, 0.9), session=session, verified_on=("arm64",))
    contract = replace(manifest.preprocessing, region=Region(0.1, 0.1, 0.9, 1), draft=2)
    return replace(manifest, variants=(first,), preprocessing=contract, evidence=(manifest.files[0].path,))


@pytest.fixture(scope="module")
def manifest_text(full: Manifest) -> str:
    """A manifest as JSON."""
    return manifest_to_json(full).decode()


@pytest.fixture(scope="module")
def golden_text(draft: Any) -> str:
    """A golden file as JSON."""
    return str(draft.files["golden/golden.json"].decode())


FEW = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@settings(FEW, max_examples=300)
@given(seed=st.integers(0, 1 << 64))
def test_schema_and_reader_differ_only_where_the_specification_says(manifest_text: str, seed: int) -> None:
    document = json.loads(manifest_text)
    chooser = random.Random(seed)
    for _ in range(chooser.randrange(1, 3)):
        _mutate(document, chooser)
    try:
        manifest_from_json(json.dumps(document).encode())
    except SchemaError as error:
        if not _explained(str(error)):
            assert not VALIDATOR.is_valid(document), f"the schema accepts what the reader refuses: {error}"
    else:
        VALIDATOR.validate(document)


@settings(FEW, max_examples=100)
@given(seed=st.integers(0, 1 << 64))
def test_golden_file_and_schema_agree(golden_text: str, seed: int) -> None:
    document = json.loads(golden_text)
    _mutate(document, random.Random(seed))
    try:
        read_golden(json.dumps(document).encode())
    except SchemaError as error:
        assert not GOLDEN.is_valid(document) or _explained(str(error)), error
    else:
        GOLDEN.validate(document)


def _inner(schema: Any, step: Any) -> Any:
    """Return the schema of one field or item of what `schema` describes."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(step, int):
        return schema["items"] if "items" in schema else schema["prefixItems"][step]
    return schema.get("properties", {}).get(step) or schema.get("additionalProperties")


def test_every_field_takes_what_its_schema_takes(full: Manifest) -> None:
    """Each odd value in each field; the schema of that field alone is asked, which is quick."""
    document = json.loads(manifest_to_json(full))
    tried = set()
    for place in list(_places(document)):
        field = re.sub(r"\d+", "0", str(place)) if place[0] in ("files", "labels") else str(place)
        if place[0] in ("recipe", "provenance") or field in tried:
            continue
        tried.add(field)
        schema: Any = {"$ref": "#/$defs/Manifest"}
        for step in place:
            schema = _inner(schema, step)
        validator = VALIDATOR.evolve(schema={"$defs": SCHEMA["$defs"], **schema})
        parent, last = _at(document, place)
        kept = parent[last]
        for value in ODD:
            parent[last] = value
            try:
                manifest_from_json(json.dumps(document).encode())
            except SchemaError as error:
                assert _explained(str(error)) or not validator.is_valid(value), error
            else:
                assert validator.is_valid(value), (place, value)
        parent[last] = kept
    assert len(tried) > 70


@pytest.mark.parametrize("field", sorted(MAKER.BEYOND))
def test_no_rule_is_listed_beside_the_schema_that_names_no_field(field: str) -> None:
    """A name in the list is a field of the schema, so that a renamed field cannot leave its rule behind."""
    if field.startswith("any ") or field == "manifest.json":
        return
    found: list[Any] = [SCHEMA["$defs"]["Manifest"]]
    for part in field.split("."):
        inner = [
            at["properties"][part.removesuffix("[]")] for at in found if part.removesuffix("[]") in at["properties"]
        ]
        inner = [at.get("items", at) if part.endswith("[]") else at for at in inner]
        assert inner, part
        found = [_resolved(one) for at in inner for one in at.get("anyOf", [at])]
        found = [at for at in found if "properties" in at]


def _resolved(schema: Any) -> Any:
    return SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
