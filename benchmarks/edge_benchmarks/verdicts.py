"""The words of every judgement, and the rules that turn an interval into one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Accuracy(str, Enum):
    """Is the candidate as right as the baseline, within the budget?"""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Time(str, Enum):
    """Is the candidate quicker than the baseline?"""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval around an estimate."""

    estimate: float
    low: float
    high: float
    confidence: float
    """Nominal coverage, such as 0.95."""


@dataclass(frozen=True)
class AccuracyVerdict:
    """A candidate's accuracy against the baseline's on the same items."""

    verdict: Accuracy
    n: int
    """Items judged."""
    baseline: Interval
    """Accuracy of the baseline, as a share."""
    candidate: Interval
    drop: float
    """Baseline minus candidate accuracy, as a share; negative where the candidate is better."""
    drop_bound: float
    """One-sided 95 % upper bound of the drop, as `edge_benchmarks.accuracy.judge_accuracy` finds it."""
    max_drop: float
    """The budget that the bound was held against, as a share."""
    changed: int
    """Items whose predicted answer differs."""
    worse: int
    """Items that the baseline had right and the candidate wrong."""
    better: int
    items_to_decide: int | None
    """When inconclusive: about how many items would decide at this rate of changes, in groups as they are; None where
    none would, or nobody can say."""
    measure: str = "top-1"
    """What `drop` is of: `top-1`, `all spans right`, `agreement` with the baseline where there are no labels, or
    `macro-f1`. `baseline` and `candidate` are shares of right answers in any case."""
    groups: int | None = None
    """Groups that were resampled whole; None where items were taken as independent."""
    unlabeled: int | None = None
    """Items without labels that helped to bound the drop; None where there were none."""
    span_f1_drop: Interval | None = None
    """Of texts with spans: by how much micro F1 of spans fell, with the paired bootstrap's 95 % interval."""


@dataclass(frozen=True)
class TimeVerdict:
    """A candidate's latency against the baseline's, from one interleaved run."""

    verdict: Time
    ratio: Interval
    """Candidate time over baseline time; under 1 is faster."""
    rounds: int
    reason: str = ""
    """Why the measurement is invalid, where it is."""
