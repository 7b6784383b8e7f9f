"""Networks by name: every classification architecture of timm and torchvision, built without weights."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from edge_runtime.errors import InputError
from edge_runtime.preprocessing import ImagePreprocessing, Kernel, Resize

if TYPE_CHECKING:
    from torch import nn

TORCHVISION = "torchvision/"
"""Prefix that asks for torchvision's architecture where both libraries have the name: `torchvision/resnet18`."""


@dataclass(frozen=True)
class Network:
    """An architecture ready for `classes` answers."""

    name: str
    module: "nn.Module"
    """Takes `(n, 3, h, w)` float32, gives `(n, classes)` logits."""
    head: str
    """Dotted name of the classifier layer within `module`; everything before it is the backbone."""
    size: int
    """Side in pixels that the architecture was made for."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop_share: float
    """Side of the center crop over the side of the resized image."""
    kernel: Kernel
    fixed_size: bool = False
    """The network takes images of `size` alone, as most transformers do."""

    def preprocessing(self, size: int | None = None) -> ImagePreprocessing:
        """Return the evaluation contract at `size` pixels (default: the architecture's own).

        Raises:
            InputError: the architecture cannot take images of that size.
        """
        crop = size or self.size
        if self.fixed_size and crop != self.size:
            raise InputError(f"--size {crop}: {self.name} takes images of {self.size} pixels alone; leave --size out")
        # timm and torchvision both resize the shorter side to floor(crop / share), then crop the center.
        side = int(crop / self.crop_share + 1e-6)  # 299 / (299 / 342) must be 342, not a bit less
        return ImagePreprocessing(Resize(side, side, "short_side", self.kernel), crop, crop, self.mean, self.std)


def create_network(name: str, classes: int) -> Network:
    """Build `name` with a fresh head for `classes` answers and random weights.

    Args:
        name: A timm name, or `torchvision/NAME`; a bare name is looked up in timm, then in torchvision.
        classes: Number of answers.

    Raises:
        InputError: no library knows the name, or it is not a classification network.
    """
    import timm

    if not name.startswith(TORCHVISION) and timm.is_model(name):
        return _from_timm(name, classes)
    return _from_torchvision(name.removeprefix(TORCHVISION), classes)


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _from_timm(name: str, classes: int) -> Network:
    import timm

    module = timm.create_model(name, pretrained=False, num_classes=classes)
    config: dict[str, Any] = cast(Any, module).pretrained_cfg
    head = config.get("classifier")
    if not isinstance(head, str):
        raise InputError(f"--model {name}: not a plain classifier (its head is {head!r}); choose another architecture")
    kernel: Kernel = "bilinear" if config.get("interpolation") == "bilinear" else "bicubic"
    size = int(config["input_size"][-1])
    mean, std, crop_share = _triple(config["mean"]), _triple(config["std"]), float(config["crop_pct"])
    return Network(name, module, head, size, mean, std, crop_share, kernel, bool(config.get("fixed_input_size")))


_AUXILIARY = frozenset({"googlenet", "inception_v3"})
"""Architectures that answer with several logits in training unless their side branches are left out."""


def _from_torchvision(name: str, classes: int) -> Network:
    from torch import nn
    from torchvision import models

    if name not in models.list_models(module=models):
        import timm

        close = ", ".join(timm.list_models(f"*{name}*")[:3]) or "resnet18, tf_efficientnet_lite0"
        raise InputError(f"--model {name}: neither timm nor torchvision has it; near names: {close}")
    extra: dict[str, Any] = {"aux_logits": False, "init_weights": True} if name in _AUXILIARY else {}
    module = models.get_model(name, weights=None, num_classes=classes, **extra)
    linear = [path for path, layer in module.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    # What the architecture's published weights were evaluated with; naming the weights downloads nothing.
    published = cast(Any, models.get_model_weights(name)).DEFAULT.transforms()
    crop, side = int(published.crop_size[0]), int(published.resize_size[0])
    kernel: Kernel = "bicubic" if published.interpolation.value == "bicubic" else "bilinear"
    mean, std = _triple(published.mean), _triple(published.std)
    return Network(f"{TORCHVISION}{name}", module, linear[-1], crop, mean, std, crop / side, kernel)
