"""What test will ask of the candidate: the search asks val the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_benchmarks.accuracy import ClassVerdict, Metric, expect_bound, judge_accuracy, judge_classes
from edge_benchmarks.accuracy.answers import Answers
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict
from edge_export.candidates import BASELINE
from edge_export.config import ExportConfig, ExportData


@dataclass(frozen=True)
class Question:
    """The budgets, and how much data will be held against them."""

    items: int
    """Of test."""
    labels: tuple[str, ...]
    """Class names."""
    max_drop: float = 0.01
    metric: Metric = "accuracy"
    max_class_drop: float = 0.05
    protect: tuple[str, ...] = ()
    groups: Sequence[str] | None = None
    """The group of each item of val, where the data has any; those of test are taken to be alike."""
    frames: int = 0
    """Items without labels that test will have beside it."""

    @classmethod
    def of(cls, labels: tuple[str, ...], data: ExportData, config: ExportConfig) -> "Question":
        """Return what this export will ask."""
        return cls(
            items=len(data.splits["test"]),
            labels=labels,
            max_drop=config.max_drop,
            metric=config.metric,
            max_class_drop=config.max_class_drop,
            protect=config.protect,
            groups=data.groups.get("val"),
            frames=0 if data.unlabeled is None else len(data.unlabeled),
        )

    def judge(self, answers: Answers, candidate: str) -> AccuracyVerdict:
        """Judge the candidate on val itself."""
        return judge_accuracy(
            answers, BASELINE, candidate, max_drop=self.max_drop, metric=self.metric, groups=self.groups
        )

    def expect(self, answers: Answers, candidate: str) -> tuple[float, tuple[ClassVerdict, ...]]:
        """Return the bound that test would give if answers changed there as on val, and the classes it would refuse."""
        bound = expect_bound(
            answers,
            BASELINE,
            candidate,
            items=self.items,
            metric=self.metric,
            groups=self.groups,
            frames=self.frames,
        )
        classes = judge_classes(
            answers,
            self.labels,
            BASELINE,
            candidate,
            max_drop=self.max_class_drop,
            protected=self.protect,
            groups=self.groups,
            scale=self.items / len(answers.inputs),
        )
        # A class of which val holds nothing cannot steer a search.
        return bound, tuple(one for one in classes if one.verdict is not Accuracy.PASS and one.n)
