"""What is timed: a variant of a bundle, or a plain ONNX file; none before its answers were checked on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_benchmarks.accuracy import AccuracySummary, ask_models, summarize
from edge_benchmarks.accuracy.answers import Label
from edge_benchmarks.machine.sizes import file_bytes

if TYPE_CHECKING:
    from edge_runtime import Model

Check = Literal["golden vectors", "unoptimized graph"]
"""What the answers were held against: a bundle's own golden vectors, or the same file run without graph fusion."""


@dataclass(frozen=True)
class Facts:
    """What a report says of an arm beside its timings."""

    arm: str
    """Its name in this report: the variant's, after the bundle's file name where several bundles were measured, and
    before `@` and the threads where several numbers of those were."""
    bundle: str
    """The file's name."""
    name: str
    version: str
    content_id: str
    """The bundle's; of a plain ONNX file its SHA-256."""
    variant: str
    precision: str
    provider: str
    """Execution provider that really ran."""
    operators: dict[str, int]
    """Execution provider to the number of operators that it ran, by ONNX Runtime's own profile."""
    threads: int
    check: Check
    golden_cases: int
    """Answers that were checked here before anything was timed."""
    variant_bytes: int
    bundle_bytes: int
    accuracy: AccuracySummary | None = None
    """On the data that were given."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "accuracy"}
        return document | {"accuracy": _accuracy(self.accuracy)}


@dataclass(frozen=True)
class Arm:
    """One thing to time."""

    facts: Facts
    path: Path
    model_call: Callable[[bytes, int], Callable[[], object]] = field(repr=False)
    """From an encoded input and a batch size to a call of the model alone, on that many copies of the input."""
    model: Model | None = field(default=None, repr=False)
    """None for a plain ONNX file, which has no decoding and no labels: of it the model alone can be timed."""
    feeds: bytes | None = field(default=None, repr=False)
    """Of a plain ONNX file: inputs by its signature, as numpy's `savez` writes them."""

    @property
    def name(self) -> str:
        """Its name in the report."""
        return self.facts.arm

    def renamed(self, name: str) -> Arm:
        """Return the same with another name in the report."""
        return replace(self, facts=replace(self.facts, arm=name))


def open_bundle_arms(
    path: Path, prefix: str, device: Literal["cpu", "cuda"], threads: int | None, wanted: Sequence[str] | None
) -> list[Arm]:
    """Load the variants of one bundle and run their golden vectors.

    Args:
        path: Of the bundle.
        prefix: Before each arm's name.
        device: Where to run.
        threads: As in `edge_runtime.load`.
        wanted: Names of variants; None takes all of the device, the runtime's own choice first.

    Raises:
        SelfTestError: a golden vector fails on this machine.
    """
    from edge_runtime import load, selftest

    first = load(path, device=device, threads=threads, variant=wanted[0] if wanted else None)
    others = [one.name for one in first.manifest.variants if one.device == device and one.name != first.variant.name]
    arms = []
    for name in wanted or [first.variant.name, *others]:
        model = first if name == first.variant.name else load(path, device=device, threads=threads, variant=name)
        checked = selftest(model)
        checked.raise_for_failures()
        arms.append(Arm(_facts(path, prefix + name, model, checked.cases), path, _of_model(model), model))
    return arms


def with_accuracy(arms: Sequence[Arm], data: Callable[[Model], Iterable[tuple[Any, Label]]]) -> list[Arm]:
    """Measure the accuracy of every variant on the items that `data` gives for its bundle; plain files have none."""
    found: dict[str, AccuracySummary] = {}
    for path in dict.fromkeys(arm.path for arm in arms):
        models = {arm.name: arm.model for arm in arms if arm.path == path and arm.model is not None}
        if not models:
            continue
        first = next(iter(models.values()))
        answers = ask_models(models, data(first))
        names = first.labels or answers.numbers
        found |= {name: summarize(answers.labels, answers.logits[name], names) for name in models}
    return [replace(arm, facts=replace(arm.facts, accuracy=found.get(arm.name))) for arm in arms]


def _facts(path: Path, arm: str, model: Model, cases: int) -> Facts:
    from edge_benchmarks.bench.operators import operators_of
    from edge_runtime.cpus import available_cpus

    manifest, variant = model.manifest, model.variant
    options = model.session.get_session_options()
    return Facts(
        arm=arm,
        bundle=path.name,
        name=manifest.name,
        version=manifest.version,
        content_id=model.content_id,
        variant=variant.name,
        precision=variant.precision,
        provider=model.session.get_providers()[0],
        operators=operators_of(model),
        threads=options.intra_op_num_threads or available_cpus(),
        check="golden vectors",
        golden_cases=cases,
        variant_bytes=next(entry.size for entry in manifest.files if entry.path == variant.file),
        bundle_bytes=file_bytes(path),
    )


def _of_model(model: Model) -> Callable[[bytes, int], Callable[[], object]]:
    def call(data: bytes, batch: int) -> Callable[[], object]:
        tensor = model.preprocess(model.decode(data))
        stacked = np.repeat(tensor[np.newaxis], batch, axis=0)
        return lambda: model.infer(stacked)

    return call


def _accuracy(summary: AccuracySummary | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    top1 = summary.top1
    return {
        "top1": top1.estimate, "low": top1.low, "high": top1.high, "macro_f1": summary.macro_f1, "n": summary.n,
    }  # fmt: skip
