"""The verdict on each benchmark, with one rate of false alarms for all of them together, and the exit code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from edge_benchmarks.compare.effects import Effect
from edge_benchmarks.measurements import METRICS, Measurement
from edge_benchmarks.statistics.many import holm
from edge_runtime.errors import ExitCode

FALSE_ALARMS = 0.01
"""Nominal chance that a comparison of equal builds calls any benchmark better or worse, all together (Holm)."""

MARGINS: Mapping[str, float] = {
    "model_latency_p50": 0.10,
    "model_latency_p90": 0.10,
    "model_latency_p99": 0.10,
    "throughput": 0.05,
    "first_label": 0.20,
    "peak_rss": 0.05,
    "steady_rss": 0.05,
    "bundle_size": 0.01,
    "variant_size": 0.01,
    "runtime_size": 0.01,
    "accuracy": 0.01,
}
"""Changes that nobody minds: a share of BASE's value; of the accuracy itself where the metric is a share.

The model alone has twice the margin of the whole path, which is what a user feels: of networks that take a quarter of a
millisecond, behind a decoder that empties the caches, equal processes differ by 5 %. A cold start rests on few samples.
"""

JUDGED = (
    "latency_p50", "model_latency_p50", "throughput", "first_label", "peak_rss", "bundle_size", "variant_size",
    "runtime_size", "accuracy",
)  # fmt: skip
"""Metrics that get a verdict; tails and the steady memory follow them and are asked only whether they are there."""

LATENCY_MARGIN = 0.05
"""The same for the latency from input to answer."""


class Outcome(str, Enum):
    """What became of one benchmark."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """The 95 % interval lies inside the margin."""
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    """It was not measured well: something moved meanwhile."""
    MISSING = "missing"
    """BASE has it, NEW has not."""
    ADDED = "added"
    """NEW has it, BASE has not; it is told and not judged."""


@dataclass(frozen=True)
class Question:
    """One benchmark to judge."""

    base: Measurement | None
    new: Measurement | None
    effect: Effect | None = None
    """None where the two cannot be held against each other; `problem` or `doubt` says why."""
    problem: str = ""
    """Why the measurement is invalid."""
    doubt: str = ""
    """Why no effect is known."""

    @property
    def shown(self) -> Measurement:
        """The measurement that names it."""
        found = self.base or self.new
        assert found is not None
        return found


@dataclass(frozen=True)
class Limit:
    """How much worse a metric may become."""

    share: float
    """Of BASE's value: 0.05 is 5 %; for a metric that is a share, a difference."""
    allowed: bool = False
    """A budget that somebody set: being surely worse is allowed up to it. Else a margin under which nobody cares, and
    what is surely worse and not surely under it fails."""


@dataclass(frozen=True)
class Judged:
    """One benchmark with its verdict."""

    question: Question
    outcome: Outcome
    limit: Limit
    p_value: float | None = None
    """Of no change (of the allowed change, where a budget set one), before Holm's correction."""
    reason: str = ""


def default_limit(metric: str) -> Limit:
    """Return the margin of a metric that no budget names."""
    return Limit(MARGINS.get(metric, LATENCY_MARGIN))


def judge(
    questions: Sequence[Question], limits: Mapping[str, Limit] | None = None, false_alarms: float = FALSE_ALARMS
) -> tuple[Judged, ...]:
    """Judge all benchmarks of one comparison.

    In this order: what NEW lacks is missing; what moved while it was measured is invalid; what lies inside its margin
    with its whole 95 % interval is the same; what differs significantly after Holm's correction is better or worse;
    the rest is inconclusive. Numbers without chance in them need no test and take no part in the correction.

    Args:
        questions: The benchmarks.
        limits: By a benchmark's key; `default_limit` for the others.
        false_alarms: Chance of any false better or worse among all.
    """
    known = {one.shown.key: (limits or {}).get(one.shown.key, default_limit(one.shown.metric)) for one in questions}
    asked = [one for one in questions if one.effect is not None and not one.problem and not one.effect.exact]
    p_values = {one.shown.key: _p_value(one, known[one.shown.key]) for one in asked}
    found = dict(zip(p_values, holm(list(p_values.values()), false_alarms), strict=True))
    return tuple(_judge(one, known[one.shown.key], p_values.get(one.shown.key), found) for one in questions)


def exit_code(judged: Sequence[Judged], over: Sequence[bool | None] = ()) -> ExitCode:
    """Return what the comparison ends with: surely bad news before doubt about the measurement, that before doubt.

    Args:
        judged: Every benchmark.
        over: For each absolute budget whether it is exceeded; None where the interval does not tell.
    """
    outcomes = {one.outcome for one in judged}
    if outcomes & {Outcome.WORSE, Outcome.MISSING} or True in over:
        return ExitCode.REFUSED
    if Outcome.INVALID in outcomes or not judged:
        return ExitCode.INVALID
    if Outcome.INCONCLUSIVE in outcomes or None in over:
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK


def worsening(question: Question, value: float) -> float:
    """Return an effect, or an end of its interval, with the sign that makes worse positive."""
    return value if METRICS[question.shown.metric].lower_is_better else -value


def on_scale(metric: str, share: float) -> float:
    """Return a limit on the scale of effects: the logarithm of `1 + share`, or the share itself."""
    return share if METRICS[metric].unit == "share" else math.log1p(share)


def _p_value(question: Question, limit: Limit) -> float:
    """Return the p-value of no change; of the allowed change where a budget allows one and this is more."""
    assert question.effect is not None
    allowed = on_scale(question.shown.metric, limit.share) if limit.allowed else 0.0
    over = worsening(question, question.effect.estimate) > allowed
    return question.effect.p_value(worsening(question, allowed) if over else 0.0)


def _judge(question: Question, limit: Limit, p_value: float | None, found: Mapping[str, bool]) -> Judged:
    early = _before_judging(question, limit)
    if early is not None:
        return early
    effect = question.effect
    assert effect is not None
    reach = on_scale(question.shown.metric, limit.share)
    low, high = sorted(worsening(question, end) for end in effect.interval())
    if -reach <= low and high <= reach:
        return Judged(question, Outcome.SAME, limit, p_value)
    change = worsening(question, effect.estimate)
    sure = effect.exact or found.get(question.shown.key, False)
    if sure and change < 0:
        return Judged(question, Outcome.BETTER, limit, p_value)
    if sure and change > (reach if limit.allowed else 0):
        return Judged(question, Outcome.WORSE, limit, p_value)
    if limit.allowed and high <= reach:
        return Judged(question, Outcome.SAME, limit, p_value)
    return Judged(question, Outcome.INCONCLUSIVE, limit, p_value, _why_inconclusive(question, limit))


def _before_judging(question: Question, limit: Limit) -> Judged | None:
    """Return the verdict on what has no effect to judge."""
    if question.new is None:
        return Judged(question, Outcome.MISSING, limit, reason="NEW does not have it")
    if question.base is None:
        return Judged(question, Outcome.ADDED, limit, reason="BASE does not have it")
    if question.problem:
        return Judged(question, Outcome.INVALID, limit, reason=question.problem)
    if question.effect is None:
        return Judged(question, Outcome.INCONCLUSIVE, limit, reason=question.doubt)
    return None


def _why_inconclusive(question: Question, limit: Limit) -> str:
    assert question.effect is not None
    points = METRICS[question.shown.metric].unit == "share"
    beyond = "what the budget allows" if limit.allowed else "the margin"
    share = f"{limit.share * 100:.3g} {'points' if points else '%'}"
    return f"the interval reaches beyond {beyond} of {share}, and no change is sure; n = {question.effect.n}"
