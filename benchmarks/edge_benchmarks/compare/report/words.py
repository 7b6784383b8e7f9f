"""A comparison's numbers and verdicts in the words of a reader, the same in every form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edge_benchmarks.measurements import METRICS
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Tone
from edge_benchmarks.report.words import NOTHING, Value, milliseconds, size, three

TONES: dict[str, Tone] = {
    "better": "good", "same": "good", "worse": "bad", "missing": "bad", "invalid": "bad", "inconclusive": "unsure",
    "added": "plain", "passed": "good", "failed": "bad", "interrupted": "unsure", "within": "good", "over": "bad",
}  # fmt: skip
"""What a reader should make of a verdict."""

_SAID = {
    "passed": "no benchmark is worse, and no budget is exceeded",
    "failed": "NEW is worse, lacks a benchmark, or exceeds a budget",
    "inconclusive": "what was measured does not tell whether NEW is as good",
    "invalid": "the machine did not hold still; nothing was decided",
    "interrupted": "the report is partial, it holds what was measured by then",
}


def title(document: Document) -> str:
    """Return which two builds were compared."""
    base, new = document["base"], document["new"]
    return printable(f"{base['name']} {base['version']} against {new['name']} {new['version']}")


def printable(text: str) -> str:
    """Return a name that a stored report gave without anything that a terminal would obey."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def summary(document: Document) -> str:
    """Return the verdict with the number of benchmarks of each outcome."""
    counts = Counter(one["outcome"] for one in document["benchmarks"])
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    over = sum(one["over"] is True for one in document["budgets"])
    return f"{document['verdict']}: {_SAID[document['verdict']]} ({told or 'no benchmark'}; {over} over budget)"


def error_rates(document: Document) -> list[str]:
    """Return the gate's error rates, which come first in every form: measured where a calibration was given."""
    known = document["calibration"]
    if known is None:
        return [
            "error rates on this runner are not known; `edge compare --calibrate` measures them. Nominal: 1 % of "
            "comparisons of equal builds call anything better or worse"
        ]
    return calibrated(known)


def calibrated(known: Mapping[str, Any]) -> list[str]:
    """Return what a calibration's summary says."""
    alarms = known["false_alarms"]
    lines = [
        f"on this runner equal builds were called different in {alarms['count']} of {known['runs']} runs "
        f"(95 % interval {percent(alarms['low'])} to {percent(alarms['high'])})"
    ]
    if known.get("elsewhere"):
        lines.append(f"that was measured on another machine, which differs in {', '.join(known['elsewhere'])}")
    found = [
        f"{METRICS[metric].title} {percent(share)}"
        for metric, share in known["smallest_found"].items()
        if share is not None
    ]
    if found:
        lines.append(f"smallest change that it finds in nine of ten runs: {'; '.join(found)}")
    return lines


def notes(document: Document) -> list[str]:
    """Return what differs between the two sides, what disturbed the machine, and what reading the clock costs."""
    kinds = {"identity": "not comparable", "versions": "version"}
    lines = [
        printable(f"{kinds[one['kind']]}: {one['field']}: {one['base']} and {one['new']}")
        for one in document["differences"]
    ]
    lines += document["conditions"]
    if document["timer_ns"] is not None:
        lines.append(f"reading the clock costs {three(document['timer_ns'])} ns, part of every call")
    return lines


def name(benchmark: Mapping[str, Any]) -> str:
    """Return a benchmark's name for a table: its variant, its scenario and its metric."""
    return f"{printable(benchmark['variant'])}, {METRICS[benchmark['metric']].title}, {benchmark['scenario']}"


def value(metric: str, measured: Mapping[str, Any] | None) -> Value:
    """Return one side's number with its interval."""
    if measured is None:
        return NOTHING
    if measured["value"] is None:
        return Value("not resolved", f"n = {measured['n']}")
    low, high = measured["low"], measured["high"]
    told = quantity(metric, measured["value"])
    if low is None or high is None or low == high:
        return Value(told)
    return Value(told, f"{quantity(metric, low)} to {quantity(metric, high)}")


def quantity(metric: str, number: float) -> str:
    """Return a number in its metric's unit."""
    unit = METRICS[metric].unit
    if unit == "ms":
        return milliseconds(number)
    if unit == "bytes":
        return size(number).text
    return percent(number) if unit == "share" else f"{three(number)} /s"


def change(benchmark: Mapping[str, Any]) -> Value:
    """Return by how much NEW differs, with the interval."""
    found = benchmark["change"]
    if found is None:
        return NOTHING
    points = METRICS[benchmark["metric"]].unit == "share"

    def told(number: float | None) -> str:
        if number is None:
            return "no bound"
        return f"{number * 100:+.2f} points" if points else f"{(number - 1) * 100:+.1f} %"

    ends = [found["low"], found["high"]]
    return Value(told(found["value"]), "" if ends[0] == ends[1] else f"{told(ends[0])} to {told(ends[1])}")


def limit(benchmark: Mapping[str, Any]) -> str:
    """Return how much worse the benchmark may become and who says so."""
    allowed = benchmark["limit"]
    points = METRICS[benchmark["metric"]].unit == "share"
    number = f"{allowed['share'] * 100:.3g} {'points' if points else '%'}"
    return f"budget {number}" if allowed["budget"] else f"margin {number}"


def verdict(benchmark: Mapping[str, Any]) -> str:
    """Return the outcome with its reason, where it has one."""
    return f"{benchmark['outcome']}: {benchmark['reason']}" if benchmark["reason"] else benchmark["outcome"]


def reasons(document: Document) -> dict[str, list[str]]:
    """Return each verdict that has a reason, with the benchmarks that it is about."""
    found: dict[str, list[str]] = {}
    for one in rows(document):
        if one["reason"]:
            found.setdefault(verdict(one), []).append(f"{printable(one['variant'])} {one['metric']}")
    return found


def budget(check: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return an absolute budget's name, bound, value and verdict."""
    metric = check["metric"]
    lower = METRICS[metric].lower_is_better
    about = printable(check["key"] or ", ".join(filter(None, [check["variant"], metric])))
    bound = "-" if check["bound"] is None else f"at {'most' if lower else 'least'} {quantity(metric, check['bound'])}"
    told = {True: "over", False: "within", None: "inconclusive"}[check["over"]]
    return about, bound, str(value(metric, check["value"])), f"{told}: {check['reason']}" if check["reason"] else told


def percent(share: float) -> str:
    """Return a share in percent with three digits."""
    return f"{three(share * 100)} %"


def rows(document: Document) -> Sequence[Mapping[str, Any]]:
    """Return the benchmarks, bad news first."""
    order = ["worse", "missing", "invalid", "inconclusive", "better", "added", "same"]
    return sorted(document["benchmarks"], key=lambda one: order.index(one["outcome"]))
