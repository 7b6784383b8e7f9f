"""Every choice of a training, as one frozen value."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from edge_runtime.errors import InputError
from edge_runtime.preprocessing import MAX_SIDE, MAX_TOKENS, Region, Truncation
from edge_runtime.preprocessing.text import MIN_TOKENS

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "constant"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Pooling = Literal["cls", "mean"]
Augment = Literal["none", "light", "standard"]

MIN_SIDE = 8
"""Pixels; a smaller input leaves nothing to see to networks that halve it several times."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults fine-tune all of EfficientNet-Lite0."""

    model: str = "tf_efficientnet_lite0"
    """A classification architecture of timm or torchvision (`torchvision/NAME` where both have it); for texts the
    directory of a Hugging Face encoder, its name on the hub, or `scratch`: a small one with a vocabulary of its own."""
    weights: str = "auto"
    """`auto`, `none`, or the path of a `.safetensors` or `.pth` state dict; an encoder of texts brings its own."""
    task: Literal["classes", "tokens"] | None = None
    """What texts are labeled with: whole texts, or the words in them; None for what the data has."""
    text: str | None = None
    """Column of the texts; None for `text`, where the data has such a column."""
    label: str | None = None
    """Column of the texts' labels; None for `label`."""
    max_length: int | None = None
    """Most tokens of a text, special ones included; None for 128, or what the encoder takes."""
    truncation: Truncation | None = None
    """What becomes of texts with more tokens: `end` cuts their end off, `window` reads them in windows, each of which
    is an item of train, `error` refuses them; None for `end`."""
    pooling: Pooling | None = None
    """How tokens become a text: `cls` or `mean`; None for what the encoder's directory says, or else `cls`."""
    lora: int | None = None
    """Rank of adapters that are trained instead of the encoder, and merged into it afterwards; None trains all."""
    adalora: int | None = None
    """The same with AdaLoRA, which begins with more ranks and ends with this many on average, most where most is
    gained."""
    keep_adapters: bool = False
    """Keep the adapters beside the merged weights, as a directory that peft loads."""
    size: int | None = None
    """Side in pixels of the deployed model's input; None for the architecture's own."""
    train_size: int | None = None
    """Side in pixels during training, where smaller is quicker; None for `size`. Validation always uses `size`."""
    region: str | None = None
    """The part of every image that a fixed camera is there for: `LEFT,TOP,RIGHT,BOTTOM` in shares of its sides."""
    epochs: int = 10
    batch_size: int = 32
    """Items a step, over all processes together, so that a result does not depend on how many there are."""
    optimizer: Optimizer = "adamw"
    learning_rate: float = 1e-3
    layer_decay: float | None = None
    """Of text encoders: each layer learns at this share of the rate of the one above it; None for one rate."""
    momentum: float = 0.9
    """SGD's; AdamW keeps its usual betas."""
    weight_decay: float = 1e-2
    """On weight matrices and kernels; biases and normalization scales are left alone."""
    schedule: Schedule = "cosine"
    warmup: float = 0.1
    """Share of all steps over which the learning rate rises from zero."""
    label_smoothing: float = 0.1
    """Ignored for multilabel data."""
    class_weights: bool = False
    """Weigh each class by the inverse of its share in train."""
    augment: Augment = "light"
    """`none`; `light`: a crop of 70-100 % of the area, no flip, so that digits and letters stay what they are;
    `standard`: torchvision's textbook crop of 8-100 % and a horizontal flip."""
    freeze: str = "none"
    """`none`; `backbone`: only the head is trained; `stages:N`: the stem and the first N stages stay as they are.
    A frozen part sees every image once; its features are kept on disk, so that an epoch takes seconds."""
    patience: int | None = 5
    """Stop after so many epochs without a better validation score; None never stops early."""
    precision: Precision = "auto"
    """`auto`: bf16 where the GPU or CPU computes in it, else fp32."""
    seed: int = 0
    workers: int | None = None
    """Processes that read images; None chooses by the number of cores."""
    multilabel: bool = False
    """An item may carry several labels."""
    group: str | None = None
    """Pattern whose match names the group (patient, recording, machine) that must stay in one split; for texts the
    column that names it."""
    allow_leaks: bool = False
    """Go on although the same image stands in two splits."""

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            InputError: a value is out of its range.
        """
        positive = ("epochs", "batch_size", "learning_rate", "patience", "lora", "adalora")
        for name in positive:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{_flag(name)} {value}: must be greater than 0")
        for name in ("size", "train_size"):
            side = getattr(self, name)
            if side is not None and not MIN_SIDE <= side <= MAX_SIDE:
                raise InputError(f"{_flag(name)} {side}: must be {MIN_SIDE} to {MAX_SIDE} pixels")
        if self.max_length is not None and not MIN_TOKENS <= self.max_length <= MAX_TOKENS:
            raise InputError(f"--max-length {self.max_length}: must be {MIN_TOKENS} to {MAX_TOKENS} tokens")
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{_flag(name)} {getattr(self, name)}: must be a finite number, at least 0")
        for name in ("warmup", "label_smoothing", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{_flag(name)} {getattr(self, name)}: must be at least 0 and less than 1")
        if self.lora is not None and self.adalora is not None:
            raise InputError(f"--lora {self.lora} and --adalora {self.adalora}: give one of them")
        if self.keep_adapters and not self.adapters:
            raise InputError("--keep-adapters: there are none; give --lora RANK or --adalora RANK too")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise InputError(f"--layer-decay {self.layer_decay}: must be greater than 0, at most 1")
        parse_region(self.region)

    @property
    def adapters(self) -> int | None:
        """The rank of adapters of either kind."""
        return self.lora if self.adalora is None else self.adalora

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON-ready dictionary."""
        return asdict(self)

    def differences(self, other: "TrainConfig") -> list[str]:
        """Name the options in which `other` differs, with both values."""
        pairs = [(field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return [f"{_flag(name)} was {mine}, now {theirs}" for name, mine, theirs in pairs if mine != theirs]


def parse_region(text: str | None) -> Region | None:
    """Read `LEFT,TOP,RIGHT,BOTTOM`; None is the whole image.

    Raises:
        InputError: the text is not four shares that hold a part of the image.
    """
    if text is None:
        return None
    try:
        left, top, right, bottom = (float(share) for share in text.split(","))
    except ValueError:
        left = top = right = bottom = math.nan
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InputError(
            f"--region {text}: LEFT,TOP,RIGHT,BOTTOM is expected, shares of the sides from 0 to 1 such as 0.2,0,0.8,0.5"
        )
    return Region(left, top, right, bottom)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
