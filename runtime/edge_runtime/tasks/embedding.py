"""An embedding: the row of numbers itself; what it means is for who compares it with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.prediction import Prediction
from edge_runtime.tasks.one_label import mean

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Manifest, Variant

_NONE = np.zeros(0)


def embedding(rows: npt.NDArray[Any], manifest: Manifest, _: Variant, __: object) -> list[Prediction]:
    """Turn `(n, width)` float32 rows into `n` answers."""
    return [Prediction("", 1.0, False, _NONE, (), manifest.content_id, embedding=row) for row in rows]


def of_length_one(parts: npt.NDArray[Any], owner: Any) -> Any:
    """Join windows' embeddings: their mean, as long as each of them."""
    joined = mean(parts, owner)
    return joined / np.linalg.norm(joined)
