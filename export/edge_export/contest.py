"""From a source to the two models that test will judge: the baseline and the candidate that val likes best."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.timing import InterleavedTimings
from edge_export.candidates import Candidate, calibrate, make_baseline, make_fp16, prepare_int8
from edge_export.capture import Captured, capture
from edge_export.config import ExportConfig, ExportData, Progress
from edge_export.exporter_race import Race, race
from edge_export.golden import golden_batch
from edge_export.graphs.coverage import time_share
from edge_export.inputs import golden_inputs, model_rows, typical_inputs
from edge_export.judge import answer, time_models
from edge_export.kept import tools
from edge_export.optimize import PassRecord
from edge_export.plausible import check_plausible, check_readable
from edge_export.quantize import RECIPES, Recipe
from edge_export.search import Budget, Laboratory, Memory, Question, SearchResult, Trial, judge_trial, search
from edge_export.targets import Target, find_target
from edge_export.twins import Twins, fp32_twin, int8_twin
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Contest:
    """What was made, and what val said of it."""

    captured: Captured
    target: Target
    baseline: Candidate
    passes: tuple[PassRecord, ...]
    """Of the baseline, and then of the graph that int8 was made from."""
    val: Answers
    """Of the finalists."""
    found: SearchResult = field(default_factory=SearchResult)
    """The candidates that val saw, the chosen one first; none where only the baseline was asked for."""
    calibration: str = ""
    """One sentence: on how many samples the ranges rest."""
    refusal: str = ""
    """Why there is no candidate although one was asked for."""
    twins: Twins = field(default_factory=Twins)
    """Of the finalists, for older ONNX Runtimes."""
    race: Race = field(default_factory=Race)
    """Which exporter's graph it is, and what the others took."""
    batchable: Candidate | None = None
    """Of texts, the chosen candidate where it takes batches, else the one that errs least of those that do."""

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The candidates that val saw, the chosen one first."""
        return self.found.trials

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that test judges."""
        return self.trials[0].candidate if self.trials else None

    @property
    def finalists(self) -> list[Candidate]:
        """The baseline, and the chosen candidate where there is one."""
        return [self.baseline] if self.chosen is None else [self.baseline, self.chosen]

    @property
    def entrants(self) -> list[Candidate]:
        """The finalists and their twins: all that test judges."""
        return [*self.finalists, *self.twins.candidates]

    def without_candidate(self, refusal: str) -> "Contest":
        """Return the contest with the baseline alone."""
        left = tuple(one for one in self.twins.candidates if one.precision == self.baseline.precision)
        twins = replace(self.twins, candidates=left)
        return replace(self, found=replace(self.found, trials=()), twins=twins, batchable=None, refusal=refusal)


def hold_contest(source: str | Path, data: ExportData, config: ExportConfig, progress: Progress) -> Contest:
    """Capture the source, make the baseline and the candidates, and let val choose.

    Raises:
        InputError: the source cannot be captured, the target has no such recipe, or calibration saw something that is
            not finite.
        RefusedError: the graph does not answer as the source does.
    """
    target = _target(config)
    progress("exporting to ONNX and checking parity")
    captured = capture(str(source), config.source)
    if unknown := [name for name in config.protect if name not in captured.labels]:
        raise InputError(f"protect={unknown[0]!r}: no such class; there are {', '.join(captured.labels)}")
    check_readable(data.splits, captured)
    captured, raced = _fastest_export(captured, data, config, progress)
    progress("optimizing the graph")
    graph, baseline, passes = make_baseline(captured)
    progress("answering val")
    val = answer([baseline], captured, data.splits["val"])
    check_plausible(val, captured)
    contest = Contest(captured, target, baseline, passes, val, race=raced)
    if config.compatible:
        progress("making the twin for older ONNX Runtimes")
        contest = _with_twins(contest, fp32_twin(graph, baseline, captured, _typical(contest, config)), data)
    if config.quantize == "none":
        return contest
    add = _add_fp16 if config.quantize == "fp16" else _add_int8
    contest = add(contest, graph, data, config, progress)
    if contest.chosen is None:
        return contest.without_candidate(f"no {config.quantize} candidate of this network gains anything and answers")
    answers = contest.trials[0].answers
    known = replace(contest, val=replace(answers, logits=contest.val.logits | answers.logits))
    return _check_share(known, config)


def _fastest_export(
    captured: Captured, data: ExportData, config: ExportConfig, progress: Progress
) -> tuple[Captured, Race]:
    """Hold other exporters' graphs against the first one's, on a text of the length that half of val has at most."""
    if not captured.rivals:
        return captured, Race()
    progress("comparing exporters")
    preprocess = captured.preprocessor()
    rows = model_rows(preprocess, (preprocess(text) for text, _ in data.splits["val"]))
    return race(captured, config, typical_inputs(rows))


def _with_twins(contest: Contest, made: Twins, data: ExportData) -> Contest:
    """Add twins and what they say of val, which their thresholds rest on."""
    logits = answer(made.candidates, contest.captured, data.splits["val"]).logits if made.candidates else {}
    known = contest.twins
    twins = Twins((*known.candidates, *made.candidates), (*known.notes, *made.notes))
    return replace(contest, val=replace(contest.val, logits=contest.val.logits | logits), twins=twins)


def _target(config: ExportConfig) -> Target:
    """Find the target, and hold what is asked for against what it runs."""
    if config.quantize == "fp16":
        return find_target("cuda")
    target = find_target(config.target)
    if config.quantize == "int8" and target.never:
        raise InputError(f"--quantize int8 --target {target.name}: {target.never}")
    return target


def _add_fp16(
    contest: Contest, graph: "onnx.ModelProto", data: ExportData, config: ExportConfig, progress: Progress
) -> Contest:
    candidate = make_fp16(graph)
    logits = answer([candidate], contest.captured, data.splits["val"]).logits[candidate.name]
    if not np.isfinite(logits).all():
        return contest
    question = Question.of(contest.captured.labels, data, config)
    trial = judge_trial(candidate, contest.val, logits, question)
    return replace(contest, found=SearchResult((trial,)))


def _add_int8(
    contest: Contest, baseline: "onnx.ModelProto", data: ExportData, config: ExportConfig, progress: Progress
) -> Contest:
    captured = contest.captured
    graph, passes = prepare_int8(baseline, captured, config.recipe)
    if config.recipe is not None:
        recipes, seconds = [config.recipe], 0.0
    else:
        recipes, seconds = _starting_recipes(contest, config), config.search_time
    observation = None
    if any(one.kind != "dynamic" or one.smooth_quant is not None for one in recipes):
        progress("calibrating")
        observation = calibrate(graph, captured, data, config)
    progress("searching int8 recipes")
    lab = Laboratory(
        baseline=contest.baseline,
        graph=graph,
        passes=passes,
        observation=observation,
        captured=captured,
        val=data.splits["val"],
        answers=contest.val,
        question=Question.of(captured.labels, data, config),
        memory=Memory(config.cache, _context(graph, captured, data, config)),
    )
    found = _explain(search(lab, recipes, Budget(seconds, progress)), lab)
    if config.compatible and found.trials:
        made = int8_twin(graph, found.trials[0].candidate, observation, passes, lab.inputs)
        contest = _with_twins(contest, made, data)
    return replace(
        contest,
        found=found,
        batchable=_batchable(found, lab, recipes),
        passes=(*contest.passes, *passes),
        calibration=observation.sentence() if observation else "none: ranges are found at run time",
    )


def _starting_recipes(contest: Contest, config: ExportConfig) -> list[Recipe]:
    text = contest.captured.preprocessing.kind == "text"
    named = [RECIPES[name] for name in (contest.target.text_recipes if text else contest.target.recipes)]
    return [one for one in named if not (config.batchable and one.kind == "dynamic")]


def _batchable(found: SearchResult, lab: Laboratory, recipes: list[Recipe]) -> Candidate | None:
    """Return the candidate for batches of texts, under a name of its own where it is not the chosen one."""
    if not found.trials or lab.captured.preprocessing.kind != "text":
        return None
    chosen = found.trials[0].candidate
    if chosen.recipe["kind"] != "dynamic":
        return chosen
    fixed = [one for one in recipes if one.kind != "dynamic" and np.isfinite(found.errors.get(one.name, np.inf))]
    if not fixed:
        return None
    best = min(fixed, key=lambda one: found.errors[one.name])
    return replace(lab.candidate(best), name=f"{chosen.name}-batchable")


def _context(graph: "onnx.ModelProto", captured: Captured, data: ExportData, config: ExportConfig) -> str:
    """Hash everything that a measurement of the search depends on, besides its recipe."""
    parts = [
        hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest(),
        captured.preprocessing.to_dict(),
        data.fingerprints.get("train"),
        data.fingerprints.get("val"),
        config.calibration_samples,
        config.seed,
        tools(),
    ]
    return json.dumps(parts)


def _explain(found: SearchResult, lab: Laboratory) -> SearchResult:
    """Add to the chosen candidate's coverage the share of time in int8, and what the search knows of the rest."""
    if not found.trials:
        return found
    chosen, *others = found.trials
    candidate = chosen.candidate
    if candidate.coverage is None:
        return found
    coverage = replace(candidate.coverage.explained(found.reasons), time_share=time_share(lab.kernels(candidate)))
    explained = replace(chosen, candidate=replace(candidate, coverage=coverage))
    return replace(found, trials=(explained, *others))


def _check_share(contest: Contest, config: ExportConfig) -> Contest:
    """Refuse a candidate that has less in int8 than the user wants."""
    coverage = contest.chosen.coverage if contest.chosen else None
    if coverage is None or coverage.macs_share >= config.min_int8_share:
        return contest
    return contest.without_candidate(
        f"{coverage.macs_share:.1%} of the multiply-accumulates would run in int8, "
        f"less than the {config.min_int8_share:.1%} that --min-int8-share asks for"
    )


def time_finalists(contest: Contest, config: ExportConfig) -> InterleavedTimings:
    """Time the source run eagerly and the entrants that this machine can run, in one interleaved run.

    An image is as large as another; of texts, one of the length that half of val has at most.
    """
    inputs = _typical(contest, config)
    here = [one for one in contest.entrants if one.device == "cpu"]
    return time_models(here, contest.captured.reference, inputs, seconds=config.timing_seconds, seed=config.seed)


def _typical(contest: Contest, config: ExportConfig) -> list[NDArray[Any]]:
    preprocess = contest.captured.preprocessor()
    if contest.captured.preprocessing.kind == "text":
        return typical_inputs(model_rows(preprocess, (preprocess(one) for one in contest.val.inputs)))
    name, content = next(iter(golden_inputs(contest.captured.preprocessing, preprocess, config.seed).items()))
    return [golden_batch({name: content}, preprocess)]
