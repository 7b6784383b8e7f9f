"""Cut a network in a frozen trunk and a trained tail, and prove that the two together are the network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_export.architectures import Network
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Cut:
    """The two parts of a network; they share its modules, so that training the tail trains the network."""

    trunk: "nn.Module | None"
    """Frozen: `(n, 3, h, w)` images to features. None when the whole network is trained."""
    tail: "nn.Module"
    """Trained: features (or images, without a trunk) to `(n, classes)` logits."""


def cut_network(network: Network, freeze: str) -> Cut:
    """Cut `network` where `freeze` says.

    Args:
        network: Its module's parameters get `requires_grad` as the cut needs.
        freeze: `none`, `backbone` (only the head is trained), or `stages:N` (stem and first N stages are frozen).

    Raises:
        InputError: an unknown word, more stages than there are, or a network that cannot be cut there.
    """
    if freeze == "none":
        return Cut(None, network.module)
    if freeze == "backbone":
        cut = _cut_at_head(network)
    elif freeze.startswith("stages:") and freeze.removeprefix("stages:").isdigit():
        cut = _cut_after_stage(network, int(freeze.removeprefix("stages:")))
    else:
        raise InputError(f"--freeze {freeze}: not known; give none, backbone or stages:N")
    _prove(network, cut, freeze)
    network.module.requires_grad_(False)
    cut.tail.requires_grad_(True)
    return cut


def _cut_at_head(network: Network) -> Cut:
    return Cut(head_input(network.module, network.head), network.module.get_submodule(network.head))


def head_input(module: "nn.Module", head: str) -> "nn.Module":
    """Return a module that gives what `head` receives when `module` sees its input."""
    from torch import nn

    class HeadInput(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, inputs: "Tensor") -> "Tensor":
            seen: list[Any] = []

            def keep(_module: nn.Module, given: tuple[Any, ...]) -> None:
                seen.append(given[0])

            hook = self.network.get_submodule(head).register_forward_pre_hook(keep)
            try:
                self.network(inputs)
            finally:
                hook.remove()
            last: Tensor = seen[-1]
            return last

    return HeadInput()


_OPENED = ("blocks", "stages", "features")
"""Names of the container whose children are the stages, in timm's and torchvision's families."""


def _cut_after_stage(network: Network, frozen: int) -> Cut:
    from torch import nn

    chain: list[nn.Module] = []
    ends: list[int] = []
    children = dict(network.module.named_children())
    opened = next((name for name in _OPENED if isinstance(children.get(name), nn.Sequential)), None)
    for name, child in children.items():
        if name == opened:
            for stage in child.children():
                chain.append(stage)
                ends.append(len(chain))
            continue
        if name == network.head.partition(".")[0]:
            chain.append(_FLATTEN())
        chain.append(child)
        if opened is None and isinstance(child, nn.Sequential):
            ends.append(len(chain))
    if not 1 <= frozen <= len(ends):
        raise InputError(f"--freeze stages:{frozen}: {network.name} has {len(ends)} stages; give 1 to {len(ends)}")
    end = ends[frozen - 1]
    return Cut(nn.Sequential(*chain[:end]), nn.Sequential(*chain[end:]))


def _FLATTEN() -> "nn.Module":  # noqa: N802
    """Torchvision's networks flatten between their children, which changes nothing where it was done already."""
    from torch import nn

    return nn.Flatten()


def _prove(network: Network, cut: Cut, freeze: str) -> None:
    """Refuse a cut whose parts do not compute what the network computes."""
    import torch

    assert cut.trunk is not None
    module = network.module.eval()
    images = torch.randn(2, 3, network.size, network.size, generator=torch.Generator().manual_seed(0))
    problem = ""
    try:
        with torch.inference_mode():
            expected, got = module(images), cut.tail(cut.trunk(images))
        if expected.shape != got.shape or not torch.allclose(expected, got, rtol=1e-4, atol=1e-5):
            problem = "its layers do not run one after the other"
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        problem = f"its parts do not fit ({type(error).__name__})"
    if problem:
        other = "none" if freeze == "backbone" else "backbone"
        raise InputError(f"--freeze {freeze}: {network.name} cannot be cut there: {problem}; try --freeze {other}")
