"""From what a benchmark found to the flat list of numbers that gates, histories and exports read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from edge_benchmarks.bench.rows import Row
from edge_benchmarks.bench.variants import VariantResult
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics import percentile_interval
from edge_benchmarks.verdicts import Interval

Numbers = tuple[str, str, float | None, float | None, float | None, int]
"""Scenario, metric, value, low, high, n."""


def flat_list(results: Sequence[VariantResult], rows: Sequence[Row], runtime_bytes: int) -> list[Measurement]:
    """Return every number once, the variants in their order.

    Args:
        results: Facts of each arm.
        rows: Of every scenario.
        runtime_bytes: Of the installed runtime.
    """
    # Two builds of one bundle measured side by side differ in nothing but their files' names.
    files = Counter(name for name, _ in {(one.facts.name, one.facts.bundle) for one in results})
    swept = Counter((one.facts.bundle, one.facts.variant) for one in results)
    found = []
    for one in results:
        facts = one.facts
        bundle = facts.name if files[facts.name] == 1 else facts.bundle
        variant = facts.variant if swept[facts.bundle, facts.variant] == 1 else f"{facts.variant}@{facts.threads}"
        own = [row for row in rows if row.arm == facts.arm]
        numbers = [*(number for row in own for number in _of_row(row)), *_of_variant(one, runtime_bytes)]
        found += [Measurement(bundle, variant, *number) for number in numbers]
    return found


def _of_row(row: Row) -> Iterator[Numbers]:
    if row.latency is not None:
        prefix = "latency" if row.what == "end-to-end" else "model_latency"
        for name, found in row.latency.percentiles.items():
            yield row.scenario, f"{prefix}_{name}", *_ends(found), row.n
    elif row.rate is None:
        yield row.scenario, "throughput", *_ends(row.throughput), row.n


def _of_variant(result: VariantResult, runtime_bytes: int) -> Iterator[Numbers]:
    starts, facts = result.cold_starts, result.facts
    if starts:
        first = percentile_interval([one.total_ns / 1e6 for one in starts], 0.5)
        yield "cold-start", "first_label", *_ends(first), len(starts)
        for metric in ("peak_rss", "steady_rss"):
            memory = percentile_interval([getattr(one, f"{metric}_bytes") for one in starts], 0.5)
            yield "cold-start", metric, *_ends(memory), len(starts)
    sizes = {"bundle_size": facts.bundle_bytes, "variant_size": facts.variant_bytes, "runtime_size": runtime_bytes}
    for metric, size in sizes.items():
        yield "static", metric, float(size), float(size), float(size), 1
    if facts.accuracy is not None:
        yield "static", "accuracy", *_ends(facts.accuracy.top1), facts.accuracy.n


def _ends(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (interval.estimate, interval.low, interval.high) if interval else (None, None, None)
