"""Reads weights from a file without running anything that a file could carry."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    State = Mapping[str, Tensor]


def read_state(path: Path) -> "State":
    """Read a state dict without running anything that a file could carry.

    Raises:
        InputError: the file is damaged, is no state dict, or holds pickled objects other than tensors.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: not a readable safetensors file ({error}); export or fetch it again") from error
    return _read_pickled_tensors(path)


def _read_pickled_tensors(path: Path) -> "State":
    import warnings

    import torch

    try:
        with warnings.catch_warnings():
            # torch warns of pickle protocols that it may not support; where it does not, it raises as well.
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except Exception as error:  # torch's reader raises whatever a damaged file makes it
        raise InputError(
            f"{path}: refused, it holds something other than plain tensors, or is damaged ({type(error).__name__}); "
            "save the state dict as .safetensors"
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if (
        not isinstance(loaded, dict)
        or not loaded
        or not all(isinstance(value, torch.Tensor) for value in loaded.values())
    ):
        raise InputError(f"{path}: not a state dict (tensor names to tensors); save model.state_dict()")
    return loaded
