"""The manifest: what a bundle holds, and its one way to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict

from edge_runtime._reading import fail, parse_json, read_dataclass, require
from edge_runtime.errors import SchemaError
from edge_runtime.manifest.rules import check_label, check_manifest
from edge_runtime.manifest.values import (
    DIGEST_NAME,
    MANIFEST_NAME,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    MAX_PATH,
    SCHEMA_VERSION,
    Device,
    FileEntry,
    Manifest,
    Precision,
    Task,
    TensorInfo,
    Unknown,
    Variant,
    answer_shape,
    file_entry,
)

__all__ = [
    "DIGEST_NAME",
    "MANIFEST_NAME",
    "MAX_FILES",
    "MAX_MANIFEST_BYTES",
    "MAX_PATH",
    "SCHEMA_VERSION",
    "Device",
    "FileEntry",
    "Manifest",
    "Precision",
    "Task",
    "TensorInfo",
    "Unknown",
    "Variant",
    "answer_shape",
    "check_label",
    "file_entry",
    "manifest_from_json",
    "manifest_to_json",
]


def manifest_to_json(manifest: Manifest) -> bytes:
    """Return the bytes of `manifest.json`: the same value gives the same bytes.

    Raises:
        SchemaError: the manifest breaks a rule; nothing is written that could not be read.
    """
    check_manifest(manifest)
    try:
        text = json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        data = (text + "\n").encode("utf-8")
    except (TypeError, ValueError) as error:
        raise SchemaError(f"manifest: holds a value that JSON cannot ({error}); mend recipe or provenance") from error
    manifest_from_json(data)
    return data


def manifest_from_json(data: bytes) -> Manifest:
    """Read and check the bytes of `manifest.json`.

    Raises:
        SchemaError: made by a newer edge, or a field is missing, unknown, mistyped or breaks a rule.
    """
    document = parse_json(data, MANIFEST_NAME, MAX_MANIFEST_BYTES)
    if not isinstance(document, dict):
        fail(MANIFEST_NAME, document, "an object is expected")
    schema = document.get("schema")
    require(type(schema) is int and schema >= 1, "schema", schema, "a positive integer is expected")
    if schema != SCHEMA_VERSION:
        raise SchemaError(
            f"schema: {schema}, this runtime reads {SCHEMA_VERSION}; made by a newer edge, upgrade edge-runtime"
        )
    manifest = read_dataclass(Manifest, document)
    check_manifest(manifest)
    return manifest
