"""`--compatible`: a twin of each variant that ONNX Runtime 1.22 loads, where the fastest graph needs a newer one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.candidates import BASELINE, Candidate, make_int8
from edge_export.capture import Captured
from edge_export.capture.parity import check_parity
from edge_export.inputs import parity_batches
from edge_export.judge import time_models
from edge_export.optimize import PassRecord
from edge_export.optimize.older_opset import LOWERINGS, OLDER_OPSET, lower, opset_of
from edge_export.quantize import Observation, recipe_from_dict
from edge_runtime.errors import InputError, RefusedError

if TYPE_CHECKING:
    import onnx

SUFFIX = "-compatible"
SECONDS = 2.0
"""For each form beside the variant itself."""


@dataclass(frozen=True)
class Twins:
    """What was made, and what someone should know of it."""

    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


def is_twin(name: str) -> bool:
    """Say whether a variant of this name is a twin."""
    return name.endswith(SUFFIX)


def fp32_twin(
    graph: "onnx.ModelProto", baseline: Candidate, captured: Captured, inputs: Sequence[NDArray[Any]]
) -> Twins:
    """Make the twin of the baseline.

    Args:
        graph: The baseline with inferred shapes.
        baseline: It as a candidate.
        captured: Its source, which each form is checked against.
        inputs: What the forms are timed on.
    """

    def make(form: str) -> Candidate:
        model = lower(graph, form)
        check_parity(model, captured.reference, parity_batches(captured.preprocessing))
        content = model.SerializeToString(deterministic=True)
        recipe = baseline.recipe | {"attention": form}
        return replace(baseline, name=f"{BASELINE}{SUFFIX}", model=content, recipe=recipe)

    return _quickest(baseline, make, opset_of(graph), inputs)


def int8_twin(
    graph: "onnx.ModelProto",
    chosen: Candidate,
    observation: Observation | None,
    passes: tuple[PassRecord, ...],
    inputs: Sequence[NDArray[Any]],
) -> Twins:
    """Make the twin of the chosen candidate, by the same recipe.

    Args:
        graph: What the candidate was made of.
        chosen: The candidate.
        observation: Of `graph`; its tensors have the same names in the twin.
        passes: What was done to `graph` before.
        inputs: What the forms are timed on.
    """
    recipe = recipe_from_dict(chosen.recipe | {"passes": ()})

    def make(form: str) -> Candidate:
        made = make_int8(lower(graph, form), recipe, observation, passes)
        return replace(made, name=f"{chosen.name}{SUFFIX}", recipe=made.recipe)

    return _quickest(chosen, make, opset_of(graph), inputs)


def _quickest(of: Candidate, make: Callable[[str], Candidate], opset: int, inputs: Sequence[NDArray[Any]]) -> Twins:
    """Make every form that fits, time them beside `of`, and return the quickest."""
    if opset <= OLDER_OPSET:
        return Twins(notes=(f"{of.name} is of opset {opset}, which ONNX Runtime 1.22 loads: it needs no twin",))
    forms: dict[str, Candidate] = {}
    reasons = []
    for form in LOWERINGS:
        try:
            forms[form] = make(form)
        except (InputError, RefusedError) as error:
            reasons.append(f"{form}: {error}")
    if not forms:
        return Twins(notes=(f"{of.name} has no twin ({'; '.join(reasons)})",))
    arms = [of, *(replace(one, name=form) for form, one in forms.items())]
    timings = time_models(arms, None, inputs, seconds=SECONDS * len(arms), warmup_seconds=0.2)
    medians = {form: float(np.median(timings.samples_ns[form])) for form in forms}
    best = min(medians, key=medians.__getitem__)
    ratio = medians[best] / float(np.median(timings.samples_ns[of.name]))
    return Twins((forms[best],), (f"{forms[best].name}: {best} attention, {ratio:.2f} times {of.name}'s time",))
