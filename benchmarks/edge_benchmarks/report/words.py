"""Numbers and verdicts in the words of a reader, the same in every report form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_benchmarks.bench.rows import SAMPLES_NEEDED
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Tone

_TONES: dict[str, Tone] = {
    "faster": "good", "slower": "bad", "same": "plain", "inconclusive": "unsure", "invalid": "bad",
}  # fmt: skip

WHATS = {"end-to-end": "from input to answer", "model": "model alone"}
"""The two things that are timed; no table mixes them without saying which."""


@dataclass(frozen=True)
class Value:
    """A number with its unit, and its bounds or what else qualifies it."""

    text: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.detail})" if self.detail else self.text


NOTHING = Value("-")
"""Not measured."""


def milliseconds(number: float) -> str:
    """Return a duration with three digits and its unit."""
    return f"{three(number * 1e3)} µs" if number < 0.1 else f"{three(number)} ms"


def span(low: float, high: float) -> str:
    """Return two durations, with their unit once where it is the same."""
    first, last = milliseconds(low), milliseconds(high)
    number, unit = first.split()
    return f"{number} to {last}" if last.endswith(f" {unit}") else f"{first} to {last}"


def size(count: float | None) -> Value:
    """Return bytes in kB or MB of 1,000 and 1,000,000."""
    if count is None:
        return NOTHING
    return Value(f"{three(count / 1e6)} MB" if count >= 1e6 else f"{three(count / 1e3)} kB")


def percentile(latency: Mapping[str, Any] | None, name: str) -> Value:
    """Return a percentile with its bounds; where there are too few samples, that it is not resolved and why."""
    if latency is None:
        return NOTHING
    found = latency[name]
    if found is None:
        return Value("not resolved", f"n = {math.floor(latency['effective_n'][name])}, {SAMPLES_NEEDED[name]} needed")
    return Value(milliseconds(found["value"]), span(found["low"], found["high"]))


def throughput(row: Mapping[str, Any] | None) -> Value:
    """Return inputs a second, with their interval; where there are too few batches, that it is not resolved."""
    if row is None:
        return NOTHING
    rate = row["throughput"]
    if rate is None:
        return Value("not resolved", f"n = {row['n']}")
    return Value(f"{three(rate['value'])} /s", f"{three(rate['low'])} to {three(rate['high'])} /s")


def cold_start(variant: Mapping[str, Any], part: str = "total") -> Value:
    """Return the median over fresh processes, with its interval."""
    starts = variant["cold_start_ms"]
    return percentile(starts.get(part) if starts else None, "p50")


def memory(found: Mapping[str, Any] | None) -> Value:
    """Return the median of resident memory over fresh processes with its interval, or the largest of a few."""
    if found is None:
        return NOTHING
    if found["value"] is None:
        return Value(size(found["largest"]).text, f"largest of {found['n']}")
    return Value(size(found["value"]).text, f"{size(found['low']).text} to {size(found['high']).text}")


def accuracy(variant: Mapping[str, Any]) -> Value:
    """Return the share of right answers on the data that were given, with its interval."""
    found = variant["accuracy"]
    if found is None:
        return NOTHING
    return Value(f"{found['top1']:.2%}", f"{found['low']:.2%} to {found['high']:.2%}, n = {found['n']:,}")


def operators(variant: Mapping[str, Any]) -> str:
    """Return how many operators each execution provider ran."""
    return ", ".join(f"{count} on {provider}" for provider, count in variant["operators"].items())


def check(variant: Mapping[str, Any]) -> str:
    """Say what the answers were held against before anything was timed."""
    if variant["check"] == "golden vectors":
        return f"{variant['golden_cases']} golden right"
    return "as unoptimized"


def setting(row: Mapping[str, Any]) -> str:
    """Return what the scenario was asked for, in a reader's words; empty where it has no setting."""
    name, _, value = str(row["scenario"]).partition("/")
    key, _, number = value.partition("=")
    share = row.get("share")
    said = {
        "batch": f"batches of {number}", "texts": f"a list of {number} texts", "qps": f"{number} calls/s",
        "tokens": f"up to {number} tokens" + (f", {_percent(share)} of texts" if share is not None else ""),
    }  # fmt: skip
    return said.get(key, f"{value.rstrip('s')} s idle" if name == "idle-gap" else value)


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def tokens(row: Mapping[str, Any]) -> int:
    """Return the most tokens of a row of one length of texts."""
    return int(str(row["scenario"]).rpartition("tokens=")[2])


def speed(ratio: Mapping[str, float | None]) -> str:
    """Say a time ratio as a reader would: `2.14x faster`, `1.05x slower`."""
    value = ratio["value"] or 1.0
    return f"{times(1 / value)} faster" if value < 1 else f"{times(value)} slower"


def outcome(comparison: Mapping[str, Any]) -> str:
    """Say how a comparison ended; a factor is named only where it is proven."""
    if comparison["verdict"] in ("faster", "slower"):
        return speed(comparison["ratio"])
    others = {"same": "equally fast", "inconclusive": "not decided", "invalid": "invalid"}
    return others[comparison["verdict"]]


def speed_span(ratio: Mapping[str, float | None]) -> str:
    """Return the interval of a time ratio in the words of `speed`: how many times faster, or slower."""
    low, high = ratio["low"], ratio["high"]
    if low is None or high is None:
        return "no bounds"
    if (ratio["value"] or 1.0) < 1:
        low, high = 1 / high, (1 / low if low else float("inf"))
    return f"{times(low)} to {times(high)}"


def times(number: float) -> str:
    """Return a factor with three digits."""
    return f"{three(number)}x"


def ratio_text(ratio: Mapping[str, float | None]) -> Value:
    """Return candidate time over baseline time with its interval."""
    low, high = ratio["low"], ratio["high"]
    bounds = f"{three(low or 0.0)} to {times(high) if high is not None else 'no bound'}"
    return Value(times(ratio["value"] or 1.0), bounds)


def tone(comparison: Mapping[str, Any]) -> Tone:
    """Return what a reader should make of a comparison's verdict."""
    return _TONES[comparison["verdict"]]


def comparison_of(document: Document, arm: str, what: str, scenario: str = "single-stream") -> Mapping[str, Any] | None:
    """Return the comparison in which `arm` is the candidate, if there is one."""
    wanted = (arm, what, scenario)
    found = [one for one in document["comparisons"] if (one["candidate"], one["what"], one["scenario"]) == wanted]
    return found[0] if found else None


def row_of(
    document: Document, arm: str, what: str = "end-to-end", scenario: str = "single-stream"
) -> Mapping[str, Any] | None:
    """Return an arm's row of a scenario, given with its setting or without; of several settings the first."""
    for row in document["rows"]:
        named = row["scenario"] == scenario or row["scenario"].partition("/")[0] == scenario
        if named and (row["arm"], row["what"]) == (arm, what):
            return dict(row)
    return None


def verdict(document: Document, row: Mapping[str, Any]) -> tuple[str, Tone]:
    """Return the word of a row's verdict and its tone; `baseline` where others are held against it."""
    found = [one for one in document["comparisons"] if (one["what"], one["scenario"]) == (row["what"], row["scenario"])]
    for one in found:
        if one["candidate"] == row["arm"]:
            return one["verdict"], tone(one)
    return ("baseline" if found else "-"), "plain"


def three(number: float) -> str:
    """Return three significant digits without an exponent."""
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(number) >= limit:
            return f"{number:,.{digits}f}"
    return f"{number:#.3g}"
