"""Where the time goes: ONNX Runtime's own profile of a model, kernel by kernel."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_export.sessions import observed_session

RUNS = 30
"""Runs that a kernel's median is taken over."""

_KERNEL = "_kernel_time"


@dataclass(frozen=True)
class Kernel:
    """One kernel of the executed graph."""

    name: str
    """ONNX Runtime's name of it; `operators.Origins` finds the node it came from."""
    kind: str
    """Its operator type, such as `QLinearConv`."""
    milliseconds: float
    """Median over the runs."""


def profile(model: bytes, options: Mapping[str, str], batch: NDArray[np.float32], runs: int = RUNS) -> list[Kernel]:
    """Run a model on one thread and return its kernels in the order in which they ran.

    Args:
        model: Serialized ONNX with one input.
        options: Session options that it runs with.
        batch: Its input.
        runs: How often; two more before them are dropped.
    """
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        session = observed_session(model, options, threads=1, profile=Path(folder) / "profile")
        feed = {session.get_inputs()[0].name: batch}
        for _ in range(runs + 2):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    durations: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            durations[event["name"].removesuffix(_KERNEL), event["args"]["op_name"]].append(event["dur"] / 1000)
    return [Kernel(name, kind, float(np.median(times[2:]))) for (name, kind), times in durations.items()]
