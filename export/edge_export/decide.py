"""Budgets applied to verdicts: what ships, and why nothing else."""

from dataclasses import dataclass

from edge_benchmarks.accuracy import AGREEMENT
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Time, TimeVerdict
from edge_export.config import ExportConfig, Outcome


@dataclass(frozen=True)
class Decision:
    """How the export ends."""

    outcome: Outcome
    reason: str


def decide(
    config: ExportConfig, accuracy: AccuracyVerdict | None, time: TimeVerdict | None, refusal: str = ""
) -> Decision:
    """Apply the rules of "How an int8 export ends" to the chosen candidate.

    Args:
        config: Budgets and the user's word on fallback and provisional shipping.
        accuracy: The candidate's verdict on test; None where only the baseline was asked for.
        time: Its verdict against the baseline; None where it cannot be timed on this machine.
        refusal: Why there is no candidate although one was asked for.
    """
    if accuracy is None and not refusal:
        return Decision(Outcome.SHIPPED, "the fp32 graph answers as its source does")
    refusal = refusal or (_refusal(accuracy, time) if accuracy else "")
    if accuracy and not refusal:
        doubt = _doubt(accuracy, time)
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


def _refusal(accuracy: AccuracyVerdict, time: TimeVerdict | None) -> str:
    """Say what is certainly wrong with the candidate; nothing where nothing is."""
    if accuracy.verdict is Accuracy.FAIL:
        return (
            f"{_counted(accuracy)} drops by {accuracy.drop:.2%} on {accuracy.n:,} items, "
            f"more than the {accuracy.max_drop:.2%} that --max-drop allows"
        )
    if time is not None and time.verdict in (Time.SLOWER, Time.SAME):
        return (
            f"it takes {time.ratio.estimate:.2f} times the baseline's time "
            f"(95 % interval {time.ratio.low:.2f} to {time.ratio.high:.2f}), so nothing is gained"
        )
    return ""


def _doubt(accuracy: AccuracyVerdict, time: TimeVerdict | None) -> str | None:
    """Say what is not known about the candidate, if anything is not."""
    if accuracy.verdict is Accuracy.INCONCLUSIVE:
        more = f"; about {accuracy.items_to_decide:,} test items would decide" if accuracy.items_to_decide else ""
        return (
            f"the drop of {_counted(accuracy)} may be as much as {accuracy.drop_bound:.2%} "
            f"on {accuracy.n:,} test items, and --max-drop allows {accuracy.max_drop:.2%}{more}"
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
    return "agreement with fp32" if accuracy.measure == AGREEMENT else "accuracy"


def _accurate(accuracy: AccuracyVerdict) -> str:
    return "agrees with fp32" if accuracy.measure == AGREEMENT else "accurate"
