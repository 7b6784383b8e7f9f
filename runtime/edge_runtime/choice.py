"""Which variant of a bundle runs: the one asked for, or the fastest that was proven on this kind of CPU."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_runtime._installation import cuda_is_available, import_onnxruntime
from edge_runtime.bundle import Bundle
from edge_runtime.cpus import cpu_name, instruction_set
from edge_runtime.errors import BundleError, EdgeWarning, InputError
from edge_runtime.manifest import Manifest, Variant

if TYPE_CHECKING:
    from edge_runtime.evidence import Evidence

_said: set[tuple[str, str]] = set()
"""Warnings given in this process: a bundle's `content_id`, and what of."""


def choose(bundle: Bundle, device: str, name: str | None) -> Variant:
    """Return the variant to run, whose file the bundle begins to read, and say once what nobody measured on this CPU.

    Evidence is read only where it can matter: there is more than one variant for the device, or this CPU is not among
    those that the variant was verified on.

    Args:
        bundle: Whose variants.
        device: `cpu`, `cuda` or `auto`: CUDA where both the bundle and the machine have it, else the CPU.
        name: The variant that was asked for, or None.

    Raises:
        InputError: there is no variant of that name, or it is for another device.
        BundleError: no variant is for the device.
        SchemaError: evidence that had to be read is not of this schema.
    """
    manifest = bundle.manifest
    if name is not None:
        chosen = _named(manifest, device, name)
    else:
        candidates = seen_to_load(_for_device(manifest, device))
        chosen = candidates[0] if len(candidates) == 1 else _fastest(bundle, candidates)
    bundle.expect(chosen.file)
    if chosen.device == "cpu":
        _warn_unverified(bundle, chosen)
    return chosen


def hush(bundle: Bundle) -> None:
    """Give no warning that this machine was not verified: a self-test is about to tell."""
    _said.add((bundle.manifest.content_id, "verified"))


def _named(manifest: Manifest, device: str, name: str) -> Variant:
    for variant in manifest.variants:
        if variant.name == name:
            if device not in ("auto", variant.device):
                raise InputError(f"variant={name!r} is for {variant.device}; load it with device={variant.device!r}")
            return variant
    known = ", ".join(variant.name for variant in manifest.variants)
    raise InputError(f"variant={name!r}: no such variant; this bundle has {known}")


def _for_device(manifest: Manifest, device: str) -> list[Variant]:
    for wanted in [device] if device != "auto" else ["cuda", "cpu"]:
        found = [variant for variant in manifest.variants if variant.device == wanted]
        if found and (device != "auto" or wanted == "cpu" or cuda_is_available()):
            return found
    known = ", ".join(f"{variant.name} ({variant.device})" for variant in manifest.variants)
    raise BundleError(f"device={device!r}: no variant for it; this bundle has {known}")


def seen_to_load(candidates: list[Variant]) -> list[Variant]:
    """Return those that this ONNX Runtime is new enough for, or all where it is too old for each."""
    here = _numbers(str(import_onnxruntime().__version__)) if len(candidates) > 1 else []
    return [one for one in candidates if _numbers(one.onnxruntime_min) <= here] or candidates


def _fastest(bundle: Bundle, candidates: Sequence[Variant]) -> Variant:
    """Return the candidate that was proven fastest here; else the manifest's first one, which was elsewhere."""
    if not bundle.manifest.evidence or candidates[0].device != "cpu":
        return candidates[0]
    here = _evidence_of_this_kind(bundle)
    # Of two files the same machine wrote, the later one counts.
    for evidence in reversed(here):
        times = {timing.variant: timing.p50_ms for timing in evidence.timings if timing.proven}
        timed = [variant for variant in candidates if variant.name in times]
        if timed:
            return min(timed, key=lambda variant: times[variant.name])
    _say_once(
        bundle,
        "timed",
        f"not timed on {instruction_set()}, so {candidates[0].name} runs; time it with `edge-bench prove`",
    )
    return candidates[0]


def _evidence_of_this_kind(bundle: Bundle) -> list[Evidence]:
    """Read what CPUs like this one measured, those of exactly this name last."""
    from edge_runtime.evidence import read_evidence

    files = [read_evidence(bundle.read(path), path) for path in bundle.manifest.evidence]
    alike = [one for one in files if one.machine.instruction_set == instruction_set() and one.selftest is not False]
    return sorted(alike, key=lambda one: one.machine.cpu == cpu_name())


def _warn_unverified(bundle: Bundle, variant: Variant) -> None:
    if variant.onnxruntime_min:
        version = str(import_onnxruntime().__version__)
        if _numbers(version) < _numbers(variant.onnxruntime_min):
            text = f"not verified on ONNX Runtime {version}, older than {variant.onnxruntime_min}; run `edge verify`"
            _say_once(bundle, "version", text)
    if not variant.verified_on or instruction_set() in variant.verified_on:
        return
    if not any(evidence.selftest for evidence in _evidence_of_this_kind(bundle)):
        _say_once(bundle, "verified", f"not verified on {instruction_set()}; run `edge verify`")


def _numbers(version: str) -> list[int]:
    """Return a version's leading numbers: `1.22.1+cu12` gives 1, 22, 1."""
    plain = version.partition("+")[0].split(".")
    return [int(part) for part in plain if part.isdigit()]


def _say_once(bundle: Bundle, what: str, text: str) -> None:
    key = (bundle.manifest.content_id, what)
    if key not in _said:
        _said.add(key)
        warnings.warn(f"bundle {bundle.manifest.name} {bundle.manifest.version}: {text}", EdgeWarning, stacklevel=5)
