"""Budgets applied to verdicts: what ships, and why nothing else."""

from dataclasses import dataclass

from edge_benchmarks.accuracy import AGREEMENT, MACRO_F1
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Time
from edge_export.config import ExportConfig, Outcome
from edge_export.judgement import Judgement


@dataclass(frozen=True)
class Decision:
    """How the export ends."""

    outcome: Outcome
    reason: str


def decide(config: ExportConfig, judgement: Judgement | None, refusal: str = "") -> Decision:
    """Apply the rules of "How an int8 export ends" to the chosen candidate.

    Args:
        config: Budgets and the user's word on fallback and provisional shipping.
        judgement: The verdicts on the candidate; None where only the baseline was asked for.
        refusal: Why there is no candidate although one was asked for.
    """
    if judgement is None and not refusal:
        return Decision(Outcome.SHIPPED, "the fp32 graph answers as its source does")
    refusal = refusal or (_refusal(judgement) if judgement else "")
    if judgement and not refusal:
        accuracy = judgement.accuracy
        doubt = _doubt(judgement)
        if doubt is None:
            return Decision(
                Outcome.SHIPPED,
                f"{_accurate(accuracy)} (drop at most {accuracy.drop_bound:.2%} at 95 % confidence) and faster",
            )
        if config.provisional:
            return Decision(Outcome.PROVISIONAL, f"shipped as provisional at your word: {doubt}")
        refused = Decision(Outcome.INCONCLUSIVE, doubt)
    else:
        refused = Decision(Outcome.REFUSED, refusal)
    if config.fallback == "fp32":
        return Decision(Outcome.FALLBACK, f"the fp32 baseline ships instead: {refused.reason}")
    return refused


def _refusal(judgement: Judgement) -> str:
    """Say what is certainly wrong with the candidate; nothing where nothing is."""
    accuracy, time = judgement.accuracy, judgement.time
    if accuracy.verdict is Accuracy.FAIL:
        return (
            f"{_counted(accuracy)} drops by {accuracy.drop:.2%} on {accuracy.n:,} items, "
            f"more than the {accuracy.max_drop:.2%} that --max-drop allows"
        )
    lost = judgement.classes_that(Accuracy.FAIL)
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        return (
            f"class {lost[0].label}{more} loses {lost[0].drop:.1%} of its {lost[0].n:,} items, "
            "more than --max-class-drop allows"
        )
    if time is not None and time.verdict in (Time.SLOWER, Time.SAME):
        return (
            f"it takes {time.ratio.estimate:.2f} times the baseline's time "
            f"(95 % interval {time.ratio.low:.2f} to {time.ratio.high:.2f}), so nothing is gained"
        )
    return ""


def _doubt(judgement: Judgement) -> str | None:
    """Say what is not known about the candidate, if anything is not."""
    accuracy, time = judgement.accuracy, judgement.time
    if accuracy.verdict is Accuracy.INCONCLUSIVE:
        more = f"; about {accuracy.items_to_decide:,} test items would decide" if accuracy.items_to_decide else ""
        return (
            f"the drop of {_counted(accuracy)} may be as much as {accuracy.drop_bound:.2%} "
            f"on {accuracy.n:,} test items, and --max-drop allows {accuracy.max_drop:.2%}{more}"
        )
    unproven = judgement.classes_that(Accuracy.INCONCLUSIVE)
    if unproven:
        return (
            f"protected class {unproven[0].label} may lose as much as {unproven[0].drop_bound:.1%} of its items, "
            f"judging by {unproven[0].n:,} of them; label more of this class, or raise --max-class-drop"
        )
    if time is None:
        return (
            "its latency is unproven, since the target is not this machine; "
            "ship it with --provisional and time it on the device"
        )
    if time.verdict is not Time.FASTER:
        reason = time.reason or "the interval of the ratio holds 1"
        return f"whether it is faster is {time.verdict.value}: {reason}; export again on a quiet machine"
    return None


def _counted(accuracy: AccuracyVerdict) -> str:
    """Name what a drop is of; without labels nobody knows the accuracy."""
    if accuracy.measure == MACRO_F1:
        return "macro F1"
    return "agreement with fp32" if accuracy.measure == AGREEMENT else "accuracy"


def _accurate(accuracy: AccuracyVerdict) -> str:
    return "agrees with fp32" if accuracy.measure == AGREEMENT else "accurate"
