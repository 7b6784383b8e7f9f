"""Run the passes, each with its own proof that the answers stayed."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-5
"""Of the largest logit. A pass reorders float operations at most; it never approximates."""

ROUNDING = 30.0
"""Times what a change of every input value in its last bit does to the logits. Deep networks amplify rounding: an
untrained EfficientNet-B0 turns a last bit into 0.1 % of its largest logit, and a pass rounds at every layer."""


def optimize(
    model: "onnx.ModelProto",
    probes: Sequence[NDArray[Any]],
    passes: Mapping[str, GraphPass],
    options: Mapping[str, str] | None = None,
) -> tuple["onnx.ModelProto", tuple[PassRecord, ...]]:
    """Apply `passes` in order and return the new model and what each pass did; `model` is left as it was.

    Args:
        model: A graph with one input.
        probes: Batches that the answers are compared on, as `edge_export.inputs.pass_probes` gives them.
        passes: Name to pass: `BASELINE_PASSES`, `INT8_PASSES` or `QDQ_PASSES`.
        options: Session configuration entries that the model needs, such as `quantize.static.SESSION`.

    Raises:
        RefusedError: a pass changed an answer, which is a defect of the pass.
    """
    current = copy.deepcopy(model)
    check: _Check | None = None
    records: list[PassRecord] = []
    for name, rewrite in passes.items():
        current, rewrites = rewrite(current)
        difference = 0.0
        if rewrites:
            check = check or _Check(model, probes, options)
            difference, kept = check(current)
            if not kept:
                done = ", ".join(record.name for record in records) or "no other"
                raise RefusedError(
                    f"graph pass {name}, after {done}, changed a logit by {difference:.3g}; not shipped. "
                    "Please report this model"
                )
        records.append(PassRecord(name, rewrites, difference))
    return current, tuple(records)


class _Check:
    """Compares a rewritten graph with the one that it was made of; made only where a pass rewrote something."""

    def __init__(
        self, model: "onnx.ModelProto", probes: Sequence[NDArray[Any]], options: Mapping[str, str] | None
    ) -> None:
        self._options = options
        self._probes = probes
        predict = predictor(model.SerializeToString(), options=options)
        self._expected = [predict(probe) for probe in self._probes]
        nudged = [predict(_nudged(probe)) for probe in self._probes]
        self._allowed = [
            max(TOLERANCE * float(np.abs(before).max()), ROUNDING * float(np.abs(after - before).max()))
            for before, after in zip(self._expected, nudged, strict=True)
        ]

    def __call__(self, model: "onnx.ModelProto") -> tuple[float, bool]:
        """Return the largest difference of a logit, and whether every probe's stays within what is allowed."""
        predict = predictor(model.SerializeToString(), options=self._options)
        gaps = [
            float(np.abs(predict(probe) - before).max())
            for probe, before in zip(self._probes, self._expected, strict=True)
        ]
        # Every comparison with NaN is false, so `max` would drop it and let it pass.
        largest = float(np.nan_to_num(gaps, nan=np.inf).max())
        return largest, all(gap <= limit for gap, limit in zip(gaps, self._allowed, strict=True))


def _nudged(probe: NDArray[Any]) -> NDArray[Any]:
    """Change every value in its last bit; token numbers have none that says nothing."""
    return np.nextafter(probe, np.float32(np.inf)) if probe.dtype.kind == "f" else probe
