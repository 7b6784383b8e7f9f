"""Golden vectors: does this device give the answers that the bundle gave when it was made?"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_runtime._reading import parse_json, read_dataclass, require
from edge_runtime.bundle import Source, open_bundle
from edge_runtime.choice import hush, seen_to_load
from edge_runtime.errors import EdgeError, SelfTestError
from edge_runtime.loading import load
from edge_runtime.model import Model
from edge_runtime.session import Threads

if TYPE_CHECKING:
    import numpy.typing as npt

GOLDEN_SCHEMA = 1
SCORE_TOLERANCE = 1e-6
"""`exp` differs between CPUs in the last bit, so scores are not equal to the bit where their logits are."""
_MAX_GOLDEN_BYTES = 64 << 20


@dataclass(frozen=True)
class GoldenCase:
    """One input and everything that it must become."""

    input: str
    """Path of the input in the bundle: an image's file, or a text's in UTF-8."""
    tensor_sha256: str
    """Of the preprocessed tensor's bytes: float32 pixels or int64 token numbers, little-endian, C order."""
    logits: dict[str, tuple[float, ...]]
    """Variant name to its logits, or what its model answers, in C order."""
    label: dict[str, str]
    """Variant name to `Prediction.label`."""
    score: dict[str, float]
    """Variant name to `Prediction.score`."""


@dataclass(frozen=True)
class Golden:
    """The golden vectors' file."""

    cases: tuple[GoldenCase, ...]
    schema: int = GOLDEN_SCHEMA


@dataclass(frozen=True)
class SelfTestReport:
    """What the golden vectors showed."""

    passed: bool
    cases: int
    """Golden vectors times variants that ran."""
    failures: tuple[str, ...]
    """One line each: variant, input, stage and what differs."""
    seconds: float
    variants: tuple[str, ...]

    def raise_for_failures(self) -> None:
        """Raise SelfTestError with the first failure, if there is one."""
        if self.passed:
            return
        first, *others = self.failures
        more = f" (and {len(others)} more)" if others else ""
        raise SelfTestError(f"{first}{more}; do not use this bundle on this machine")


def read_golden(data: bytes) -> Golden:
    """Read the golden vectors' file.

    Raises:
        SchemaError: a field is missing, unknown or mistyped.
    """
    golden = read_dataclass(Golden, parse_json(data, "golden", _MAX_GOLDEN_BYTES), "golden")
    require(golden.schema == GOLDEN_SCHEMA, "golden.schema", golden.schema, f"this runtime reads {GOLDEN_SCHEMA}")
    require(len(golden.cases) > 0, "golden.cases", golden.cases, "at least one case")
    return golden


def tensor_sha256(tensor: npt.NDArray[Any]) -> str:
    """Return the SHA-256 of a tensor's values, float32 or, of whole numbers, int64; little-endian, in C order."""
    form = "<f4" if tensor.dtype.kind == "f" else "<i8"
    return hashlib.sha256(np.ascontiguousarray(tensor, dtype=form).tobytes()).hexdigest()


def selftest(
    source: Source | Model,
    *,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: Threads = None,
    variants: Sequence[str] | None = None,
) -> SelfTestReport:
    """Run the golden vectors through decode, preprocess, infer and postprocess.

    Tensors must be equal to the bit, logits to the bit where the variant is exact and within its tolerance otherwise,
    labels always, and the golden logits must give the golden score to `SCORE_TOLERANCE`.

    Args:
        source: A loaded model, whose variant is tested; or a bundle, of which every variant for `device` is.
        device: Which variants of a bundle.
        threads: As in `load`.
        variants: Names of the variants to test instead.

    Raises:
        BundleError: the bundle or its golden vectors cannot be read.
    """
    start = time.perf_counter()
    models = [source] if isinstance(source, Model) else _models(source, device, threads, variants)
    failures: list[str] = []
    cases = 0
    for model in models:
        golden = read_golden(model.bundle.read(model.manifest.golden))
        for case in golden.cases:
            cases += 1
            failures += [f"{model.variant.name}, {case.input}: {failure}" for failure in _failures(model, case)]
    names = tuple(model.variant.name for model in models)
    return SelfTestReport(not failures, cases, tuple(failures), time.perf_counter() - start, names)


def _models(
    source: Source, device: Literal["cpu", "cuda"], threads: Threads, names: Sequence[str] | None
) -> list[Model]:
    bundle = open_bundle(source)
    hush(bundle)
    pin = bundle.manifest_sha256
    here = seen_to_load([item for item in bundle.manifest.variants if item.device == device])
    chosen = names if names is not None else [item.name for item in here]
    if not chosen:
        return [load(source, device=device, threads=threads, sha256=pin)]  # raises, with what the bundle has
    return [load(source, device=device, threads=threads, variant=name, sha256=pin) for name in chosen]


def _failures(model: Model, case: GoldenCase) -> list[str]:
    name = model.variant.name
    if not all(name in answers for answers in (case.logits, case.label, case.score)):
        return ["no golden answer of this variant"]
    try:
        plain = model.decode(model.bundle.read(case.input))
        tensor = model.preprocess(plain)
        logits = model.infer(tensor[None])
        label = model.postprocess(logits, [plain])[0].label
    except EdgeError as error:
        return [str(error)]
    found = []
    if tensor_sha256(tensor) != case.tensor_sha256:
        found.append("preprocess: the tensor differs")
    found += _differences(logits.ravel(), case.logits[name], model)
    if label != case.label[name]:
        found.append(f"postprocess: label {label!r}, golden {case.label[name]!r}")
    elif not any(line.startswith("infer") for line in found):  # of the golden logits, so that only the score differs
        golden = np.array(case.logits[name], dtype=np.float32).reshape(logits.shape)
        score = model.postprocess(golden, [plain])[0].score
        if not abs(score - case.score[name]) <= SCORE_TOLERANCE:
            found.append(f"postprocess: score {score:.9g}, golden {case.score[name]:.9g}")
    return found


def _differences(logits: npt.NDArray[np.float32], expected: tuple[float, ...], model: Model) -> list[str]:
    golden = np.array(expected, dtype=np.float32)
    if golden.shape != logits.shape:
        return [f"infer: {logits.size} logits, golden {golden.size}"]
    if np.array_equal(golden.view(np.uint32), logits.view(np.uint32)):
        return []
    largest = float(np.abs(golden.astype(np.float64) - logits).max())
    if not model.variant.exact and largest <= model.variant.tolerance:
        return []
    return [f"infer: logits differ by up to {largest:.3g}, allowed {model.variant.tolerance:g}"]
