"""Calls before the first sample, until they no longer get quicker; decided by these calls alone, never by a sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

WARMUP_CALLS = 6
"""At least: the first one allocates, the second still tunes; then two are in each third that is looked at."""

MOST_CALLS = 10_000

LONGEST = 8.0
"""Times the asked duration after which measuring begins though calls still get quicker; samples then tell of it."""

SETTLED = 0.97
"""Share of the middle third's median under which the last third's must not lie. An exponential decay that moves by less
than this between thirds has fallen to about a thousandth of its start."""


def warm_up(call: Callable[[], object], seconds: float, clock: Callable[[], int]) -> float:
    """Call for `seconds`, and on until calls no longer get quicker.

    Args:
        call: What will be timed.
        seconds: At least so long; at most `LONGEST` times as long.
        clock: Nanoseconds from any origin.

    Returns:
        Median nanoseconds of the last third.
    """
    durations: list[int] = []
    begin = clock()
    wanted = seconds * 1e9
    while len(durations) < MOST_CALLS:
        start = clock()
        if len(durations) >= WARMUP_CALLS and start - begin >= wanted:
            if start - begin >= LONGEST * seconds * 1e9 or is_settled(durations):
                break
            # Looked at seldom, so that a lucky moment does not end it.
            wanted *= 1.5
        call()
        durations.append(clock() - start)
    return float(np.median(durations[-(len(durations) // 3) :]))


def is_settled(durations: list[int]) -> bool:
    """Say whether the last third of the calls is no quicker than the middle third."""
    third = len(durations) // 3
    middle, last = (float(np.median(part)) for part in (durations[third:-third], durations[-third:]))
    return last >= SETTLED * middle
