"""Add to a bundle what other machines measured of it: its content stays, what is known of it grows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_export.bundle_writer import ARCHIVE_SUFFIX, seal, write_bundle
from edge_export.targets import TARGETS
from edge_export.verified import note_verified
from edge_runtime.bundle import Bundle, read_bundle
from edge_runtime.errors import InputError, RefusedError, SchemaError
from edge_runtime.evidence import Evidence, read_evidence
from edge_runtime.manifest import Manifest, Variant


@dataclass(frozen=True)
class Packed:
    """What was written."""

    out: Path
    manifest: Manifest
    added: tuple[str, ...]
    """Paths of the new evidence files in the bundle."""
    settled: bool
    """The bundle was provisional because nobody had timed it on its target, and is no longer."""


def add_evidence(bundle: str | Path, evidence: Sequence[Path], out: Path | None = None) -> Packed:
    """Write a bundle again with evidence files that `edge-bench prove` made of it.

    Evidence lies outside of `content_id`, so the bundle keeps its identity; its manifest, and with it the digest that
    pins the whole bundle, is another one. A bundle that is provisional only because int8 could not be timed where it
    was exported is so no longer, once a CPU of its target has proven it faster.

    Args:
        bundle: A directory or `.edge` file.
        evidence: Files that `edge-bench prove -o` wrote.
        out: Where to write; None replaces a `.edge` file.

    Raises:
        BundleError: the bundle cannot be trusted; of the evidence, SchemaError.
        InputError: a file cannot be read, is there already, or `out` cannot be written.
        RefusedError: evidence is of other content, its golden vectors failed, or its timing was invalid.
    """
    opened = read_bundle(bundle)
    target = out or Path(bundle)
    if out is None and target.suffix != ARCHIVE_SUFFIX:
        raise InputError(f"{bundle}: a directory cannot be replaced in one step; give -o OUT")
    manifest = opened.manifest
    files = {entry.path: opened.read(entry.path) for entry in manifest.files}
    added: dict[str, bytes] = {}
    proofs = []
    for path in evidence:
        data = _read(path)
        proofs.append(_accepted(data, str(path), manifest))
        name = f"evidence/{proofs[-1].machine.instruction_set}-{hashlib.sha256(data).hexdigest()[:8]}.json"
        if name in files or name in added:
            raise InputError(f"{path}: this evidence is in the bundle already, as {name}")
        added[name] = data
    settled = manifest.provisional and any(_settles(proof, opened) for proof in proofs)
    grown = replace(
        manifest,
        variants=tuple(_noted(variant, proofs) for variant in manifest.variants),
        evidence=(*manifest.evidence, *added),
        provisional=manifest.provisional and not settled,
    )
    sealed, whole = seal(grown, files | added)
    write_bundle(target, whole)
    return Packed(target, sealed, tuple(added), settled)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give what `edge-bench prove -o` wrote") from error


def _accepted(data: bytes, where: str, manifest: Manifest) -> Evidence:
    """Read evidence and hold it against the bundle that it shall join."""
    evidence = read_evidence(data, where)
    report = evidence.report
    if evidence.kind != "prove" or not isinstance(report, dict) or "content_id" not in report:
        raise SchemaError(f"{where}: is no proof of a bundle; make one with `edge-bench prove BUNDLE -o FILE`")
    if report["content_id"] != manifest.content_id:
        raise RefusedError(
            f"{where}: is of {report['content_id']}, the bundle is {manifest.content_id}; prove this bundle"
        )
    if not evidence.selftest:
        raise RefusedError(f"{where}: the golden vectors failed on {evidence.machine.cpu}; nothing is proven by it")
    if not evidence.timings:
        raise RefusedError(f"{where}: holds no valid timing; prove the bundle again on a machine that holds still")
    unknown = {timing.variant for timing in evidence.timings} - {variant.name for variant in manifest.variants}
    if unknown:
        raise RefusedError(f"{where}: timed {', '.join(sorted(unknown))}, which the bundle does not have")
    return evidence


def _noted(variant: Variant, proofs: Sequence[Evidence]) -> Variant:
    """Note where the golden vectors of a variant passed."""
    for proof in proofs:
        if any(timing.variant == variant.name for timing in proof.timings):
            variant = note_verified(variant, proof.machine.instruction_set, proof.machine.onnxruntime)
    return variant


def _settles(proof: Evidence, bundle: Bundle) -> bool:
    """Whether this proof answers the one question that made the bundle provisional: is it faster on its target?"""
    chosen = bundle.manifest.variants[0]
    faster = any(one.variant == chosen.name and one.ratio is not None and one.proven for one in proof.timings)
    if not faster:
        return False
    exported = (read_evidence(bundle.read(path), path) for path in bundle.manifest.evidence)
    reports = [one.report for one in exported if one.kind == "export" and isinstance(one.report, dict)]
    return any(_only_time_was_open(report, proof.machine.instruction_set) for report in reports)


def _only_time_was_open(report: Mapping[str, Any], instruction_set: str) -> bool:
    target = TARGETS.get(report.get("target", ""))
    accuracy = report.get("accuracy") or {}
    classes = report.get("classes") or []
    return (
        target is not None
        and instruction_set.startswith(target.instruction_sets)
        and accuracy.get("verdict") == "pass"
        and all(one["verdict"] == "pass" for one in classes)
    )
