"""What is trained, by kind of input: an image network or a text encoder, with everything that only it knows."""

from collections.abc import Callable
from typing import Any

from edge_pipeline.training.learners.image import ImageLearner
from edge_pipeline.training.learners.interface import Learner, Setting
from edge_pipeline.training.learners.text import TextLearner

__all__ = ["LEARNERS", "Learner", "Setting", "make_learner"]

LEARNERS: dict[str, Callable[[Setting], Any]] = {"image": ImageLearner, "text": TextLearner}
"""Kind of input to what learns it."""


def make_learner(setting: Setting) -> Learner:
    """Return what is trained on this data.

    Raises:
        InputError: a choice cannot be used with this data or network.
        MachineError: weights or a package are missing.
    """
    learner: Learner = LEARNERS[setting.dataset.kind](setting)
    return learner
