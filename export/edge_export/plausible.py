"""Is this model's idea of the labels the data's? Answers no better than guessing mean that they are not alike."""

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_export.candidates import BASELINE
from edge_export.capture import Captured
from edge_runtime.errors import InputError


def check_plausible(val: Answers, captured: Captured) -> None:
    """Refuse a source whose fp32 answers on labeled val cannot be told from guessing.

    A run is spared: its labels and its preprocessing are those that it was trained with. So is data with several
    labels an image or with spans, where a guess is not one of a known number, and so are embeddings, which know no
    labels.

    Raises:
        InputError: the 95 % interval of the accuracy reaches down to one in as many as there are labels.
    """
    if captured.provenance["source"] == "run" or val.reference or val.multilabel or val.cosines or val.tags:
        return
    right = val.right(BASELINE)
    accuracy = wilson_interval(int(right.sum()), len(right))
    chance = 1 / len(captured.labels)
    if accuracy.low <= chance:
        raise InputError(
            f"the fp32 model is right on {int(right.sum()):,} of {len(right):,} val items, and guessing among "
            f"{len(captured.labels)} labels gives {chance:.1%}: the labels may stand in another order than the "
            "model's outputs (--labels FILE), or --preprocess is not what it was trained with"
        )
