"""What says which head a text network has, so that a run can build it again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from edge_runtime.errors import InputError

HeadKind = Literal["classify", "tag", "embed"]
Pooling = Literal["cls", "mean"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

TASK_HEADS: Mapping[str, HeadKind] = {
    "text-classification": "classify",
    "text-multilabel": "classify",
    "text-tokens": "tag",
    "text-embedding": "embed",
}
"""Task to the head that answers it."""


@dataclass(frozen=True)
class HeadFields:
    """Everything that a head is built of besides the encoder's width."""

    kind: HeadKind
    """A name of `edge_export.text_networks.heads.HEADS`."""
    outputs: int
    """Labels, or numbers of an embedding."""
    pooling: Pooling = "cls"
    """How tokens become a text: `cls` takes the first, `mean` the mean of all that are no padding. Tags need none."""
    dropout: float = 0.1
    """Share of the head's inputs that a training step leaves out."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "HeadFields":
        """Read what `to_dict` wrote.

        Raises:
            InputError: a field is missing, unknown, or has a value that it cannot have.
        """
        try:
            fields = cls(**document)
        except TypeError as error:
            raise InputError(f"head {dict(document)}: not what edge train writes ({error}); train again") from error
        if fields.kind not in get_args(HeadKind) or fields.pooling not in POOLINGS:
            raise InputError(f"head {fields.kind} with pooling {fields.pooling}: not known to this edge; train again")
        return fields
