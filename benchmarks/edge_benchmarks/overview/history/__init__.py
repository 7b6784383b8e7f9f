"""Numbers over time: series of the same benchmark on the same machine, and where they changed their level."""

from __future__ import annotations

from edge_benchmarks.overview.history.changes import ChangePoint, find_changes
from edge_benchmarks.overview.history.series import Point, Series, make_history

__all__ = ["ChangePoint", "Point", "Series", "find_changes", "make_history"]
