"""Gate runs, one line of JSON each: a run that was cut off costs itself alone, the next call goes on after it.

The lines are kept in `EDGE_FIGURES_RUNS` (default: .figures in the checkout), in a file named by what was run.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_benchmarks.compare.run import RunPlan, compare_run
from edge_runtime.bundle import open_bundle

FOLDER = Path(os.environ.get("EDGE_FIGURES_RUNS") or Path(__file__).parent.parent.parent / ".figures")

CYCLE = (0.0, 0.0, 0.10, 0.0, 0.0, 0.05)
"""Slow-downs of NEW's every call, so that all kinds of runs meet the machine in all its moods."""

WANTED = {0.0: 200, 0.10: 50, 0.05: 50}
"""Runs of each slow-down."""


def gate_runs(bundle: Path) -> list[dict[str, Any]]:
    """Return all runs, measuring those that are not there yet."""
    plan = RunPlan(bundle, bundle, threads=1)
    path = _file(plan)
    done = read_lines(path)
    with path.open("a", encoding="utf-8") as file:
        if done and not path.read_text(encoding="utf-8").endswith("\n"):
            file.write("\n")
        for slowdown in _missing(done):
            done.append(_run(plan, slowdown, len(done)))
            file.write(json.dumps(done[-1]) + "\n")
            file.flush()
            print(f"{len(done)} of {sum(WANTED.values())}: {slowdown:.0%} slower: {done[-1]['verdict']}", flush=True)  # noqa: T201
    return done


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file; a line that was cut off is none."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _missing(done: list[dict[str, Any]]) -> Iterator[float]:
    left = {slowdown: wanted - sum(one["slowdown"] == slowdown for one in done) for slowdown, wanted in WANTED.items()}
    while any(count > 0 for count in left.values()):
        for slowdown in CYCLE:
            if left[slowdown] > 0:
                left[slowdown] -= 1
                yield slowdown


def _run(plan: RunPlan, slowdown: float, seed: int) -> dict[str, Any]:
    """Run the gate as a user does, on the same bundle twice."""
    started = time.monotonic()
    document = compare_run(RunPlan(**{**vars(plan), "slowdown": slowdown, "seed": seed})).to_dict()
    return {
        "slowdown": slowdown,
        "exit_code": document["exit_code"],
        "verdict": document["verdict"],
        "outcomes": {one["metric"]: one["outcome"] for one in document["benchmarks"]},
        "changes": {one["metric"]: one["change"] for one in document["benchmarks"]},
        "seconds": time.monotonic() - started,
        "load": document["environment"]["conditions"]["load_average"][0],
        "others_cpus": document["environment"]["conditions_after"].get("others_cpus"),
    }


def _file(plan: RunPlan) -> Path:
    """Name a file by the bundle and every setting, so that runs of another gate do not mix with these."""
    settings = {name: value for name, value in asdict(plan).items() if name not in ("base", "new", "base_python")}
    told = json.dumps([open_bundle(plan.base).manifest.content_id, settings], sort_keys=True, default=str)
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"gate-runs-{hashlib.sha256(told.encode()).hexdigest()[:12]}.jsonl"
