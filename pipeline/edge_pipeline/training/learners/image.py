"""An image network, whole or with a frozen trunk whose features are stored."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.architectures import create_network
from edge_pipeline.models.folding import folded
from edge_pipeline.models.freezing import cut_network
from edge_pipeline.models.weights import load_weights
from edge_pipeline.training.config import parse_region
from edge_pipeline.training.directory import FEATURES_FOLDER
from edge_pipeline.training.inputs import FrozenPart, example_input, image_inputs
from edge_pipeline.training.learners.interface import Setting
from edge_pipeline.training.loader import Batches, ImageBatches
from edge_runtime.errors import InputError
from edge_runtime.manifest import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

TEXT_CHOICES = ("task", "max_length", "truncation", "pooling", "lora", "adalora", "layer_decay")
"""Choices that mean nothing to images."""


class ImageLearner:
    """See `Learner`."""

    def __init__(self, setting: Setting) -> None:
        import torch

        self._setting, config = setting, setting.config
        for name in TEXT_CHOICES:
            if getattr(config, name) is not None:
                raise InputError(f"--{name.replace('_', '-')} is for texts, and {setting.dataset.path} holds images")
        self._network = create_network(config.model, len(setting.dataset.labels))
        self.architecture = self._network.name
        self.task: Task = "image-multilabel" if config.multilabel else "image-classification"
        self.weights = load_weights(self._network, config.weights)
        self.contract = replace(self._network.preprocessing(config.size), region=parse_region(config.region))
        self.network: dict[str, Any] = {}
        self.regimen = None
        cut = cut_network(self._network, config.freeze)
        self.trained, self._trunk = cut.tail, cut.trunk
        device: Any = setting.accelerator.device
        self._network.module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def inputs(self) -> dict[str, Batches]:
        """Return images, or the stored features of a frozen trunk."""
        setting = self._setting
        if self._trunk is None:
            return image_inputs(self._network, dict(setting.items), self.contract, setting.config)
        frozen = FrozenPart(
            self._trunk, self._network, self.weights, self.contract, setting.config, setting.accelerator
        )
        folder = setting.directory / FEATURES_FOLDER
        return frozen.inputs(setting.dataset, dict(setting.items), folder, setting.tell)

    def targets(self, split: str) -> "Tensor":
        """Return class numbers, or zeros and ones."""
        return self._setting.items[split].targets(len(self._setting.dataset.labels), self._setting.config.multilabel)

    def test_inputs(self) -> Batches:
        """Return images."""
        return ImageBatches(self._setting.items["test"], self.contract, workers=self._setting.config.workers)

    def finished(self) -> "nn.Module":
        """Return the network."""
        return self._network.module

    def quick(self) -> "nn.Module":
        """Return the network with its normalizations folded into its convolutions."""
        return folded(self._network.module, example_input(self.contract, self._setting.accelerator.device))

    def save(self) -> None:
        """Write nothing more."""

    def shown(self, split: str) -> Sequence[Path | str]:
        """Return the files."""
        return [Path(path) for path in self._setting.items[split].inputs]

    def words(self, text: str) -> Sequence[tuple[int, int]]:
        """Return nothing: images have no words."""
        return ()
