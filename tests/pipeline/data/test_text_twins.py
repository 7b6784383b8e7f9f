"""Texts that say nearly the same: found, kept together or told, and no others."""

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from edge_pipeline.data import open_dataset, text_twins
from edge_pipeline.data.text_twins import SIMILARITY, TextTwins, comparable

SYLLABLES = [first + vowel for first in "bcdfghjklmnprstvwz" for vowel in "aeiou"]


def sentence(chooser: random.Random, words: int = 14) -> str:
    return " ".join("".join(chooser.choices(SYLLABLES, k=chooser.randrange(1, 5))) for _ in range(words))


def pairs(texts: list[str]) -> dict[int, int]:
    everyone = np.arange(len(texts))
    return TextTwins([comparable(text) for text in texts]).near(everyone, everyone)


FAR = "something else that is long enough to be looked at, and says nothing of it"


@pytest.mark.parametrize(
    ("template", "one", "other"),
    [
        ("Your order {} was sent on Monday, call 0800 123 now", "1184", "97"),
        ("Dear {}, the invoice for your last order is attached to this mail", "Anna", "Tom"),
        ("the machine in hall two makes a {} noise every morning", "loud", "STRANGE"),
        ("这台笔记本电脑的外观不错性能稳定噪音不大对移动硬盘支持好{}放在了盘中", "驱动程序", "说明书"),
    ],
    ids=["number", "name", "word", "chinese"],
)
def test_a_number_a_name_or_a_word_changed_is_found(template: str, one: str, other: str) -> None:
    assert pairs([template.format(one), FAR, template.format(other)]) == {0: 2, 2: 0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Who is Duke Ellington ?", "Who is Duke Wellington ?"),
        ("call me at 5", "call me at 7"),
        ("What is the capital of Yugoslavia ?", "What is the capital of Zimbabwe ?"),
        (
            "What is the population of the capital of Yugoslavia ?",
            "What is the average height of people in the Andes ?",
        ),
    ],
)
def test_short_or_other_questions_are_no_twins(one: str, other: str) -> None:
    assert pairs([one, other]) == {}


def test_every_text_that_a_plain_comparison_finds_has_a_twin() -> None:
    """Texts with one to eight words changed: some on either side of the threshold."""
    chooser = random.Random(1)
    texts = []
    for _ in range(150):
        words = sentence(chooser, 18).split()
        changed = list(words)
        for at in chooser.sample(range(18), chooser.randrange(1, 9)):
            changed[at] = sentence(chooser, 1)
        texts += [" ".join(words), " ".join(changed)]
    sets = [{text[at : at + 4] for at in range(len(text) - 3)} for text in map(comparable, texts)]
    close = set()
    for one, left in enumerate(sets):
        alike = [len(left & right) >= SIMILARITY * len(left | right) for right in sets]
        if sum(alike) > 1:
            close.add(one)
    assert 20 < len(close) < 280 and set(pairs(texts)) == close


def test_texts_that_share_a_half_are_not_all_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    chooser = random.Random(2)
    half = sentence(chooser, 7)
    texts = [f"{half} {sentence(chooser, 7)}" for _ in range(400)]
    compared = []
    alike = TextTwins._alike
    monkeypatch.setattr(TextTwins, "_alike", lambda self, *pair: compared.append(pair) or alike(self, *pair))
    monkeypatch.setattr(text_twins, "BANDS", 1)
    monkeypatch.setattr(text_twins, "ROWS", 1)  # half of them meet in few buckets
    assert pairs(texts) == {}
    assert 400 < len(compared) < 9 * 400


def write(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def test_twins_stay_in_one_split_and_are_told_where_the_data_part_them(tmp_path: Path) -> None:
    chooser = random.Random(3)
    rows = []
    for at in range(60):
        text = sentence(chooser)
        rows += [(f"{text} {number}", "ab"[at % 2]) for number in (17, 4)]
    data = open_dataset(write(tmp_path / "a.csv", rows, ("text", "label")))
    assert data.report.near_duplicates == ()
    where: dict[str, set[str]] = {}
    for name, split in data.splits.items():
        for text, _ in split:
            where.setdefault(str(text).rpartition(" ")[0], set()).add(name)
    assert len(where) == 60 and all(len(names) == 1 for names in where.values())
    parted = [
        (text, label, "test" if at % 2 and at < 6 else "val" if at > 110 else "train")
        for at, (text, label) in enumerate(rows)
    ]
    report = open_dataset(write(tmp_path / "b.csv", parted, ("text", "label", "split"))).report
    (found,) = [one for one in report.near_duplicates if one.split == "test"]
    assert (found.other, found.count, found.of, found.examples[0]) == ("train", 3, 3, ("line 3", "line 2"))
    (line,) = [
        line for line in report.warnings if "3 of 3 test texts (100.0%) say nearly the same as one of train" in line
    ]
    assert "such as line 3 and line 2" in line and "--group" in line and rows[0][0] not in line
