"""From a source to the two models that test will judge: the baseline and the candidate that val likes best."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.timing import InterleavedTimings
from edge_export.candidates import Candidate, calibrate, int8_tiers, make_baseline, make_fp16
from edge_export.capture import Captured, capture
from edge_export.config import ExportConfig, ExportData, Progress
from edge_export.golden import golden_images, golden_tensors
from edge_export.judge import answer, time_models
from edge_export.optimize import PassRecord
from edge_export.search import Trial, search

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Contest:
    """What was made, and what val said of it."""

    captured: Captured
    baseline: Candidate
    passes: tuple[PassRecord, ...]
    trials: tuple[Trial, ...]
    """The candidates that val saw, the chosen one first; none where only the baseline was asked for."""
    val: Answers
    """Of the finalists."""
    refusal: str = ""
    """Why there is no candidate although one was asked for."""

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that test judges."""
        return self.trials[0].candidate if self.trials else None

    @property
    def finalists(self) -> list[Candidate]:
        """The baseline, and the chosen candidate where there is one."""
        return [self.baseline] if self.chosen is None else [self.baseline, self.chosen]

    def without_candidate(self, refusal: str) -> "Contest":
        """Return the contest with the baseline alone."""
        return replace(self, trials=(), refusal=refusal)


def hold_contest(source: Path, data: ExportData, config: ExportConfig, progress: Progress) -> Contest:
    """Capture the source, make the baseline and the candidates, and let val choose.

    Raises:
        InputError: the source cannot be captured, or calibration saw something that is not finite.
        RefusedError: the graph does not answer as the source does.
    """
    progress("exporting to ONNX and checking parity")
    captured = capture(source)
    progress("optimizing the graph")
    graph, baseline, passes = make_baseline(captured)
    progress("answering val")
    val = answer([baseline], captured, data.splits["val"])
    contest = Contest(captured, baseline, passes, (), val)
    if config.quantize == "none":
        return contest
    trials = _try_candidates(contest, graph, data, config, progress)
    if not trials:
        return contest.without_candidate(f"no {config.quantize} candidate of this network gains anything and answers")
    return replace(contest, trials=tuple(trials), val=trials[0].answers)


def _try_candidates(
    contest: Contest, graph: "onnx.ModelProto", data: ExportData, config: ExportConfig, progress: Progress
) -> list[Trial]:
    captured = contest.captured
    tiers: Iterable[list[Candidate]]
    if config.quantize == "fp16":
        tiers = [[make_fp16(graph)]]
    else:
        progress("calibrating")
        tiers = int8_tiers(graph, calibrate(graph, captured, data, config))
    progress(f"searching {config.quantize} recipes")
    test_size = len(data.splits["test"])

    def ask(candidates: list[Candidate]) -> Answers:
        return answer(candidates, captured, data.splits["val"])

    return search(tiers, ask, contest.val, test_size, config.max_drop)


def time_finalists(contest: Contest, config: ExportConfig) -> InterleavedTimings:
    """Time the source run eagerly and the finalists that this machine can run, in one interleaved run."""
    batch = golden_tensors(golden_images(config.seed), contest.captured.preprocessing)[:1]
    here = [one for one in contest.finalists if one.device == "cpu"]
    return time_models(here, contest.captured, batch, config.timing_seconds, config.seed)
