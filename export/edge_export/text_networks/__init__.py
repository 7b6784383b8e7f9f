"""Text encoders of transformers as networks: token numbers in, logits out, everything else made inside."""

from edge_export.text_networks.building import as_network, build_text_network, encoder_width, network_document
from edge_export.text_networks.contract import DEFAULT_LENGTH, LONGER, text_contract
from edge_export.text_networks.fields import POOLINGS, TASK_HEADS, HeadFields, HeadKind, Pooling
from edge_export.text_networks.package import INSTALL_TEXT, import_transformers
from edge_export.text_networks.pooling import stored_pooling

__all__ = [
    "DEFAULT_LENGTH",
    "INSTALL_TEXT",
    "LONGER",
    "POOLINGS",
    "TASK_HEADS",
    "HeadFields",
    "HeadKind",
    "Pooling",
    "as_network",
    "build_text_network",
    "encoder_width",
    "import_transformers",
    "network_document",
    "stored_pooling",
    "text_contract",
]
