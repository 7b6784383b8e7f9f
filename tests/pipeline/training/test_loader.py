"""Reading images for a training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edge_export.architectures import create_network
from edge_pipeline.data import Dataset
from edge_pipeline.training.augment import AUGMENTATIONS
from edge_pipeline.training.config import TrainConfig, parse_region
from edge_pipeline.training.loader import ImageBatches, Items, items_of
from edge_runtime.errors import InputError
from edge_runtime.image import ImagePreprocessor

CONTRACT = create_network("test_efficientnet", 4).preprocessing(32)
# From Python 3.12 on, forking next to the threads of a library is warned about; torch's workers stay on one thread.
FORKS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def _batches(items: Items, workers: int) -> ImageBatches:
    augmentation = AUGMENTATIONS["standard"]
    return ImageBatches(items, CONTRACT, augmentation=augmentation, seed=3, workers=workers)


@FORKS
@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # torch, where there is one CPU
def test_workers_change_nothing(dataset: Dataset) -> None:
    items = items_of(dataset.splits["val"])
    order = [[5, 1, 7], [2, 0, 39]]
    here, there = (list(_batches(items, workers).read(order, 2)) for workers in (0, 2))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(here, there, strict=True))
    [again] = list(_batches(items, 0).read([[7]], 2))
    assert torch.equal(again[0], here[0][2])
    [later] = list(_batches(items, 0).read([[7]], 3))
    assert not torch.equal(later, again)


def test_evaluation_sees_what_a_device_sees(dataset: Dataset) -> None:
    items = items_of(dataset.splits["val"])
    [batch] = list(_batches(items, 0).read([[4, 9]], None))
    wanted = ImagePreprocessor(CONTRACT)(Path(items.inputs[9]))
    assert torch.equal(batch[1], torch.from_numpy(wanted))


def test_training_and_evaluation_see_the_region_alone(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    pixels[16:48, 40:60] = 77
    Image.fromarray(pixels).save(tmp_path / "door.png")
    contract = replace(CONTRACT, region=parse_region("0.5,0.25,0.75,0.75"))
    items = Items((str(tmp_path / "door.png"),), (0,))
    for augment in AUGMENTATIONS.values():
        batches = ImageBatches(items, contract, training_contract=CONTRACT, augmentation=augment, workers=0)
        for epoch in (None, 1):
            [batch] = batches.read([[0]], epoch)
            assert all(plane.min() == plane.max() for plane in batch[0])
    for text in ("0,0,1", "0,0,1,1.5", "0.5,0,0.5,1", "a,b,c,d", "nan,0,1,1"):
        with pytest.raises(InputError, match=f"--region {text}: LEFT,TOP,RIGHT,BOTTOM"):
            TrainConfig(region=text)


@FORKS
@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_went_away_is_one_line(workers: int, tmp_path: Path) -> None:
    items = Items((str(tmp_path / "gone.png"),), (0,))
    with pytest.raises(InputError, match=r"gone\.png") as caught:
        list(_batches(items, workers).read([[0]], 1))
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
