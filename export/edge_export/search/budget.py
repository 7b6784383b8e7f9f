"""How long a search may go on, and what it says meanwhile."""

import time
from collections.abc import Callable

from edge_export.config import Progress

SECONDS_BETWEEN_LINES = 5.0


class Budget:
    """A deadline that a search asks before each measurement."""

    def __init__(self, seconds: float, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock, self._progress = clock, progress
        self._start = clock()
        self._said = -SECONDS_BETWEEN_LINES

    @property
    def spent(self) -> float:
        """Seconds since the search began."""
        return self._clock() - self._start

    @property
    def clocked(self) -> bool:
        """Whether time decides anything: not with a budget of 0 seconds."""
        return self.seconds > 0

    @property
    def over(self) -> bool:
        """Whether no further measurement may begin."""
        return self.passed(1.0)

    def passed(self, share: float) -> bool:
        """Whether this share of the time has passed: a step that must leave time for the next ones asks it."""
        return self.spent >= share * self.seconds

    def cuts(self, share: float) -> bool:
        """Whether what a clockless search would do is left out, since this share of the time has passed."""
        return self.clocked and self.passed(share)

    def say(self, what: str, done: int, total: int, began: float) -> None:
        """Tell what is being measured, how far it is, and how long it will take, at most every few seconds.

        Args:
            what: One clause.
            done: Measurements made.
            total: Measurements in all.
            began: `spent` when the first of them began.
        """
        if self.spent - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said = self.spent
        left = (self.spent - began) / done * (total - done) if done else None
        eta = f", about {max(min(left, self.seconds - self.spent), 0):.0f} s left" if left is not None else ""
        self._progress(f"{what} ({done} of {total}{eta})")
