"""The manifest: what a bundle holds, as frozen values, and the rules that a manifest must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from edge_runtime.preprocessing import ImagePreprocessing

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
DIGEST_NAME = "manifest.sha256"
"""Beside the manifest: 64 hexadecimal digits and a newline, the SHA-256 of the manifest's bytes."""

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


@dataclass(frozen=True)
class TensorInfo:
    """Name, element type and shape of a graph input or output; a free dimension is a string."""

    name: str
    dtype: str
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
