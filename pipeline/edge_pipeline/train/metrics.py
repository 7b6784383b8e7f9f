"""What the test split says about the trained network, and what it can say at all."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TestSummary:
    """Accuracy on test."""

    metrics: dict[str, Any]
    confusion: "NDArray[np.int64] | None"
    """Rows are the truth, columns the answers; None for multilabel data."""

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as a JSON-ready dictionary."""
        return self.metrics


def promise(test: Sized | None) -> str:
    """Say in one line what this much test data can prove."""
    n = len(test) if test is not None else 0
    if not n:
        return "no test split: no gate can conclude anything; add one (edge takes 10-20 % of a flat folder)"
    return f"{n:,} test items"


def summarize_test(
    targets: "NDArray[Any]", logits: "NDArray[np.float32]", labels: tuple[str, ...], multilabel: bool
) -> TestSummary:
    """Summarize."""
    from scipy.stats import binomtest
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    answers = (logits > 0).astype(int) if multilabel else logits.argmax(1)
    right = int((answers == targets).all(axis=1).sum() if multilabel else (answers == targets).sum())
    interval = binomtest(right, len(targets)).proportion_ci(0.95, "wilson")
    every = range(len(labels))
    columns = precision_recall_fscore_support(targets, answers, labels=list(every), zero_division=0)
    per_class = [
        {"label": labels[i], "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
        for i, (p, r, f, s) in enumerate(zip(*columns, strict=True))
    ]
    metrics = {
        "n": len(targets),
        "top1": right / len(targets),
        "interval": [float(interval.low), float(interval.high)],
        "macro_f1": sum(row["f1"] for row in per_class) / len(per_class),
        "per_class": per_class,
    }
    return TestSummary(metrics, None if multilabel else confusion_matrix(targets, answers, labels=list(every)))
