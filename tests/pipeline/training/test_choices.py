"""Configuration, presets, the order of items, augmentation, losses and rates."""

from dataclasses import replace
from itertools import chain

import click
import numpy as np
import pytest
import torch
from rich.console import Console

from edge_export.architectures import create_network
from edge_pipeline.cli.train import PRESET_NAMES, _preset_here, command
from edge_pipeline.training import PRESETS, TrainConfig, config_from
from edge_pipeline.training.augment import AUGMENTATIONS
from edge_pipeline.training.loader import Items, Share, evaluation_batches, training_batches
from edge_pipeline.training.objective import learning_rate, make_loss, make_optimizer
from edge_pipeline.training.precision import choose_precision
from edge_pipeline.training.presets import preset_for
from edge_pipeline.training.promise import promise
from edge_runtime.errors import InputError, MachineError
from edge_runtime.image import preprocess_image


def test_classic_is_the_textbook_recipe() -> None:
    config = config_from("classic")
    assert (config.model, config.optimizer, config.learning_rate, config.momentum) == (
        "torchvision/resnet18", "sgd", 0.001, 0.9,
    )  # fmt: skip
    assert config.epochs == 10
    contract = create_network(config.model, 2).preprocessing(config.size)
    assert (contract.resize.width, contract.crop_width, contract.crop_height) == (256, 224, 224)
    assert [learning_rate(config, step, 100) for step in (0, 50, 99)] == [0.001] * 3


def test_explicit_choices_go_over_a_preset() -> None:
    assert config_from("classic", {"epochs": 3}) == replace(config_from("classic"), epochs=3)
    with pytest.raises(InputError, match="--preset modern: not known; give one of full, classic, quick"):
        config_from("modern")


def test_the_command_names_every_choice_and_preset() -> None:
    assert tuple(PRESETS) == PRESET_NAMES
    options = {option.name for option in command.params if isinstance(option, click.Option)}
    assert set(TrainConfig().to_dict()) <= options


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"epochs": 0}, "--epochs 0"),
        ({"size": 100_000}, "--size 100000: must be 8 to 8192 pixels"),
        ({"train_size": 7}, "--train-size 7: must be 8 to 8192 pixels"),
        ({"weight_decay": -1.0}, "--weight-decay -1"),
        ({"warmup": 1.5}, "--warmup 1.5"),
        ({"learning_rate": -1.0}, "--learning-rate -1"),
    ],
)
def test_values_out_of_range(choice: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config_from(None, choice)


def test_the_rate_rises_then_falls_to_nothing() -> None:
    config = TrainConfig(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(config, step, 100) for step in range(100)]
    assert rates[9] == rates[10] == 1.0 == max(rates)
    assert rates[0] == 0.1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_order_is_a_function_of_seed_and_epoch() -> None:
    batches = training_batches(50, 8, seed=1, epoch=2)
    assert batches == training_batches(50, 8, seed=1, epoch=2)
    assert batches != training_batches(50, 8, seed=1, epoch=3) != training_batches(50, 8, seed=2, epoch=3)
    assert [len(batch) for batch in batches] == [8] * 6
    assert len({index for batch in batches for index in batch}) == 48
    assert [len(batch) for batch in training_batches(5, 8, seed=0, epoch=1)] == [5]


def test_processes_share_the_same_batches() -> None:
    whole = training_batches(50, 8, seed=1, epoch=2)
    parts = [training_batches(50, 8, 1, 2, Share(index, 4)) for index in range(4)]
    assert [sorted(chain.from_iterable(part[step] for part in parts)) for step in range(6)] == [
        sorted(batch) for batch in whole
    ]
    ranges = [evaluation_batches(50, 8, Share(index, 4)) for index in range(4)]
    assert [index for batches in ranges for batch in batches for index in batch] == list(range(50))
    with pytest.raises(InputError, match="3 processes cannot share it evenly"):
        training_batches(50, 8, 1, 2, Share(0, 3))


def test_augmentation_depends_on_its_seed_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    light, standard = AUGMENTATIONS["light"], AUGMENTATIONS["standard"]
    assert AUGMENTATIONS["none"] is None
    assert light is not None
    assert standard is not None
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert np.array_equal(light.apply(image, 7), light.apply(image, 7))
    assert torch.equal(before, torch.get_rng_state())
    shapes = {light.apply(image, seed).shape for seed in range(20)}
    assert len(shapes) > 5
    assert all(0.6 * 40 * 40 <= height * width <= 40 * 44 for height, width, _ in shapes)
    contract = light.contract(create_network("test_efficientnet", 2).preprocessing(32))
    assert preprocess_image(light.apply(image, 7), contract).shape == (3, 32, 32)


def test_digits_are_never_mirrored_unless_asked() -> None:
    ramp = np.repeat(np.arange(60, dtype=np.uint8)[None, :, None], 40, 0).repeat(3, 2)
    rising = [AUGMENTATIONS[kind].apply(ramp, seed)[0, :, 0] for kind in ("light",) for seed in range(30)]
    assert all((np.diff(row.astype(int)) > 0).all() for row in rising)
    flipped = [AUGMENTATIONS["standard"].apply(ramp, seed)[0, :, 0] for seed in range(30)]
    assert 5 < sum(bool((np.diff(row.astype(int)) < 0).all()) for row in flipped) < 25


def test_class_weights_make_rare_classes_count() -> None:
    targets = torch.tensor([0] * 9 + [1])
    logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    plain = make_loss(TrainConfig(label_smoothing=0.0), targets, 2)
    weighed = make_loss(TrainConfig(label_smoothing=0.0, class_weights=True), targets, 2)
    answers = torch.tensor([0, 1])
    assert weighed(logits, answers) > plain(logits, answers)
    # scikit-learn's rule: n / (classes * count) = 10/18 and 10/2.
    losses = torch.nn.functional.cross_entropy(logits, answers, reduction="none")
    torch.testing.assert_close(weighed(logits, answers), (losses * torch.tensor([5 / 9, 5.0])).sum() / (5 / 9 + 5))


def test_multilabel_targets_are_zeros_and_ones() -> None:
    targets = Items(("a", "b", "c"), ((0, 2), (), (1,))).targets(3, multilabel=True)
    assert targets.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_only_matrices_decay() -> None:
    optimizer = make_optimizer(TrainConfig(weight_decay=0.3), create_network("test_efficientnet", 2).module)
    decays = {
        parameter.ndim > 1: group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]
    }
    assert decays == {True: 0.3, False: 0.0}


def test_precision() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu) == "no"
    assert choose_precision("bf16", cpu) == "bf16"
    assert choose_precision("auto", cpu) in ("no", "bf16")
    with pytest.raises(MachineError, match="--precision fp16: not on cpu"):
        choose_precision("fp16", cpu)


def test_what_the_data_can_prove_is_said() -> None:
    assert promise(range(1500)).startswith("with 1,500 test items, the smallest drop a gate can resolve is 0.6")
    assert "no test split" in promise(None)


def test_the_function_train_is_not_hidden_by_a_module() -> None:
    """A subpackage called `train` would take its place on `edge_pipeline` as soon as anybody imported it."""
    import edge_pipeline

    assert callable(edge_pipeline.train)


def test_without_a_gpu_the_quick_preset_is_meant_unless_its_choices_were_made() -> None:
    assert preset_for({"epochs": 3}, has_gpu=False) == "quick"
    assert preset_for({"epochs": 3}, has_gpu=True) == "full"
    assert preset_for({"model": "resnet18"}, has_gpu=False) == "full"


@pytest.mark.parametrize(
    ("explicit", "preset"),
    [
        ({}, "text"),
        ({"freeze": "backbone"}, "text-frozen"),
        ({"freeze": "none"}, "text"),
        ({"lora": 4}, "text-lora"),
        ({"model": "scratch"}, "text-scratch"),
    ],
)
def test_what_is_trained_of_a_text_encoder_chooses_the_preset(tmp_path, explicit, preset):
    table = tmp_path / "a.csv"
    table.write_text("text,label\n")
    assert _preset_here(str(table), explicit, Console()) == preset
