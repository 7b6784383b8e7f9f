"""The export stage: a source and its data in, a proven bundle or a refusal out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import Answers, judge_accuracy
from edge_benchmarks.environment import capture as capture_environment
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_benchmarks.verdicts import AccuracyVerdict, TimeVerdict
from edge_export.assemble import assemble
from edge_export.bundle_writer import check_target, seal, write_atomically, write_bundle
from edge_export.candidates import BASELINE, Candidate, make_baseline, make_candidates
from edge_export.capture import Captured, capture
from edge_export.config import ExportConfig, ExportData, ExportResult, Outcome
from edge_export.decide import Decision, decide
from edge_export.golden import golden_images, golden_tensors
from edge_export.judge import answer, choose, time_models
from edge_export.report import build_report, render_html
from edge_export.run import is_run, record_test_opening
from edge_export.unknown import choose_unknown, measure_unknown
from edge_runtime.errors import InputError
from edge_runtime.manifest import Manifest, Unknown

Progress = Callable[[str], None]
"""Told the name of each stage as it begins."""

TOOLS = ("edge-toolchain", "torch", "timm", "onnx", "onnxruntime", "onnxscript", "onnxslim", "numpy", "pillow")


def export(
    source: Path, out: Path, data: ExportData, config: ExportConfig, progress: Progress = lambda stage: None
) -> ExportResult:
    """Turn `source` into a bundle at `out`, if the verdicts allow it.

    Args:
        source: A run directory.
        out: Target: a `.edge` file, or a directory that does not exist yet.
        data: Splits `train`, `val` and `test`.
        config: What is asked for.
        progress: Told what is being done.

    Returns:
        How it ended; `OUT.report.json` and `OUT.report.html` are written in every case.

    Raises:
        InputError: the source, the data or the target cannot be used.
        RefusedError: the graph does not answer as the source does.
    """
    check_target(out)
    _check_splits(data)
    progress("exporting to ONNX and checking parity")
    captured = capture(source)
    progress("optimizing the graph")
    graph, baseline, passes = make_baseline(captured)
    progress(f"making {config.quantize} candidates")
    candidates, making = make_candidates(graph, captured, data, config)
    progress("answering val")
    val = answer([baseline, *candidates], captured, data.splits["val"])
    batch = golden_tensors(golden_images(config.seed), captured.preprocessing)[:1]
    chosen = choose(candidates, val, batch, config.max_drop) if candidates else None
    contenders = [baseline] if chosen is None else [baseline, chosen]
    progress("answering test")
    openings = record_test_opening(source, data.fingerprints["test"]) if is_run(source) else 1
    test = answer(contenders, captured, data.splits["test"])
    progress("timing")
    timings = time_models(
        [one for one in contenders if one.device == "cpu"], batch, config.timing_seconds, captured, config.seed
    )
    accuracy, time = _judge(chosen, test, timings, config)
    decision = decide(config, accuracy, time)
    shipped = _shipped(decision, baseline, chosen, config)
    unknowns = {one.name: choose_unknown(one.name, captured, val, config) for one in contenders}
    report = build_report(
        captured=captured,
        contenders=contenders,
        test=test,
        timings=timings,
        accuracy=accuracy,
        time=time,
        decision=decision,
        shipped=[one.name for one in shipped],
        unknown=_measure_unknown(unknowns, test),
        passes=passes,
        making=making,
        environment=capture_environment(),
        test_openings=openings,
        config=config,
    )
    progress("writing")
    manifest = None
    if shipped:
        manifest, files = assemble(
            captured,
            shipped,
            unknowns,
            config,
            name=config.name or out.stem,
            provisional=decision.outcome is Outcome.PROVISIONAL,
            provenance=_provenance(captured, data, config, openings),
            evidence=report,
        )
        manifest, files = seal(manifest, files)
        write_bundle(out, files)
    return _finish(out, manifest, report, test, captured.labels)


def _check_splits(data: ExportData) -> None:
    missing = [name for name in ("train", "val", "test") if not len(data.splits.get(name, ()))]
    if missing:
        raise InputError(
            f"the data has no {' and no '.join(missing)} split; "
            "an export needs train to calibrate, val to choose and test to judge"
        )


def _judge(
    chosen: Candidate | None, test: Answers, timings: InterleavedTimings, config: ExportConfig
) -> tuple[AccuracyVerdict | None, TimeVerdict | None]:
    if chosen is None:
        return None, None
    accuracy = judge_accuracy(test, BASELINE, chosen.name, max_drop=config.max_drop)
    time = judge_time(timings, chosen.name, BASELINE) if chosen.device == "cpu" else None
    return accuracy, time


def _shipped(
    decision: Decision, baseline: Candidate, chosen: Candidate | None, config: ExportConfig
) -> list[Candidate]:
    """List the variants that ship, in the order of preference."""
    if decision.outcome in (Outcome.REFUSED, Outcome.INCONCLUSIVE):
        return []
    if chosen is None or decision.outcome is Outcome.FALLBACK:
        return [baseline]
    # A variant for another machine's provider is unproven here, so what this machine can run goes beside it.
    beside = config.keep_fp32 or chosen.device != "cpu"
    return [chosen, baseline] if beside else [chosen]


def _measure_unknown(unknowns: Mapping[str, Unknown | None], test: Answers) -> dict[str, Any]:
    """Report what each variant's threshold does on test."""
    return {
        name: asdict(unknown) | {"test": measure_unknown(test.logits[name], test.labels, unknown)}
        for name, unknown in unknowns.items()
        if unknown is not None
    }


def _provenance(captured: Captured, data: ExportData, config: ExportConfig, openings: int) -> dict[str, Any]:
    return {
        "source": captured.provenance,
        "data": {
            "fingerprints": dict(data.fingerprints),
            "sizes": {name: len(split) for name, split in data.splits.items()},
        },
        "test_openings": openings,
        "parity": asdict(captured.parity),
        "seed": config.seed,
        "tools": {tool: version(tool) for tool in TOOLS},
    }


def _finish(
    out: Path, manifest: Manifest | None, report: dict[str, Any], test: Answers, labels: tuple[str, ...]
) -> ExportResult:
    """Write the report beside the bundle, or where it would have been."""
    identity = manifest.content_id if manifest else None
    document = report | {"content_id": identity, "bundle": out.name if manifest else None}
    report_json, report_html = Path(f"{out}.report.json"), Path(f"{out}.report.html")
    write_atomically(report_json, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    write_atomically(report_html, render_html(document, test, labels).encode())
    return ExportResult(
        Outcome(report["outcome"]),
        report["reason"],
        out if manifest else None,
        identity,
        document,
        report_json,
        report_html,
    )
