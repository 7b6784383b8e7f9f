"""What the loop trains on: images, or the stored features of a frozen trunk."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.architectures import Network
from edge_pipeline.data import Dataset
from edge_pipeline.models.folding import folded
from edge_pipeline.models.weights import WeightsSource
from edge_pipeline.training.augment import AUGMENTATIONS
from edge_pipeline.training.config import TrainConfig
from edge_pipeline.training.evaluate import to_device
from edge_pipeline.training.features import features_key, store_features, stored_features
from edge_pipeline.training.loader import Batches, ImageBatches, Items, Share
from edge_pipeline.training.progress import TrainProgress
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    from torch import Tensor, nn


def image_inputs(
    network: Network, items: dict[str, Items], contract: ImagePreprocessing, config: TrainConfig
) -> dict[str, Batches]:
    """Return the images of train, augmented as `config` says, and of val, as a device would see them."""
    training = ImageBatches(
        items["train"],
        contract,
        training_contract=network.preprocessing(config.train_size or config.size),
        augmentation=AUGMENTATIONS[config.augment],
        seed=config.seed,
        workers=config.workers,
    )
    return {"train": training, "val": ImageBatches(items["val"], contract, workers=config.workers)}


def example_input(contract: ImagePreprocessing, device: Any) -> "Tensor":
    """Return one seeded input of the contract's shape, for checks."""
    import torch

    shape = (1, 3, contract.crop_height, contract.crop_width)
    return to_device(torch.randn(shape, generator=torch.Generator().manual_seed(0)), device)


@dataclass(frozen=True)
class FrozenPart:
    """A trunk, and everything else that decides its features."""

    trunk: "nn.Module"
    network: Network
    weights: WeightsSource
    contract: ImagePreprocessing
    config: TrainConfig
    accelerator: Any

    def key(self, dataset: Dataset, split: str, items: Items) -> str:
        """Return the name under which the features of a split may be used again."""
        return features_key(
            data=dataset.splits[split].fingerprint,
            paths=items.inputs,
            model=self.network.name,
            weights=self.weights.to_dict(),
            seed=self.config.seed,
            cut=self.config.freeze,
            contract=self.contract.to_dict(),
            precision=self.accelerator.mixed_precision,
        )

    def inputs(
        self, dataset: Dataset, items: dict[str, Items], folder: Path, progress: TrainProgress
    ) -> dict[str, Batches]:
        """Return the features of train and val, from `folder` where a broken run left them."""
        import torch

        quick = folded(self.trunk, example_input(self.contract, self.accelerator.device))

        def compute(images: "Tensor") -> "Tensor":
            with torch.inference_mode(), self.accelerator.autocast():
                features: Tensor = quick(to_device(images, self.accelerator.device))
                return features

        share = Share(self.accelerator.process_index, self.accelerator.num_processes)
        found: dict[str, Batches] = {}
        for split in ("train", "val"):
            key = self.key(dataset, split, items[split])
            stored = stored_features(folder, split, key)
            if stored is None:
                images = ImageBatches(items[split], self.contract, workers=self.config.workers)
                progress.start(f"features of {split}", len(images))
                stored = store_features(
                    folder,
                    split,
                    key,
                    images,
                    compute,
                    half=self.accelerator.mixed_precision != "no",
                    share=share,
                    wait=self.accelerator.wait_for_everyone,
                    advance=lambda count: progress.advance(count * share.count),
                )
                progress.finish()
            found[split] = stored
        return found
