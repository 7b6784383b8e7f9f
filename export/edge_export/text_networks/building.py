"""Build a text network of what a run says of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edge_export.text_networks.fields import HeadFields
from edge_export.text_networks.package import import_transformers
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from edge_export.text_networks.network import TextNetwork

WIDTHS = ("hidden_size", "dim", "d_model")
"""What configurations of transformers call the width of the last layer."""


def as_network(encoder: "nn.Module", pad_id: int, head: HeadFields | None = None) -> "TextNetwork":
    """Return an encoder of transformers as a function of one tensor.

    Args:
        encoder: A bare encoder such as `BertModel`, whose pooler is taken off since no head of ours reads it; or,
            without `head`, a classifier such as `BertForSequenceClassification`.
        pad_id: What is masked.
        head: What stands on it, with fresh weights; None for the classifier's own.
    """
    from edge_export.text_networks.heads import make_head
    from edge_export.text_networks.network import TextNetwork

    if head is None:
        return TextNetwork(encoder, None, pad_id)
    return TextNetwork(bare(encoder), make_head(head, encoder_width(encoder)), pad_id)


def bare(encoder: "nn.Module") -> "nn.Module":
    """Take the pooler off an encoder of transformers that has one; its forward allows for that."""
    from torch import nn

    if isinstance(getattr(encoder, "pooler", None), nn.Module):
        setattr(encoder, "pooler", None)  # noqa: B010 - no declared attribute
    return encoder


def encoder_width(encoder: "nn.Module") -> int:
    """Return the width of an encoder's last layer.

    Raises:
        InputError: its configuration does not say.
    """
    config: Any = encoder.config
    found = next((getattr(config, name) for name in WIDTHS if isinstance(getattr(config, name, None), int)), None)
    if found is None:
        raise InputError(f"{config.model_type}: its configuration names no width ({', '.join(WIDTHS)}); choose another")
    return int(found)


def network_document(config: Mapping[str, Any], head: HeadFields) -> dict[str, Any]:
    """Return what a run says of its network: what `build_text_network` reads.

    Args:
        config: transformers' configuration of the encoder.
        head: What stands on it.
    """
    return {"encoder": dict(config), "head": head.to_dict()}


def build_text_network(document: Mapping[str, Any], pad_id: int) -> "TextNetwork":
    """Build a network of what `network_document` gave, with random weights.

    Raises:
        InputError: the document lacks something, or transformers knows no such architecture.
        MachineError: transformers is not installed.
    """
    transformers = import_transformers()
    if not isinstance(document.get("encoder"), dict) or not isinstance(document.get("head"), dict):
        raise InputError("the run says neither encoder nor head of its network; train again with this edge")
    config, head = document["encoder"], HeadFields.from_dict(document["head"])
    try:
        known = transformers.AutoConfig.for_model(**config)
        encoder = transformers.AutoModel.from_config(known)
    except (KeyError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{config.get('model_type')}: transformers cannot build it ({reason}); train again") from error
    return as_network(encoder, pad_id, head)
