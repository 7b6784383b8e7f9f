"""Fill a network with initial weights: from a package, the hub's cache, the hub, or a file; say where from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edge_export.architectures import Network
from edge_export.state_dict import read_state
from edge_pipeline.models.hub import hub_weights
from edge_pipeline.models.packages import installed_weights
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    State = Mapping[str, Tensor]

Kind = Literal["none", "package", "hub-cache", "hub", "file"]


@dataclass(frozen=True)
class WeightsSource:
    """Where a network's initial weights came from."""

    kind: Kind
    name: str = ""
    """Distribution, hub repository, address or file name."""
    sha256: str = ""
    """Of the file that was read; empty for `none`."""
    licence: str = ""
    notes: tuple[str, ...] = ()
    """What a user should know, such as a head that was dropped."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON-ready dictionary, as it stands in a run."""
        return {"kind": self.kind, "name": self.name, "sha256": self.sha256, "licence": self.licence}


def load_weights(network: Network, weights: str) -> WeightsSource:
    """Put initial weights into `network`, in place; its head keeps fresh values where the sizes differ.

    Args:
        network: As `create_network` built it.
        weights: `none` (random), `auto` (an installed weight package, else the hub's cache, else the hub), or the path
            of a `.safetensors` or `.pth` state dict of the same architecture.

    Raises:
        InputError: the file cannot be read as weights of this architecture.
        MachineError: `auto` found nothing on this machine and the hub cannot be reached.
    """
    if weights == "none":
        return WeightsSource("none")
    if weights != "auto":
        path = Path(weights)
        if not path.is_file():
            raise InputError(f"--weights {weights}: no such file; give auto, none, or a .safetensors or .pth file")
        state = read_state(path)
        return WeightsSource("file", path.name, _sha256(path), "not stated", _fill(network, state, path))
    installed = installed_weights(network.name)
    if installed:
        package, path = installed
        notes = _fill(network, _rename_in_order(network, read_state(path), path), path)
        return WeightsSource("package", package.distribution, _sha256(path), package.licence, notes)
    found = hub_weights(network)
    notes = _fill(network, read_state(found.path), found.path)
    kind: Kind = "hub-cache" if found.cached else "hub"
    return WeightsSource(kind, found.name, _sha256(found.path), found.licence, notes)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _rename_in_order(network: Network, state: "State", path: Path) -> "State":
    """Give the tensors of a package the network's names: same order, other words."""
    names = [name for name in network.module.state_dict() if not _is_counter(name)]
    tensors = [tensor for name, tensor in state.items() if not _is_counter(name)]
    if len(names) != len(tensors):
        raise InputError(f"{path}: {len(tensors)} tensors, {network.name} has {len(names)}; pass --weights PATH")
    return dict(zip(names, tensors, strict=True))


def _fill(network: Network, state: "State", path: Path) -> tuple[str, ...]:
    """Copy `state` into the network; everything but the head must fit. Return what to tell the user."""
    own = network.module.state_dict()
    head = {name for name in own if name.startswith(network.head + ".")}
    wrong = [
        f"{name} ({_shape(state.get(name))}, expected {_shape(tensor)})"
        for name, tensor in own.items()
        if name not in head and not _is_counter(name) and _shape(state.get(name)) != _shape(tensor)
    ]
    if wrong:
        raise InputError(
            f"{path}: not weights of {network.name}: {len(wrong)} of {len(own)} tensors do not fit, "
            f"first {wrong[0]}; choose the --model that they were made with"
        )
    fits = all(_shape(state.get(name)) == _shape(own[name]) for name in head)
    kept = {name: state[name] for name in own if name in state and (fits or name not in head)}
    network.module.load_state_dict(kept, strict=False)
    if fits:
        return ()
    sizes = {len(state[name]) for name in head if name in state}
    there = f"of {max(sizes)} classes" if sizes else "missing"
    return (
        f"head of {path.name} ({there}) not used: a new head of {len(next(own[n] for n in head))} classes is trained",
    )


def _shape(tensor: "Tensor | None") -> str:
    return "missing" if tensor is None else "x".join(str(side) for side in tensor.shape) or "scalar"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
