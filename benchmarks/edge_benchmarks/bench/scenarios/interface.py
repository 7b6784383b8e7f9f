"""What a scenario is given, and what it leaves: phases, each with the raw durations of every arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.arms import Arm
from edge_benchmarks.bench.cold_start import ColdStart
from edge_benchmarks.bench.lengths import Lengths
from edge_benchmarks.inputs import BenchInput
from edge_benchmarks.machine.watch import Watch
from edge_benchmarks.timing import InterleavedTimings

LONGEST_WARMUP = 0.5
"""Seconds; a shorter run warms up for a quarter of it."""

What = Literal["end-to-end", "model"]
"""What is timed: from input to answer, or the model alone, from tensor to logits."""


@dataclass(frozen=True)
class Plan:
    """What to measure and for how long."""

    arms: Sequence[Arm]
    baseline: str
    """Arm that the others are compared with."""
    inputs: Sequence[BenchInput]
    files: Sequence[Path]
    """The same inputs on disk."""
    device: Literal["cpu", "cuda"]
    seconds: float
    """Of end-to-end timing in single-stream; each scenario says what share of it its own phases take."""
    batches: Sequence[int]
    gaps: Sequence[float]
    """Seconds between calls."""
    qps: float
    callers: int
    cold_starts: int
    seed: int
    say: Callable[[str], object]
    watch: Watch
    folder: Path
    """For inputs that are written to be read; it goes away with the run."""
    lengths: Lengths | None = None
    """Texts by length; None where the arms answer something else."""

    @property
    def warmup(self) -> float:
        """Seconds of warm-up for each arm in each phase, at least."""
        return min(LONGEST_WARMUP, self.seconds / 4)

    @property
    def whole_arms(self) -> list[Arm]:
        """Arms that can answer an input from end to end; a plain ONNX file cannot."""
        return [arm for arm in self.arms if arm.model is not None]

    @property
    def apart(self) -> bool:
        """Whether each arm runs in a process of its own: of several thread pools in one, idle ones can spin."""
        several = len(self.arms) > 1 and len(self.whole_arms) == len(self.arms)
        return several and any(arm.facts.threads > 1 for arm in self.arms)

    @property
    def widest(self) -> What:
        """The most that a scenario which measures one thing can time."""
        return "end-to-end" if self.whole_arms else "model"


@dataclass(frozen=True)
class Rate:
    """Whether calls that came at a given rate were answered at that rate."""

    offered: float
    """Calls a second that came."""
    answered: float
    """Calls a second that were answered before the last one came."""
    reached: bool
    """Whether the queue did not grow: nearly all were."""

    def to_dict(self) -> dict[str, Any]:
        """Return `offered`, `answered` and `reached`."""
        return {"offered": self.offered, "answered": self.answered, "reached": self.reached}


@dataclass(frozen=True)
class Phase:
    """What one scenario measured of every arm."""

    scenario: str
    """With what it was asked for: `single-stream`, `offline/batch=8`, `by-length/tokens=32`, `server/qps=50`,
    `idle-gap/1s`."""
    what: What
    timings: InterleavedTimings
    paired: bool = True
    """Whether arms took turns call by call, so that they can be compared."""
    items: int = 1
    """Inputs that one sample answers."""
    counts: Literal["latency", "throughput"] = "latency"
    """What is read off the durations."""
    stages: dict[str, dict[str, NDArray[np.int64]]] = field(default_factory=dict)
    """Arm to stage to nanoseconds, aligned with `timings`."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Arm to what came and what was answered, where calls came at a rate."""
    share: float | None = None
    """Of the data's texts that this stands for; None where it stands for all, or there are no data."""
    padding: Mapping[str, float] = field(default_factory=dict)
    """Arm to the share of tokens computed that were padding."""
    problems: tuple[str, ...] = ()
    """What changed while it was measured."""
    attempts: int = 1
    """How many times it was measured until nothing changed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the raw durations as a JSON-ready dictionary."""
        document: dict[str, Any] = {
            "scenario": self.scenario, "what": self.what, "items": self.items, "attempts": self.attempts,
            "problems": list(self.problems),
        }  # fmt: skip
        if self.stages:
            document["stages_ns"] = {
                arm: {stage: values.tolist() for stage, values in stages.items()} for arm, stages in self.stages.items()
            }
        return document | self.timings.to_dict()


@dataclass
class State:
    """What has been measured so far."""

    phases: list[Phase] = field(default_factory=list)
    cold_starts: dict[str, list[ColdStart]] = field(default_factory=dict)
    """Arm to its fresh processes."""
    save: Callable[[], object] = lambda: None
    """Called when a phase is done, so that a kill loses no more than one."""

    def keep(self, phase: Phase) -> None:
        """Keep a phase, in place of an earlier attempt at it."""
        others = [one for one in self.phases if (one.scenario, one.what) != (phase.scenario, phase.what)]
        self.phases = [*others, phase]


Scenario = Callable[[Plan, State], None]
"""Measures all arms of the plan and keeps its phases in the state; Ctrl-C leaves there what was measured by then."""
