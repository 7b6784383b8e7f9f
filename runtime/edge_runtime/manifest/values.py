"""What a manifest says, as frozen values; what a value must keep to is in the rules beside them."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import field
from typing import Any, Literal

from edge_runtime._values import dataclass
from edge_runtime.preprocessing import Preprocessing

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
DIGEST_NAME = "manifest.sha256"
"""Beside the manifest: 64 hexadecimal digits and a newline, the SHA-256 of the manifest's bytes."""
MAX_MANIFEST_BYTES = 8 << 20
"""A list of empty lists takes 27 times its text in memory: 220 MB at most."""
MAX_FILES = 10_000
MAX_PATH = 200
"""Characters of a path in a bundle, so that it can be unpacked below any ordinary directory."""

Task = Literal[
    "image-classification",
    "image-multilabel",
    "text-classification",
    "text-multilabel",
    "text-tokens",
    "text-embedding",
]
"""The kind of input, and the kind of answer: a name of `edge_runtime.tasks.TASKS`."""
_SHAPES = {"tokens": ("length", "labels"), "embedding": ("width",)}
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
    preprocessing: Preprocessing
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


def answer_shape(task: str) -> tuple[str, ...]:
    """Return the shape of a model's answer to one input of a task.

    It is made of `labels` for as many as there are, `length` for that of the input, `width` for what the manifest says
    of the output.
    """
    return _SHAPES.get(task.partition("-")[2], ("labels",))
