"""The shape of a graph pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

GraphPass = Callable[["onnx.ModelProto"], tuple["onnx.ModelProto", int]]
"""Takes a model, which it may change in place, and gives the rewritten one and how many places it rewrote."""


@dataclass(frozen=True)
class PassRecord:
    """What a pass did to a graph."""

    name: str
    rewrites: int
    """Places rewritten; 0 where the pattern does not occur."""
    largest_difference: float
    """Largest absolute change of a logit on the check's inputs."""
