"""The verdicts on the chosen candidate: on test, opened once, and against the baseline's time."""

from dataclasses import dataclass

from edge_benchmarks.accuracy import Answers, ClassVerdict, judge_accuracy, judge_classes
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, TimeVerdict
from edge_export.candidates import BASELINE, Candidate
from edge_export.config import ExportConfig, ExportData
from edge_export.contest import Contest


@dataclass(frozen=True)
class Judgement:
    """What was found of the candidate."""

    accuracy: AccuracyVerdict
    time: TimeVerdict | None
    """None where it cannot be timed on this machine."""
    classes: tuple[ClassVerdict, ...] = ()

    def classes_that(self, verdict: Accuracy) -> list[ClassVerdict]:
        """Return the classes with this verdict, the largest drop first."""
        return sorted((one for one in self.classes if one.verdict is verdict), key=lambda one: -one.drop)


def judge_candidate(
    candidate: Candidate | None,
    contest: Contest,
    *,
    test: Answers,
    frames: Answers | None,
    timings: InterleavedTimings,
    data: ExportData,
    config: ExportConfig,
) -> Judgement | None:
    """Judge a candidate, where there is one, against the baseline.

    Args:
        candidate: The chosen one, or a twin of it.
        contest: Gives the finalists and the target.
        test: Their answers on test.
        frames: Their answers on frames without labels, where the user gave any.
        timings: Of the finalists.
        data: Gives the groups of test.
        config: Budgets.
    """
    if candidate is None:
        return None
    accuracy = judge_accuracy(
        test,
        BASELINE,
        candidate.name,
        max_drop=config.max_drop,
        metric=config.metric,
        groups=data.groups.get("test"),
        unlabeled=frames,
    )
    classes = judge_classes(
        test,
        contest.captured.labels,
        BASELINE,
        candidate.name,
        max_drop=config.max_class_drop,
        protected=config.protect,
        groups=data.groups.get("test"),
    )
    # What another kind of machine will take cannot be measured here.
    time = judge_time(timings, candidate.name, BASELINE) if contest.target.is_here else None
    return Judgement(accuracy, time, classes)
