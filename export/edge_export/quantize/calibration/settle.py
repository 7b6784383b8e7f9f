"""When are ranges settled? Asked each time that the number of samples has doubled."""

from collections.abc import Collection, Mapping

import numpy as np

from edge_export.quantize.calibration.interface import Histogram, Range, Ranges, Settling
from edge_export.quantize.calibration.methods import find_ranges

FIRST = 32
"""Samples before the first look."""
TOLERANCE = 0.01
"""Of a tensor's root mean square. Rounding to 8 bits by itself makes an error of 0.3 to 3 %."""
LEVELS = 255


class Watch:
    """Remembers the ranges at 32, 64, 128, ... samples and judges each time those of the last look.

    The rule: settled when, for every tensor, the ranges of the first half of the samples code all of them with an error
    at most `TOLERANCE` larger than the ranges of all do. In a random order the second half is what the first half could
    not know, as the samples that are not taken are to those that are; so what stopping earlier would have cost bounds
    what stopping now is expected to.
    """

    def __init__(self, methods: Collection[str]) -> None:
        self._methods = tuple(methods)
        self._next = FIRST
        self._last: dict[str, Ranges] = {}

    def due(self, samples: int) -> bool:
        """Say whether to look now."""
        return bool(self._methods) and samples == self._next

    def look(self, histograms: Mapping[str, Histogram]) -> Settling | None:
        """Compare with the last look; None at the first."""
        self._next *= 2
        found = {method: find_ranges(histograms, method) for method in self._methods}
        last, self._last = self._last, found
        if not last:
            return None
        costs = [
            (_extra_error(histogram, last[method][name], found[method][name]), name)
            for method in self._methods
            for name, histogram in histograms.items()
            if name in last[method]
        ]
        cost, tensor = max(costs, default=(0.0, ""))
        return Settling(cost <= TOLERANCE, cost, tensor)


def _extra_error(histogram: Histogram, before: Range, after: Range) -> float:
    """Return how much worse the range of half the samples codes all of them, as a share of their root mean square."""
    values = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    power = float((values**2 * histogram.counts).sum())
    if not power or before == after:
        return 0.0
    extra = _code_error(histogram, before) - _code_error(histogram, after)
    return float(np.sqrt(max(extra, 0.0) / power))


def _code_error(histogram: Histogram, found: Range) -> float:
    """Sum the squared errors of an 8-bit code: rounding within the range, clipping outside."""
    low, high = min(found[0], 0.0), max(found[1], 0.0)
    values = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    clipped = values - np.clip(values, low, high)
    step = (high - low) / LEVELS
    return float(((clipped**2 + step**2 / 12) * histogram.counts).sum())
