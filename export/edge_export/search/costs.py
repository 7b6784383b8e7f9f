"""What int8 costs each part of a network in accuracy, and what it gains in time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.candidates import Candidate
from edge_export.graphs.operators import Origins, multiply_accumulates
from edge_export.graphs.profile import Kernel
from edge_export.quantize import Recipe
from edge_export.search.blocks import Block, cut_blocks
from edge_export.search.budget import Budget
from edge_export.search.laboratory import Laboratory
from edge_export.search.trial import finite_or_none

if TYPE_CHECKING:
    import onnx

ACTIVATIONS = frozenset({"Clip", "HardSigmoid", "HardSwish", "LeakyRelu", "Relu", "Sigmoid", "Tanh"})
"""Operators that a quantizer folds into the one before them, and that therefore go where it goes."""


SHARE_FOR_BLOCKS, SHARE_FOR_PARTS = 0.6, 0.85
"""Of the search's time, until when blocks and then operators may be measured: what was learned must still be tried."""


@dataclass(frozen=True)
class Cost:
    """One part of the network: a block, or a single operator with its activation."""

    block: Block
    error: float | None
    """Mean square error of the logits where this part alone is in int8, infinity where one was not finite; None where
    no time was left to measure it."""
    float_ms: float
    """What the baseline spends in it."""
    int8_ms: float
    """What the candidate with all in int8 spends in it."""

    @property
    def gain(self) -> float:
        """Milliseconds that int8 saves here; negative where it loses."""
        return self.float_ms - self.int8_ms

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "name": self.block.name,
            "operators": len(self.block.operators),
            "macs": self.block.macs,
            "error": None if self.error is None else finite_or_none(self.error),
            "float_ms": self.float_ms,
            "int8_ms": self.int8_ms,
        }


def measure_costs(lab: Laboratory, recipe: Recipe, candidate: Candidate, budget: Budget) -> list[Cost]:
    """Measure every block of the network.

    Args:
        lab: Where to measure.
        recipe: The recipe with all in int8.
        candidate: What it gave.
        budget: Asked before each measurement.
    """
    blocks = cut_blocks(lab.graph)
    return _measure(lab, blocks, recipe=recipe, candidate=candidate, budget=budget, share=SHARE_FOR_BLOCKS)


def total_error(costs: Sequence[Cost]) -> float:
    """Return the finite errors of all parts together, as if errors of several parts only added up; never 0."""
    return sum(cost.error for cost in costs if cost.error is not None and np.isfinite(cost.error)) or 1.0


def measure_parts(
    lab: Laboratory, recipe: Recipe, candidate: Candidate, operators: Sequence[str], budget: Budget
) -> list[Cost]:
    """Measure the operators of some blocks one by one, each with its activation."""
    parts = _parts(lab.graph, operators)
    return _measure(lab, parts, recipe=recipe, candidate=candidate, budget=budget, share=SHARE_FOR_PARTS)


def _measure(
    lab: Laboratory, blocks: Sequence[Block], *, recipe: Recipe, candidate: Candidate, budget: Budget, share: float
) -> list[Cost]:
    everything = [node.name for node in lab.graph.graph.node]
    origins = Origins(lab.graph)
    floats = _block_times(lab.kernels(lab.baseline), origins, blocks)
    int8s = _block_times(lab.kernels(candidate), origins, blocks)
    costs, began = [], budget.spent
    for done, block in enumerate(blocks):
        budget.say("measuring what int8 costs each part", done, len(blocks), began)
        alone = replace(recipe, float_operators=_without(everything, block.operators))
        error = None if budget.passed(share) else lab.error(alone)
        costs.append(Cost(block, error, floats[done], int8s[done]))
    return costs


def _block_times(kernels: Sequence[Kernel], origins: Origins, blocks: Sequence[Block]) -> list[float]:
    """Return the milliseconds of each block; blocks of one signature share the mean of their measurements."""
    places = {name: at for at, block in enumerate(blocks) for name in block.operators}
    times = [0.0] * len(blocks)
    at = 0
    for kernel in kernels:
        # A kernel that came from nowhere (a transposition, a reordering) serves the one before it.
        at = places.get(origins.find(kernel.name) or "", at)
        times[at] += kernel.milliseconds
    alike: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for block, spent in zip(blocks, times, strict=True):
        alike[block.signature].append(spent)
    return [float(np.mean(alike[block.signature])) for block in blocks]


def _without(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    left_out = set(others)
    return tuple(name for name in names if name not in left_out)


def _parts(model: "onnx.ModelProto", operators: Sequence[str]) -> list[Block]:
    """Group operators with the activations that follow them."""
    wanted, costs = set(operators), multiply_accumulates(model)
    owner: dict[str, int] = {}
    parts: list[list[str]] = []
    for node in model.graph.node:
        if node.name not in wanted:
            continue
        before = owner.get(node.input[0]) if node.input else None
        if node.op_type in ACTIVATIONS and before is not None:
            parts[before].append(node.name)
        else:
            before = len(parts)
            parts.append([node.name])
        owner |= dict.fromkeys(node.output, before)
    return [
        Block(part[0], tuple(part), int(np.sum([costs.get(name) or 0 for name in part])), (part[0],)) for part in parts
    ]
