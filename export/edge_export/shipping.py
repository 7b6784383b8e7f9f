"""What was decided, on disk: the bundle where one ships, and the report in every case."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_export.assemble import assemble
from edge_export.bundle_writer import seal, write_atomically, write_bundle
from edge_export.config import ExportConfig, ExportResult, Outcome
from edge_export.emulation import verify_emulated
from edge_export.report import refusal_report
from edge_export.targets import Target
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.manifest import Manifest

Document = dict[str, Any]


@dataclass(frozen=True)
class SealedBundle:
    """A bundle, complete but for its place on disk."""

    manifest: Manifest
    files: Mapping[str, bytes]
    note: str
    """What was verified on an emulated CPU, or why nothing was; empty where the target is this machine."""


def pack(out: Path, target: Target, *, config: ExportConfig, **parts: Any) -> SealedBundle:
    """Assemble and seal the bundle, and run its self-test on the target where that can be emulated here.

    Args:
        out: Where it will be; the report is written beside it where the bundle is refused at this last step.
        target: Where it will run.
        config: What was asked for.
        parts: The rest of what `edge_export.assemble.assemble` takes.

    Raises:
        RefusedError: a golden answer is another one on another CPU, or not finite.
    """
    try:
        manifest, files = assemble(config=config, **parts)
        sealed, whole = seal(manifest, files)
        verified = verify_emulated(sealed, whole, target)
        if verified.manifest is not sealed:
            sealed, whole = seal(replace(manifest, variants=verified.manifest.variants), files)
    except RefusedError as error:
        write_reports(out, *refusal_report(out.name, config, str(error)))
        raise
    return SealedBundle(sealed, whole, verified.note)


def ship(out: Path, bundle: SealedBundle | None, report: Document, render: Callable[[Document], str]) -> ExportResult:
    """Write the bundle, and the report beside it or where it would have been.

    Args:
        out: Where the bundle goes.
        bundle: None where nothing ships.
        report: What `edge_export.report.build_report` gave.
        render: From the finished report to its page.

    Raises:
        InputError: the disk refused; the report says so, where it still could be written.
    """
    if bundle is not None:
        report = report | {"notes": [*report["notes"], *filter(None, [bundle.note])]}
        try:
            write_bundle(out, bundle.files)
        except InputError as error:
            lost = {"outcome": Outcome.REFUSED.value, "reason": str(error), "shipped": []}
            document = report | lost | {"content_id": None, "bundle": None}
            with suppress(InputError):  # the disk that refused the bundle may refuse this too
                write_reports(out, document, render(document))
            raise
    identity = bundle.manifest.content_id if bundle else None
    document = report | {"content_id": identity, "bundle": out.name if bundle else None}
    report_json, report_html = write_reports(out, document, render(document))
    return ExportResult(
        Outcome(report["outcome"]),
        report["reason"],
        out if bundle else None,
        identity,
        document,
        report_json,
        report_html,
    )


def write_reports(out: Path, document: Document, page: str) -> tuple[Path, Path]:
    """Write the report as JSON and as a page, and return where.

    Raises:
        InputError: the disk refused.
    """
    report_json, report_html = Path(f"{out}.report.json"), Path(f"{out}.report.html")
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    for path, content in ((report_json, text), (report_html, page)):
        try:
            write_atomically(path, content.encode())
        except OSError as error:
            raise InputError(
                f"{path}: cannot write the report ({error.strerror}); free space or choose another folder"
            ) from error
    return report_json, report_html
