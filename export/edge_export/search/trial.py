"""What val said of one candidate."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, ClassVerdict
from edge_benchmarks.verdicts import AccuracyVerdict, Interval
from edge_export.candidates import BASELINE, Candidate
from edge_export.search.question import Question


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate that answered all of val."""

    candidate: Candidate
    answers: Answers
    """The baseline's and this candidate's."""
    verdict: AccuracyVerdict
    expected_bound: float
    """The bound of the drop that test would give, if answers changed there as often as on val."""
    excess: float
    """By how much the worst of test's bounds, of the drop or of a class that it would refuse, would exceed its budget;
    negative where all hold."""
    logit_error: float
    """Root mean square difference of the logits from the baseline's."""
    refused_classes: tuple[ClassVerdict, ...] = ()
    """The classes that test would refuse, or not find proven."""
    ratio: Interval | None = None
    """Its time over the baseline's; None where it was not timed, unbounded where too few rounds fitted in."""

    @property
    def provable(self) -> bool:
        """Whether test would pass it, if answers changed there as often as on val."""
        return self.excess <= 0

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "recipe": self.candidate.recipe,
            "verdict": asdict(self.verdict),
            "expected_bound": self.expected_bound,
            "refused_classes": [one.label for one in self.refused_classes],
            "logit_error": self.logit_error,
            "size_bytes": len(self.candidate.model),
            "ratio": asdict(self.ratio) if self.ratio and np.isfinite(self.ratio.high) else None,
        }


def judge_trial(candidate: Candidate, baseline: Answers, logits: NDArray[np.float32], question: Question) -> Trial:
    """Hold a candidate's answers on val against the baseline's, by what test will ask.

    Args:
        candidate: Who answered.
        baseline: The baseline's answers on val.
        logits: The candidate's, finite.
        question: The budgets, and how much data test has.
    """
    answers = replace(baseline, logits={BASELINE: baseline.logits[BASELINE], candidate.name: logits})
    bound, refused = question.expect(answers, candidate.name)
    beyond = [bound - question.max_drop, *(one.drop_bound - question.max_class_drop for one in refused)]
    return Trial(
        candidate=candidate,
        answers=answers,
        verdict=question.judge(answers, candidate.name),
        expected_bound=bound,
        excess=max(beyond),
        logit_error=float(np.sqrt(np.mean((logits - baseline.logits[BASELINE]) ** 2))),
        refused_classes=refused,
    )


def finite_or_none(number: float) -> float | None:
    """Return a number as JSON can hold it: it has no infinity."""
    return number if np.isfinite(number) else None
