"""What val said of one candidate."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, judge_accuracy
from edge_benchmarks.statistics.proportions import tango_upper_bound
from edge_benchmarks.verdicts import AccuracyVerdict, Interval
from edge_export.candidates import BASELINE, Candidate


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate that answered all of val."""

    candidate: Candidate
    answers: Answers
    """The baseline's and this candidate's."""
    verdict: AccuracyVerdict
    expected_bound: float
    """The bound of the drop that test would give, if answers changed there as often as on val."""
    logit_error: float
    """Root mean square difference of the logits from the baseline's."""
    ratio: Interval | None = None
    """Its time over the baseline's; None where it was not timed, unbounded where too few rounds fitted in."""

    def provable(self, max_drop: float) -> bool:
        """Whether test would pass it, if answers changed there as often as on val."""
        return self.expected_bound <= max_drop

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "recipe": self.candidate.recipe,
            "verdict": asdict(self.verdict),
            "expected_bound": self.expected_bound,
            "logit_error": self.logit_error,
            "size_bytes": len(self.candidate.model),
            "ratio": asdict(self.ratio) if self.ratio and np.isfinite(self.ratio.high) else None,
        }


def judge_trial(
    candidate: Candidate, baseline: Answers, logits: NDArray[np.float32], test_size: int, max_drop: float
) -> Trial:
    """Hold a candidate's answers on val against the baseline's.

    Args:
        candidate: Who answered.
        baseline: The baseline's answers on val.
        logits: The candidate's, finite.
        test_size: Items that test holds.
        max_drop: The budget, as a share.
    """
    answers = replace(baseline, logits={BASELINE: baseline.logits[BASELINE], candidate.name: logits})
    verdict = judge_accuracy(answers, BASELINE, candidate.name, max_drop=max_drop)
    scale = test_size / verdict.n
    # Rounded against the candidate: what val saw once may be seen twice.
    worse, better = int(np.ceil(verdict.worse * scale)), int(np.floor(verdict.better * scale))
    worse, better = min(worse, test_size), min(better, test_size - min(worse, test_size))
    error = float(np.sqrt(np.mean((logits - baseline.logits[BASELINE]) ** 2)))
    return Trial(candidate, answers, verdict, tango_upper_bound(worse, better, test_size), error)


def finite_or_none(number: float) -> float | None:
    """Return a number as JSON can hold it: it has no infinity."""
    return number if np.isfinite(number) else None
