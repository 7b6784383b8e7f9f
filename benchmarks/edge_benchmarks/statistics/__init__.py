"""The statistics that every judgement rests on, one subject a file."""

from __future__ import annotations

from edge_benchmarks.statistics.autocorrelation import effective_sample_size
from edge_benchmarks.statistics.percentiles import percentile_interval, samples_needed
from edge_benchmarks.statistics.proportions import (
    items_to_decide,
    smallest_resolvable_drop,
    tango_lower_bound,
    tango_upper_bound,
    wilson_interval,
)
from edge_benchmarks.statistics.ratios import median_ratio
from edge_benchmarks.statistics.stationarity import Change, find_change

__all__ = [
    "Change",
    "effective_sample_size",
    "find_change",
    "items_to_decide",
    "median_ratio",
    "percentile_interval",
    "samples_needed",
    "smallest_resolvable_drop",
    "tango_lower_bound",
    "tango_upper_bound",
    "wilson_interval",
]
