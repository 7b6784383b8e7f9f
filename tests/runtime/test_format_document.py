"""The bundle's specification lists exactly the fields that the code reads."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.golden import GoldenCase
from edge_runtime.manifest import SCHEMA_VERSION, FileEntry, Manifest, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

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
    text = _section("Preprocessing")
    for field in (*dataclasses.fields(ImagePreprocessing), *dataclasses.fields(Resize)):
        assert field.name == "resize" or re.search(rf"`[^`]*\b{field.name}\b[^`]*`", text), field.name


def test_the_page_is_of_this_schema() -> None:
    assert f"Schema version: {SCHEMA_VERSION}." in PAGE.read_text(encoding="utf-8")
