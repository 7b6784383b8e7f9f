"""What one measured figure is: a value with its interval, and what was asked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One number that the documentation claims."""

    name: str
    """What was measured, such as `first label over the shortest script`."""
    value: float
    low: float | None
    """Lower end of the 95 % interval; None where the value is exact, such as a size in bytes."""
    high: float | None
    asked: float
    """The figure to reach."""
    direction: Literal["at most", "at least"]
    unit: str
    """`x` for a ratio, else `ms`, `us`, `KB`, `%`."""
    how: str
    """One line: sample size, what ran against what, threads."""
    of_estimate: bool = False
    """What was asked is of the value alone; another figure holds its bound."""

    @property
    def met(self) -> bool:
        """Whether the whole interval is on the right side of what was asked."""
        if self.of_estimate:
            return self.value <= self.asked if self.direction == "at most" else self.value >= self.asked
        if self.direction == "at most":
            return (self.value if self.high is None else self.high) <= self.asked
        return (self.value if self.low is None else self.low) >= self.asked

    @property
    def interval(self) -> str:
        """The value with its interval, for a table."""
        if self.low is None or self.high is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


Measure = Callable[[], list[Figure]]
"""Measures one thing and returns its figures."""
