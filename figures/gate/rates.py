"""Error rates of `edge compare --run` on this machine: a network against itself, and against itself made slower."""

from collections.abc import Callable
from typing import Any, Literal

from interface import Figure
from runtime.networks import small_network_bundle

from edge_benchmarks.statistics.proportions import wilson_interval
from gate.runs import gate_runs

LONGEST = 15.0
"""Seconds that a gate run may take."""

LATENCIES = ("latency_p50", "model_latency_p50")
NETWORK = "MobileNetV3-Small 0.5, 64 px, 1 thread, a photo of 640x480"


def measure() -> list[Figure]:
    """Run what is missing, and count."""
    runs = gate_runs(small_network_bundle())
    equal, slower, little = ([one for one in runs if one["slowdown"] == kind] for kind in (0.0, 0.10, 0.05))
    longest = max(one["seconds"] for one in runs)
    told = f"{len(runs)} runs; {NETWORK}"
    return [
        _share("A against A: alarms", equal, _alarmed, 1.0, "at most"),
        _share("A against A: inconclusive or invalid", equal, _undecided, 10.0, "at most"),
        _share("10 % slower: found", slower, _found, 90.0, "at least"),
        _share("5 % slower: found", little, _found, 0.0, "at least"),
        Figure("longest gate run", longest, None, None, LONGEST, "at most", "s", told),
    ]


def _share(
    name: str,
    runs: list[dict[str, Any]],
    test: Callable[[dict[str, Any]], bool],
    asked: float,
    direction: Literal["at most", "at least"],
) -> Figure:
    """Return the share of these runs with Wilson's interval; what was asked is asked of the share itself."""
    count = sum(map(test, runs))
    interval = wilson_interval(count, len(runs))
    value, low, high = (100 * share for share in (count / len(runs), interval.low, interval.high))
    how = f"{count} of {len(runs)} runs; {NETWORK}"
    return Figure(name, value, low, high, asked, direction, "%", how, of_estimate=True)


def _alarmed(run: dict[str, Any]) -> bool:
    """Say whether equal builds were called different in anything."""
    return bool({"better", "worse", "missing"} & set(run["outcomes"].values()))


def _undecided(run: dict[str, Any]) -> bool:
    return bool({"inconclusive", "invalid"} & set(run["outcomes"].values())) and not _alarmed(run)


def _found(run: dict[str, Any]) -> bool:
    return run["exit_code"] == 4 and any(run["outcomes"][metric] == "worse" for metric in LATENCIES)
