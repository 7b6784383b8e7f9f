"""Budgets that a project checks in: per metric how large it may be, and how much worse than before it may become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_benchmarks.compare.judge import JUDGED, Limit
from edge_benchmarks.measurements import METRICS, Measurement
from edge_runtime.errors import InputError

UNITS: Mapping[str, Mapping[str, float]] = {
    "ms": {"us": 1e-3, "ms": 1.0, "s": 1e3},
    "bytes": {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    "1/s": {"/s": 1.0, "1/s": 1.0},
    "share": {"%": 0.01},
}
"""Units that a value may have, by the metric's own, with the factor to it."""

_SHARE = {"%": 0.01}
_POINTS = {"points": 0.01}

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(\S+)\s*")


@dataclass(frozen=True)
class Budget:
    """What one table of the file says about one metric."""

    metric: str
    variant: str | None = None
    """The only variant that it is about; None for every one."""
    scenario: str | None = None
    """The only scenario that it is about; None for every one."""
    bound: float | None = None
    """The largest value, or the smallest where more is better; in the metric's unit."""
    change: float | None = None
    """How much worse NEW may be than BASE, as a share; of accuracy as a difference."""

    def covers(self, measurement: Measurement) -> bool:
        """Say whether it is about this benchmark."""
        return (
            measurement.metric == self.metric
            and self.variant in (None, measurement.variant)
            and self.scenario in (None, measurement.scenario)
        )


@dataclass(frozen=True)
class Check:
    """One value held against one bound."""

    budget: Budget
    measurement: Measurement | None
    """None where the metric was not measured."""
    over: bool | None
    """Whether it is over the bound; None where its interval does not tell, or there is none."""
    reason: str = ""


def read_budgets(path: Path) -> tuple[Budget, ...]:
    """Read a budgets file: TOML with a table for each metric, and tables under `variants.NAME` for one variant.

    Raises:
        InputError: it cannot be read, or names a metric, a key or a unit that there is not.
    """
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no TOML: {error}") from error
    variants = document.pop("variants", {})
    if not isinstance(variants, dict) or not all(isinstance(tables, dict) for tables in variants.values()):
        raise InputError(f"{path}: variants: a table for each variant is expected, such as [variants.cpu.latency_p50]")
    found = [_budget(path, None, name, table) for name, table in document.items()]
    for variant, tables in variants.items():
        found += [_budget(path, variant, name, table) for name, table in tables.items()]
    if not found:
        raise InputError(f"{path}: holds no budget; name a metric, such as [latency_p50] with max_increase = '3%'")
    return tuple(found)


def limits(budgets: Sequence[Budget], measurements: Sequence[Measurement]) -> dict[str, Limit]:
    """Return how much worse each benchmark may become, where a budget says so; one for a variant comes first."""
    found = {}
    for measurement in measurements:
        about = [one for one in budgets if one.change is not None and one.covers(measurement)]
        if about:
            change = max(about, key=_closeness).change
            assert change is not None
            found[measurement.key] = Limit(change, allowed=True)
    return found


def check(budgets: Sequence[Budget], measurements: Sequence[Measurement]) -> tuple[Check, ...]:
    """Hold NEW's values against the bounds: over only where the whole interval is, within only where all of it is."""
    found: list[Check] = []
    for budget in budgets:
        if budget.bound is None and budget.change is None:
            continue
        covered = [one for one in measurements if budget.covers(one)]
        if not covered:
            found.append(Check(budget, None, None, "not measured in this comparison"))
        elif budget.bound is not None:
            found += [_check(budget, one) for one in covered if _closest(budgets, one) is budget]
    return tuple(found)


def disturbed(checks: Sequence[Check], conditions: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks without those that a disturbed machine may have failed; what is within is so all the more."""
    return tuple(
        replace(one, over=None, reason=f"over, but {conditions[0]}")
        if conditions and one.over and METRICS[one.budget.metric].timed
        else one
        for one in checks
    )


def _check(budget: Budget, measurement: Measurement) -> Check:
    bound = budget.bound
    assert bound is not None
    low, high = measurement.low, measurement.high
    if low is None or high is None:
        return Check(budget, measurement, None, "not resolved by so few samples")
    if not METRICS[budget.metric].lower_is_better:
        low, high, bound = -high, -low, -bound
    over = False if high <= bound else True if low > bound else None
    return Check(budget, measurement, over, "" if over is not None else "its interval holds the bound")


def _closest(budgets: Sequence[Budget], measurement: Measurement) -> Budget:
    return max((one for one in budgets if one.bound is not None and one.covers(measurement)), key=_closeness)


def _closeness(budget: Budget) -> int:
    return 2 * (budget.variant is not None) + (budget.scenario is not None)


def _budget(path: Path, variant: str | None, metric: str, table: Any) -> Budget:
    where = f"{path}: [{metric}]" if variant is None else f"{path}: [variants.{variant}.{metric}]"
    if metric not in METRICS:
        raise InputError(f"{where}: no such metric; there are {', '.join(METRICS)}")
    if not isinstance(table, dict):
        raise InputError(f"{where}: {table!r}: a table is expected, such as [{metric}]")
    lower, unit = METRICS[metric].lower_is_better, METRICS[metric].unit
    bound_key, change_key = ("max", "max_increase") if lower else ("min", "max_drop")
    if change_key in table and metric not in JUDGED:
        raise InputError(f"{where}: changes of it are not judged, so {change_key} would do nothing; give {bound_key}")
    known = (bound_key, change_key, "scenario")
    if unknown := [key for key in table if key not in known]:
        raise InputError(f"{where}: no key {unknown[0]!r} here; this metric has {', '.join(known)}")
    scenario = table.get("scenario")
    if scenario is not None and not isinstance(scenario, str):
        raise InputError(f"{where}: scenario = {scenario!r}: a name is expected, such as 'single-stream'")
    bound = _quantity(where, bound_key, table[bound_key], UNITS[unit]) if bound_key in table else None
    change = None
    if change_key in table:
        change = _quantity(where, change_key, table[change_key], _POINTS if unit == "share" else _SHARE)
        # A rate that falls by a tenth is 1 / 0.9 times worse.
        change = 1 / (1 - change) - 1 if not lower and unit != "share" else change
    if bound is None and change is None:
        raise InputError(f"{where}: says nothing; give {bound_key} or {change_key}")
    return Budget(metric, variant, scenario, bound, change)


def _quantity(where: str, key: str, text: Any, units: Mapping[str, float]) -> float:
    """Read a number with its unit."""
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        unit = next(iter(units))
        raise InputError(
            f"{where}: {key} = {text!r}: a number with one of {', '.join(units)} is expected, as '3 {unit}'"
        )
    return float(match[1]) * units[match[2]]
