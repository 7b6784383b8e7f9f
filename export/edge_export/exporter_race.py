"""Which exporter's graph of a text network is fastest: every other one is made, checked and timed beside the first."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.candidates import Candidate, make_baseline, make_int8, prepare_int8
from edge_export.capture import Captured
from edge_export.capture.exporters import FIRST
from edge_export.capture.parity import check_parity
from edge_export.inputs import parity_batches
from edge_export.judge import time_models
from edge_export.quantize import RECIPES
from edge_runtime.errors import EdgeError

if TYPE_CHECKING:
    from edge_export.config import ExportConfig

SECONDS = 2.0
"""For each exporter."""


@dataclass(frozen=True)
class Race:
    """What came of it."""

    kept: str = FIRST
    times: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Exporter to its time over that of torch.onnx: estimate, and the interval where the rounds bound one."""
    failed: dict[str, str] = field(default_factory=dict)
    """Exporter to why it did not take part."""

    @property
    def note(self) -> str:
        """It in one sentence; nothing where there was no race."""
        ran = ", ".join(f"{name} {time['estimate']:.2f}" for name, time in self.times.items())
        out = [f"{name} did not take part: {reason}" for name, reason in self.failed.items()]
        raced = [f"times over {FIRST}'s: {ran}"] if ran else []
        return "; ".join([f"exported by {self.kept}", *raced, *out]) if raced or out else ""


def race(captured: Captured, config: "ExportConfig", inputs: Sequence[NDArray[Any]]) -> tuple[Captured, Race]:
    """Return the source with the graph of the fastest exporter, in the precision that is asked for.

    Without time for a search, or by a recipe, which names operators of one graph, no clock decides: torch.onnx stays.

    Args:
        captured: By torch.onnx; its `rivals` make the other graphs.
        config: Says whether int8 is asked for, and whether clocks may decide.
        inputs: What is timed.
    """
    if not captured.rivals or config.search_time == 0 or config.recipe is not None:
        return captured, Race()
    entered, arms, failed = {FIRST: captured}, [], {}
    for name, make in captured.rivals.items():
        try:
            model = make()
            parity = check_parity(model, captured.reference, parity_batches(captured.preprocessing))
            entered[name] = replace(captured, model=model, parity=parity)
            arms.append(_arm(name, entered[name], config))
        except EdgeError as error:
            failed[name] = str(error)
            entered.pop(name, None)
    if len(entered) == 1:
        return captured, Race(failed=failed)
    arms.insert(0, _arm(FIRST, captured, config))
    timings = time_models(arms, None, inputs, seconds=SECONDS * len(arms), seed=config.seed, warmup_seconds=0.2)
    medians = {name: float(np.median(timings.samples_ns[name])) for name in entered}
    times: dict[str, dict[str, float | None]] = {}
    for name in list(entered)[1:]:
        ratio = timings.ratio(name, FIRST)
        low, high = (ratio.low, ratio.high) if isfinite(ratio.high) else (None, None)
        times[name] = {"estimate": ratio.estimate, "low": low, "high": high}
    # A graph that is not surely faster is no reason to leave the exporter that is always there.
    surely = [name for name, time in times.items() if time["high"] is not None and time["high"] < 1]
    kept = min(surely, key=medians.__getitem__, default=FIRST)
    provenance = captured.provenance | {"exporter": kept}
    return replace(entered[kept], provenance=provenance), Race(kept, times, failed)


def _arm(name: str, captured: Captured, config: "ExportConfig") -> Candidate:
    """Return what would ship of a graph: int8 by the plainest recipe, or the baseline."""
    graph, baseline, _ = make_baseline(captured)
    if config.quantize != "int8":
        return replace(baseline, name=name)
    prepared, _ = prepare_int8(graph, captured)
    return replace(make_int8(prepared, RECIPES["dynamic"], None), name=name)
