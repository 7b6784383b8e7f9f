"""The manifest: what a bundle holds, as frozen values, and the rules that a manifest must keep."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from edge_runtime._reading import fail, parse_json, read_dataclass, require
from edge_runtime.errors import SchemaError
from edge_runtime.preprocessing import ImagePreprocessing, check_preprocessing

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
DIGEST_NAME = "manifest.sha256"
"""Beside the manifest: 64 hexadecimal digits and a newline, the SHA-256 of the manifest's bytes."""
MAX_MANIFEST_BYTES = 32 << 20
MAX_FILES = 10_000
MAX_PATH = 200
"""Characters of a path in a bundle, so that it can be unpacked below any ordinary directory."""

Task = Literal["image-classification", "image-multilabel"]
Precision = Literal["fp32", "fp16", "int8"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle."""

    path: str
    """Relative, with forward slashes, no `..`, no leading slash, ASCII letters, digits, `.`, `_`, `-` and `/`."""
    sha256: str
    """64 lower-case hexadecimal digits."""
    size: int
    """Bytes."""
    crc32: int
    """Of the bytes, as zip has it: with it the manifest alone settles every byte of the `.edge` file's headers, so that
    reading one hashes each payload once and computes no checksum. Make entries with `file_entry`."""


@dataclass(frozen=True)
class TensorInfo:
    """Name, element type and shape of a graph input or output; a free dimension is a string."""

    name: str
    dtype: str
    """numpy's name of the element type: `float32`, `float16`, `uint8`, `int8`, `int32`, `int64`."""
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Unknown:
    """When an answer is withheld: the softmax of `logits / temperature` has its top score under `threshold`."""

    temperature: float
    threshold: float
    precision: float
    """The share of right answers among those accepted on val that the threshold was chosen for."""


@dataclass(frozen=True)
class Variant:
    """One model file of a bundle, for one execution provider."""

    name: str
    """`cpu-int8`, `cpu-fp32`, `cuda-fp16`."""
    file: str
    """Path of its ONNX file in the bundle; its SHA-256 and size stand in the manifest's `files`."""
    precision: Precision
    device: Device
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    exact: bool
    """The logits of the golden vectors are equal to the bit wherever it was verified."""
    tolerance: float
    """Largest absolute difference of logits from the golden ones that counts as the same answer; 0 when exact."""
    session: dict[str, str] = field(default_factory=dict)
    """ONNX Runtime session configuration entries it was measured with."""
    unknown: Unknown | None = None
    onnxruntime_min: str = ""
    """Oldest ONNX Runtime that it was seen to load on; empty when only the exporting one was tried."""
    verified_on: tuple[str, ...] = ()
    """Instruction sets it was verified on, such as `x86_64-avx512_vnni`."""


@dataclass(frozen=True)
class Manifest:
    """Everything `manifest.json` says."""

    name: str
    version: str
    task: Task
    labels: tuple[str, ...]
    preprocessing: ImagePreprocessing
    variants: tuple[Variant, ...]
    """In the order of preference: the first one for a device is the one to run."""
    golden: str
    """Path of the golden vectors' JSON file."""
    content_id: str
    """`sha256:` and the hash of everything that decides an answer (see `edge_runtime.bundle.content_id`)."""
    files: tuple[FileEntry, ...]
    """Every file of the bundle but the manifest and its digest, sorted by path."""
    recipe: dict[str, Any]
    """How the shipped variants were made."""
    provenance: dict[str, Any]
    """Where it came from: data fingerprints, tool versions, seeds, parent run, licence of the base weights."""
    evidence: tuple[str, ...] = ()
    """Paths of the evidence files, one for each machine that measured."""
    provisional: bool = False
    """Shipped although a verdict was inconclusive, at the user's word."""
    schema: int = SCHEMA_VERSION


def file_entry(path: str, data: bytes) -> FileEntry:
    """Describe one file of a bundle by its bytes."""
    return FileEntry(path, hashlib.sha256(data).hexdigest(), len(data), zlib.crc32(data))


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


_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DTYPES = ("float32", "float16", "uint8", "int8", "int32", "int64")
_MAX_BYTES = 1 << 40


def check_manifest(manifest: Manifest) -> None:
    """Check what types cannot say.

    Raises:
        SchemaError: with the field's dotted name, the value and the rule.
    """
    require(0 < len(manifest.name) <= 200, "name", manifest.name, "1 to 200 characters")
    _check_labels(manifest.labels)
    check_preprocessing(manifest.preprocessing)
    paths = _check_files(manifest.files)
    require(manifest.golden in paths, "golden", manifest.golden, "the path of a listed file")
    for at, path in enumerate(manifest.evidence):
        require(path in paths, f"evidence[{at}]", path, "the path of a listed file")
    require(len(set(manifest.evidence)) == len(manifest.evidence), "evidence", manifest.evidence, "no path twice")
    content = manifest.content_id.removeprefix("sha256:")
    named = manifest.content_id.startswith("sha256:") and _SHA256.fullmatch(content)
    require(bool(named), "content_id", manifest.content_id, "sha256: and 64 hexadecimal digits")
    require(1 <= len(manifest.variants) <= 64, "variants", len(manifest.variants), "1 to 64 variants")
    names = [variant.name for variant in manifest.variants]
    require(len(set(names)) == len(names), "variants", names, "each name once")
    for at, variant in enumerate(manifest.variants):
        _check_variant(variant, f"variants[{at}]", manifest, paths)


def _check_labels(labels: tuple[str, ...]) -> None:
    require(len(labels) >= 1, "labels", labels, "at least one label")
    require(len(set(labels)) == len(labels), "labels", labels, "each label once")
    for at, label in enumerate(labels):
        require(
            0 < len(label) <= 500 and label == label.strip(),
            f"labels[{at}]",
            label,
            "1 to 500 characters, no outer blanks",
        )


def _check_files(files: tuple[FileEntry, ...]) -> set[str]:
    require(len(files) <= MAX_FILES, "files", len(files), f"at most {MAX_FILES} files")
    for at, entry in enumerate(files):
        where = f"files[{at}]"
        plain = len(entry.path) <= MAX_PATH and _PATH.fullmatch(entry.path) and entry.path[-1] != "."
        require(
            bool(plain), f"{where}.path", entry.path, "a relative path of ASCII letters, digits, `.`, `_`, `-`, `/`"
        )
        require(
            entry.path not in (MANIFEST_NAME, DIGEST_NAME), f"{where}.path", entry.path, "the manifest is not listed"
        )
        require(
            bool(_SHA256.fullmatch(entry.sha256)), f"{where}.sha256", entry.sha256, "64 lower-case hexadecimal digits"
        )
        require(0 <= entry.size <= _MAX_BYTES, f"{where}.size", entry.size, f"0 to {_MAX_BYTES} bytes")
        require(0 <= entry.crc32 < 1 << 32, f"{where}.crc32", entry.crc32, "an unsigned 32-bit number")
    paths = [entry.path for entry in files]
    require(paths == sorted(paths), "files", paths, "sorted by path")
    # Also apart on file systems that ignore case, and never a file and a directory of one name.
    folded = {path.lower() for path in paths} | {MANIFEST_NAME, DIGEST_NAME}
    require(len(folded) == len(paths) + 2, "files", paths, "each path once, capitals ignored")
    for path in sorted(folded):
        parents = path.split("/")[:-1]
        for depth in range(len(parents)):
            parent = "/".join(parents[: depth + 1])
            require(parent not in folded, "files", path, f"{parent} is a file, so nothing can lie below it")
    return set(paths)


def _check_variant(variant: Variant, where: str, manifest: Manifest, paths: set[str]) -> None:
    require(
        bool(_WORD.fullmatch(variant.name)), f"{where}.name", variant.name, "1 to 64 letters, digits, `.`, `_`, `-`"
    )
    require(variant.file in paths, f"{where}.file", variant.file, "the path of a listed file")
    bounded = variant.tolerance == 0 if variant.exact else 0 <= variant.tolerance <= 1e6
    require(bounded, f"{where}.tolerance", variant.tolerance, "0 when exact, else not negative")
    require(len(variant.inputs) == 1, f"{where}.inputs", len(variant.inputs), "one input")
    require(len(variant.outputs) >= 1, f"{where}.outputs", len(variant.outputs), "at least one output")
    for kind, tensors in (("inputs", variant.inputs), ("outputs", variant.outputs)):
        for at, tensor in enumerate(tensors):
            _check_tensor(tensor, f"{where}.{kind}[{at}]")
    contract = manifest.preprocessing
    sides = (contract.crop_height, contract.crop_width)
    image = (3, *sides) if contract.layout == "NCHW" else (*sides, 3)
    require(_fits(variant.inputs[0].shape, image), f"{where}.inputs[0].shape", variant.inputs[0].shape, f"(n, {image})")
    answers = (len(manifest.labels),)
    require(
        _fits(variant.outputs[0].shape, answers),
        f"{where}.outputs[0].shape",
        variant.outputs[0].shape,
        f"(n, {answers[0]})",
    )
    if variant.unknown is not None:
        unknown = variant.unknown
        plain = manifest.task == "image-classification" and "unknown" not in manifest.labels
        require(plain, f"{where}.unknown", manifest.task, "only with one label an image, and none called unknown")
        require(1e-6 <= unknown.temperature <= 1e6, f"{where}.unknown.temperature", unknown.temperature, "positive")
        require(0 <= unknown.threshold <= 1, f"{where}.unknown.threshold", unknown.threshold, "0 to 1")
        require(0 <= unknown.precision <= 1, f"{where}.unknown.precision", unknown.precision, "0 to 1")


def _check_tensor(tensor: TensorInfo, where: str) -> None:
    require(len(tensor.name) > 0, f"{where}.name", tensor.name, "a name")
    require(tensor.dtype in _DTYPES, f"{where}.dtype", tensor.dtype, "one of " + ", ".join(_DTYPES))
    for at, side in enumerate(tensor.shape):
        require(
            isinstance(side, str) or 1 <= side <= 1 << 31, f"{where}.shape[{at}]", side, "a name or a positive size"
        )


def _fits(shape: tuple[int | str, ...], item: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape holds a batch of `item`s; free dimensions fit anything."""
    return len(shape) == len(item) + 1 and all(
        isinstance(a, str) or a == b for a, b in zip(shape[1:], item, strict=True)
    )
