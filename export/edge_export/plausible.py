"""Do the data fit this model? Not where it refuses their texts, nor where its answers are no better than guessing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_export.candidates import BASELINE
from edge_export.capture import Captured
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from edge_export.config import Samples


def check_readable(splits: "Mapping[str, Samples]", captured: Captured) -> None:
    """Refuse texts that the contract refuses before anything is made: no verdict can be had on them.

    Raises:
        InputError: with the first such text's split and place.
    """
    contract = captured.preprocessing
    if not isinstance(contract, TextPreprocessing) or contract.truncation != "error":
        return
    preprocess = captured.preprocessor()
    for name, samples in splits.items():
        for at, (text, _) in enumerate(samples, 1):
            try:
                preprocess(text)
            except InputError as error:
                raise InputError(f"{name} item {at}, {error}, leave it out, or give --truncation window") from error


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
