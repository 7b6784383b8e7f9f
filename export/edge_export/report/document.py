"""Everything an export measured, as one JSON-ready document with a schema version."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from edge_benchmarks.accuracy import Answers, summarize
from edge_benchmarks.timing import InterleavedTimings
from edge_benchmarks.verdicts import TimeVerdict
from edge_export.candidates import BASELINE, Candidate
from edge_export.config import ExportConfig
from edge_export.contest import Contest
from edge_export.decide import Decision
from edge_export.inputs import model_rows, typical_inputs
from edge_export.judge import EAGER
from edge_export.judgement import Judgement

REPORT_SCHEMA = 1


def build_report(
    *,
    contest: Contest,
    test: Answers,
    timings: InterleavedTimings,
    judgement: Judgement | None,
    twins: Mapping[str, Judgement | None],
    decision: Decision,
    shipped: Sequence[str],
    unknown: Mapping[str, Any],
    environment: Mapping[str, Any],
    test_openings: int,
    config: ExportConfig,
) -> dict[str, Any]:
    """Gather what was measured; see `docs/reference.md` for every field.

    Nothing in it names a path or an item of the customer's data, so that a bundle can carry it as evidence.
    """
    captured = contest.captured
    accuracy, time = (judgement.accuracy, judgement.time) if judgement else (None, None)
    return {
        "schema": REPORT_SCHEMA,
        "kind": "export",
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "shipped": list(shipped),
        "quantize": config.quantize,
        "source": captured.provenance["source"],
        "notes": [
            *captured.notes,
            *filter(None, [contest.race.note]),
            *(contest.chosen.notes if contest.chosen else ()),
            *contest.twins.notes,
        ],
        "task": captured.task,
        "measure": test.measure,
        "rows": [
            _row(one, captured.labels or test.numbers, test, timings) | _verdict(one, twins.get(one.name, judgement))
            for one in contest.entrants
        ],
        "eager": _latency(timings, EAGER),
        "accuracy": asdict(accuracy) if accuracy else None,
        "time": _time_verdict(time),
        "classes": [asdict(one) for one in judgement.classes] if judgement else [],
        "unknown": dict(unknown),
        "parity": asdict(captured.parity),
        "exporters": asdict(contest.race),
        "passes": [asdict(record) for record in contest.passes],
        "target": contest.target.name,
        "calibration": contest.calibration,
        "search": contest.found.to_dict(),
        "tensor_shape": list(captured.preprocessing.tensor_shape),
        "timed_tokens": _timed_tokens(contest),
        "test_openings": test_openings,
        "timings": timings.to_dict(),
        "environment": dict(environment),
    }


def _timed_tokens(contest: Contest) -> int | None:
    """Return the length of the text that was timed; None for images, which have one size."""
    if contest.captured.preprocessing.kind != "text":
        return None
    preprocess = contest.captured.preprocessor()
    rows = model_rows(preprocess, (preprocess(text) for text in contest.val.inputs))
    return int(typical_inputs(rows)[0].shape[1])


def _row(one: Candidate, labels: Sequence[str], test: Answers, timings: InterleavedTimings) -> dict[str, Any]:
    """One line of the table that the command prints."""
    summary = summarize(test.labels, test.logits[one.name], labels)
    row: dict[str, Any] = {
        "variant": one.name,
        "precision": one.precision,
        "size_bytes": len(one.model),
        "top1": summary.top1.estimate,
        "top1_interval": [summary.top1.low, summary.top1.high],
        "macro_f1": summary.macro_f1,
        "n": summary.n,
        "coverage": one.coverage.to_dict() if one.coverage else None,
    }
    if summary.span_f1 is not None:
        row |= {"span_f1": asdict(summary.span_f1), "spans": [asdict(kind) for kind in summary.per_class]}
    if one.name in timings.samples_ns:
        row |= _latency(timings, one.name)
        row["speedup_over_eager"] = _speedup(timings, one.name, EAGER)
        row["speedup_over_baseline"] = _speedup(timings, one.name, BASELINE)
    return row


def _verdict(one: Candidate, judgement: Judgement | None) -> dict[str, Any]:
    if one.name == BASELINE or judgement is None:
        return {"verdict": "baseline"}
    accuracy, time = judgement.accuracy, judgement.time
    words = accuracy.verdict.value
    if one.precision != "fp32":  # a twin of the baseline need not be faster
        words = f"{words}, {time.verdict.value if time else 'latency unproven'}"
    return {"drop": accuracy.drop, "drop_bound": accuracy.drop_bound, "changed": accuracy.changed, "verdict": words}


def _latency(timings: InterleavedTimings, arm: str) -> dict[str, Any]:
    percentiles = {f"p{round(100 * q)}": timings.percentile(arm, q) for q in (0.5, 0.9, 0.99)}
    return {"latency_ms": {name: asdict(interval) if interval else None for name, interval in percentiles.items()}}


def _speedup(timings: InterleavedTimings, arm: str, against: str) -> dict[str, float] | None:
    """Baseline time over candidate time, so that more is better; its interval is the ratio's, turned over.

    None where too few independent rounds bound it: JSON has no infinity, and a speed-up without a bound is hearsay.
    """
    ratio = timings.ratio(arm, against)
    if not ratio.low > 0:
        return None
    return {"estimate": 1 / ratio.estimate, "low": 1 / ratio.high, "high": 1 / ratio.low}


def _time_verdict(time: TimeVerdict | None) -> dict[str, Any] | None:
    """The verdict as JSON, which has no infinity: a ratio without a bound is left out."""
    if time is None:
        return None
    document = asdict(time)
    return document if isfinite(time.ratio.high) else document | {"ratio": None}
