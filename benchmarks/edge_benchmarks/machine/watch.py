"""Looks at the machine between calls while it is measured, so that a clock that falls is seen when it falls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from edge_benchmarks.machine import environment
from edge_benchmarks.machine.validity import condition_problems

INTERVAL = 0.5
"""Seconds between two looks; each reads a few small files of the system."""


@dataclass
class Watch:
    """The machine's conditions from its making on."""

    threads: int
    """That the measurement itself keeps busy."""
    before: dict[str, Any] = field(default_factory=environment.conditions)
    looks: list[list[dict[str, Any]]] = field(default_factory=list)
    """What `environment.look` gave, phase by phase: a clock is compared with itself under the same load."""
    _use: environment.CpuWatch = field(default_factory=environment.CpuWatch)
    _last: float = 0.0

    def begin(self, again: bool = False) -> None:
        """Begin a phase; `again` drops what was seen in the attempt at it that does not count."""
        if again and self.looks:
            self.looks.pop()
        self.looks.append([])

    def look(self, busy: bool = True) -> None:
        """Look, unless the last look was just now. To be called between calls that are timed.

        Args:
            busy: Whether calls follow each other without a pause; else the clock falls since there is nothing to do.
        """
        now = time.monotonic()
        if now - self._last >= INTERVAL:
            self._last = now
            if not self.looks:
                self.begin()
            seen = environment.look()
            self.looks[-1].append(seen if busy else seen | {"frequency_mhz": None})

    def conditions(self) -> dict[str, Any]:
        """Return the conditions now, with what others used of the CPUs on average, and the range of the clock."""
        return environment.conditions() | self._use.conditions() | _clock_range(self.looks)

    def problems(self, after: dict[str, Any]) -> list[str]:
        """Say what makes the measurement invalid.

        Args:
            after: What `conditions` gave at the end.
        """
        return condition_problems(self.before, after, self.looks, self.threads, psutil.cpu_count() or 1)


def _clock_range(looks: list[list[dict[str, Any]]]) -> dict[str, Any]:
    clocks = [one["frequency_mhz"] for phase in looks for one in phase if one["frequency_mhz"]]
    return {"frequency_mhz_range": [min(clocks), max(clocks)] if clocks else None}
