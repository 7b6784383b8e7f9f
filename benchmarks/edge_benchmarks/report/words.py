"""Numbers and verdicts in the words of a reader, the same in every report form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_benchmarks.bench_report import SAMPLES_NEEDED
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Tone

_TONES: dict[str, Tone] = {
    "faster": "good", "slower": "bad", "same": "plain", "inconclusive": "unsure", "invalid": "bad",
}  # fmt: skip

WHATS = {"end-to-end": "from image to answer", "model": "model alone"}
"""The two things that are timed; no table mixes them without saying which."""


BUSY_CPUS = 0.25
"""CPUs' worth of other work from which on a reader is told of it."""


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


def throughput(result: Mapping[str, Any]) -> Value:
    """Return images a second with the batch they came in."""
    offline = result["throughput"]
    if offline is None or offline["images_per_second"] is None:
        return NOTHING
    return Value(f"{three(offline['images_per_second']['value'])} images/s", f"batches of {offline['batch']}")


def cold_start(result: Mapping[str, Any], part: str = "total") -> Value:
    """Return the median over fresh processes, with their range."""
    starts = result["cold_start_ms"]
    if starts is None:
        return NOTHING
    found = starts[part]
    return Value(milliseconds(found["median"]), span(found["min"], found["max"]))


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


def comparison_of(document: Document, arm: str, what: str) -> Mapping[str, Any] | None:
    """Return the comparison in which `arm` is the candidate, if there is one."""
    found = [one for one in document["comparisons"] if one["candidate"] == arm and one["what"] == what]
    return found[0] if found else None


def verdict(document: Document, arm: str, what: str) -> tuple[str, Tone]:
    """Return the word of an arm's verdict and its tone; `baseline` where others are held against it."""
    comparison = comparison_of(document, arm, what)
    if comparison is not None:
        return comparison["verdict"], tone(comparison)
    return ("baseline" if document["comparisons"] else "-"), "plain"


def title(document: Document) -> str:
    """Name what was measured."""
    names = dict.fromkeys(f"{one['name']} {one['version']}" for one in document["variants"])
    return " and ".join(names) or "benchmark"


def where(document: Document) -> str:
    """Say in one line how and where it was measured."""
    identity, first = document["environment"]["identity"], document["variants"][0]
    return (
        f"{document['scenario']} on {identity['cpu']} ({identity['instruction_set']}), "
        f"{first['threads']} thread{'s' * (first['threads'] != 1)}, {first['provider']}, {_date(document['created'])}"
    )


def sentence(document: Document) -> str:
    """Say in one plain sentence what the variant that the runtime takes costs, and how it compares."""
    first = document["variants"][0]
    arm, latency = first["arm"], first["latency_ms"]
    if latency is None:
        return f"{arm} was not timed."
    median, p90, infer = latency["p50"], latency["p90"], first["stages_ms"].get("infer", {}).get("p50")
    said = f"{arm} answers in {milliseconds(median['value'])} (p50)" if median else f"{arm}: p50 not resolved"
    said += f", {milliseconds(infer['value'])} of it the model" if median and infer else ""
    said += f"; 9 of 10 answers take at most {milliseconds(p90['value'])} (p90)" if p90 else ""
    comparison = comparison_of(document, arm, "end-to-end")
    if comparison and comparison["verdict"] in ("faster", "slower", "same"):
        link = {"faster": "than", "slower": "than", "same": "as"}[comparison["verdict"]]
        said += f"; {'as fast' if link == 'as' else outcome(comparison)} {link} {comparison['baseline']}"
    return f"{said}."


def warnings(document: Document) -> list[str]:
    """Return what a reader must know before using a number."""
    found = [f"Invalid: {problem}" for problem in document["problems"]]
    found += [f"{one['candidate']}, {one['what']}: {one['reason']}" for one in document["comparisons"] if one["reason"]]
    if document["partial"]:
        found.append("Partial: the run was interrupted; this is what was measured by then.")
    return found


def disturbances(document: Document) -> list[str]:
    """Return what may have slowed the measurement down without making it invalid."""
    others = document["environment"]["conditions_after"].get("others_cpus") or 0.0
    if others < BUSY_CPUS:
        return []
    cpus = document["environment"]["identity"]["cores_logical"]
    return [f"Other programs used {others:.1f} of {cpus} CPUs meanwhile; the latencies hold what that cost."]


def _date(created: str) -> str:
    """Return an ISO time in UTC without seconds."""
    return f"{created[:16].replace('T', ' ')} UTC"


def three(number: float) -> str:
    """Return three significant digits without an exponent."""
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(number) >= limit:
            return f"{number:,.{digits}f}"
    return f"{number:#.3g}"
