"""Is NEW better, worse or the same as BASE? Verdicts with known error rates, budgets, and an exit code for CI."""

from __future__ import annotations
