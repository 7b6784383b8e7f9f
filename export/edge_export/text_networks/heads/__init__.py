"""What stands on a text encoder, one file for each; importing this package imports torch."""

from collections.abc import Mapping

from edge_export.text_networks.fields import HeadFields
from edge_export.text_networks.heads.classify import ClassifyHead
from edge_export.text_networks.heads.embed import EmbedHead
from edge_export.text_networks.heads.interface import Head
from edge_export.text_networks.heads.tag import TagHead

__all__ = ["HEADS", "Head", "make_head"]

HEADS: Mapping[str, type[Head]] = {"classify": ClassifyHead, "tag": TagHead, "embed": EmbedHead}
"""Kind of a head to what makes it."""


def make_head(fields: HeadFields, width: int) -> Head:
    """Return a head with fresh weights.

    Args:
        fields: Which head.
        width: Of the encoder's last layer.
    """
    return HEADS[fields.kind](fields, width)
