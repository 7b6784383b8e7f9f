"""The export stage: a source and its data in, a proven bundle or a refusal out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.machine.environment import capture as capture_environment
from edge_export.bundle_writer import check_target
from edge_export.candidates import Candidate
from edge_export.capture import Captured
from edge_export.config import ExportConfig, ExportData, ExportResult, Outcome, Progress
from edge_export.contest import Contest, hold_contest, time_finalists
from edge_export.decide import Decision, decide
from edge_export.drafting import answer_finalists, try_draft
from edge_export.inputs import golden_inputs, model_rows
from edge_export.judgement import Judgement, judge_candidate
from edge_export.ledger import record_test_opening
from edge_export.other_runtimes import Loaded, load_elsewhere, loaded_note
from edge_export.report import build_report, refusal_report, render_html
from edge_export.run import is_run
from edge_export.shipping import pack, ship, write_reports
from edge_export.throughput import measure_throughput, throughput_note
from edge_export.unknown import choose_unknown, measure_unknown
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.manifest import Unknown

TOOLS = ("edge-toolchain", "torch", "timm", "onnx", "onnxruntime", "onnxscript", "onnxslim", "numpy", "pillow")


def export(
    source: str | Path, out: Path, data: ExportData, config: ExportConfig, progress: Progress = lambda stage: None
) -> ExportResult:
    """Turn `source` into a bundle at `out`, if the verdicts allow it.

    Args:
        source: Whatever `edge_export.capture` recognizes: a path, or a name.
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
    contest = _hold_contest_or_report(source, out, data, config, progress)
    contest, drafting = try_draft(contest, data, config)
    progress("answering test")
    run = Path(source)
    openings = record_test_opening(run, data.fingerprints["test"]) if is_run(run) else 1
    test = answer_finalists(contest, drafting, data.splits["test"])
    frames = None if data.unlabeled is None else answer_finalists(contest, drafting, data.unlabeled)
    contest = _drop_broken(contest, test, frames)
    progress("timing")
    timings = time_finalists(contest, config)
    judge = partial(
        judge_candidate, contest=contest, test=test, frames=frames, timings=timings, data=data, config=config
    )
    judgement, twins = judge(contest.chosen), {one.name: judge(one) for one in contest.twins.candidates}
    decision = _mention_older(out, decide(config, judgement, contest.refusal))
    shipped = _shipped(decision, contest, config, twins)
    progress("loading in other ONNX Runtimes")
    loaded = _load_elsewhere(shipped, contest, config)
    unknowns = {one.name: choose_unknown(one.name, contest.captured, contest.val, config) for one in contest.entrants}
    report = build_report(
        contest=contest,
        test=test,
        timings=timings,
        judgement=judgement,
        twins=twins,
        decision=decision,
        shipped=[one.name for one in shipped],
        unknown=_measure_unknown(unknowns, test),
        environment=capture_environment(),
        test_openings=openings,
        config=config,
    ) | {"draft": drafting.to_dict(), "onnxruntime": {name: one.to_dict() for name, one in loaded.items()}}
    report["notes"] += [loaded_note(name, one) for name, one in loaded.items() if config.compatible or config.runtimes]
    report["notes"] += [
        f"{name}: mean cosine with fp32's embeddings {test.cosines[name]:.4f}" for name in list(test.cosines)[1:]
    ]
    report = _with_throughput(report, contest, data)
    progress("writing")
    bundle = None
    if shipped:
        bundle = pack(
            out,
            contest.target,
            captured=drafting.source(contest.captured, shipped),
            shipped=shipped,
            unknowns=unknowns,
            loaded=loaded,
            config=config,
            name=config.name or out.stem,
            provisional=decision.outcome is Outcome.PROVISIONAL,
            provenance=_provenance(contest.captured, data, config, openings) | {"measure": test.measure},
            evidence=report,
        )
    return ship(out, bundle, report, lambda document: render_html(document, test, contest.captured.labels))


def _with_throughput(report: dict[str, Any], contest: Contest, data: ExportData) -> dict[str, Any]:
    """Add what a list of texts costs, where an int8 candidate of texts can be timed here."""
    if contest.chosen is None or contest.batchable is None or not contest.target.is_here:
        return report | {"throughput": None}
    texts = [text for text, _ in data.splits["val"]]
    found = measure_throughput(contest.chosen, contest.batchable, contest.captured, texts)
    return report | {"throughput": found, "notes": [*report["notes"], throughput_note(found)]}


def _check_splits(data: ExportData) -> None:
    missing = [name for name in ("train", "val", "test") if not len(data.splits.get(name, ()))]
    if missing:
        raise InputError(
            f"the data has no {' and no '.join(missing)} split; "
            "an export needs train to calibrate, val to choose and test to judge"
        )


def _hold_contest_or_report(
    source: str | Path, out: Path, data: ExportData, config: ExportConfig, progress: Progress
) -> Contest:
    """Hold the contest; where the network itself is refused, leave the report that says so."""
    try:
        return hold_contest(source, data, config, progress)
    except RefusedError as error:
        write_reports(out, *refusal_report(out.name, config, str(error)))
        raise


def _mention_older(out: Path, decision: Decision) -> Decision:
    """Say that a bundle of an earlier export is still there, where nothing replaces it."""
    if decision.outcome in (Outcome.REFUSED, Outcome.INCONCLUSIVE) and out.exists():
        return replace(decision, reason=f"{decision.reason} ({out.name} of an earlier export was left as it is)")
    return decision


def _drop_broken(contest: Contest, *seen: Answers | None) -> Contest:
    """Drop a candidate that answers NaN or infinity on test or frames: argmax would make an answer of it."""
    if contest.chosen is None:
        return contest
    name = contest.chosen.name
    if all(np.isfinite(answers.logits[name]).all() for answers in seen if answers is not None):
        return contest
    return contest.without_candidate(f"{name} answers NaN or infinity on test items or frames")


def _shipped(
    decision: Decision, contest: Contest, config: ExportConfig, twins: Mapping[str, Judgement | None]
) -> list[Candidate]:
    """List the variants that ship, in the order of preference, each with its twin behind it."""
    chosen, baseline = contest.chosen, contest.baseline
    if decision.outcome in (Outcome.REFUSED, Outcome.INCONCLUSIVE):
        return []
    if chosen is None or decision.outcome is Outcome.FALLBACK:
        first = [baseline]
    else:
        # On another kind of machine it is unproven that int8 is quicker, so the baseline goes beside it.
        beside = config.keep_fp32 or not contest.target.is_here
        first = [chosen, baseline] if beside else [chosen]
    good = [one for one in contest.twins.candidates if _twin_ships(one, twins[one.name], decision, config)]
    return [one for each in first for one in (each, *(twin for twin in good if twin.precision == each.precision))]


def _twin_ships(twin: Candidate, judgement: Judgement | None, decision: Decision, config: ExportConfig) -> bool:
    """Say whether a twin may ship beside what it is the twin of: that of fp32 by its parity, int8 by its verdicts."""
    if twin.precision == "fp32":
        return True
    allowed = {Outcome.SHIPPED, decision.outcome}
    return decide(config, judgement, "" if judgement else "no verdict").outcome in allowed


def _load_elsewhere(shipped: Sequence[Candidate], contest: Contest, config: ExportConfig) -> dict[str, Loaded]:
    """Load what ships in the other ONNX Runtimes that the user has, and let it answer golden inputs."""
    preprocess = contest.captured.preprocessor()
    contents = golden_inputs(contest.captured.preprocessing, preprocess).values()
    inputs = [row[np.newaxis] for row in model_rows(preprocess, map(preprocess, contents))]
    return {one.name: load_elsewhere(one, inputs, config.runtimes) for one in shipped}


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
