"""Many questions at once: 20 benchmarks, each judged with 5 % false alarms, raise one in 64 % of runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_benchmarks.statistics.proportions import CONFIDENCE


def holm(p_values: Sequence[float], level: float = 1 - CONFIDENCE) -> list[bool]:
    """Say which hypotheses are rejected, with the chance of any false rejection at most `level` (Holm 1979)."""
    rejected = [False] * len(p_values)
    for step, at in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[at] > level / (len(p_values) - step):
            break
        rejected[at] = True
    return rejected
