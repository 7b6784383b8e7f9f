"""Texts with spans, from JSON lines to a bundle that answers spans: training, int8, the verdict, the commands."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_export.config import ExportConfig, ExportResult, Outcome
from edge_export.quantize import RECIPES
from edge_export.run import read_run
from edge_pipeline import evaluate, export, train
from edge_pipeline.data import open_dataset
from edge_pipeline.training.presets import config_from
from edge_runtime import load, selftest
from edge_runtime.errors import InputError

pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')

FAULTS = ("broken", "late", "wrong", "bad", "missing")
WISHES = ("send", "want", "buy", "need", "get")
FILLER = ("the", "part", "it", "is", "my", "two", "of", "größe", "中", "please", "?", ".", "when", "where")


def _line(chooser: random.Random, split: str) -> dict[str, Any]:
    """A word of fault is a span; a wish and the box after it are one span of two words."""
    text, spans = "", []
    for _ in range(chooser.randrange(2, 9)):
        kind = chooser.choice(("", "", "fault", "wish"))
        words = {"fault": chooser.choice(FAULTS), "wish": f"{chooser.choice(WISHES)} box"}.get(kind)
        start = len(text) + bool(text)
        text += " " * bool(text) + (words or chooser.choice(FILLER))
        if kind:
            spans.append({"start": start, "end": len(text), "label": kind})
    return {"text": text, "spans": spans, "split": split, "group": f"{split} {chooser.randrange(40)}"}


@pytest.fixture(scope="module")
def entities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chooser, lines, seen = random.Random(0), [], set()
    for split, count in (("train", 240), ("val", 60), ("test", 330)):
        done = 0
        while done < count:
            line = _line(chooser, split)
            letters = "".join(letter for letter in line["text"] if letter.isalpha())
            if letters not in seen:
                seen.add(letters)
                lines.append(json.dumps(line, ensure_ascii=False))
                done += 1
    path = tmp_path_factory.mktemp("entities") / "entities.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tiny_encoder: Path, entities: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tags"
    fast = {"model": str(tiny_encoder), "epochs": 6, "learning_rate": 3e-3, "precision": "fp32", "patience": None}
    result = train(entities, folder, config_from("text", fast))
    assert result.metrics["test"]["span_f1"]["estimate"] > 0.95
    return folder


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    out = tmp_path_factory.mktemp("bundles") / "entities.edge"
    # Of all recipes the quickest to make that needs ranges; that they compete is tested on whole texts.
    asked = ExportConfig(quantize="int8", recipe=RECIPES["fixed"], timing_seconds=0.5, keep_fp32=True, fallback="fp32")
    return export(run, out, config=asked)


def test_the_run_tells_spans(run: Path) -> None:
    metrics = read_run(run).metrics
    assert set(metrics["val"]) == {"loss", "span_f1"}
    assert [row["label"] for row in metrics["test"]["per_class"]] == ["fault", "wish"]
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "By kind of span" in report and "words with each tag" in report


def test_the_bundle_answers_spans(exported: ExportResult) -> None:
    assert exported.bundle is not None and exported.outcome in (Outcome.SHIPPED, Outcome.FALLBACK)
    assert selftest(exported.bundle).passed
    model = load(exported.bundle, variant="cpu-fp32")
    assert model.labels == ("B-fault", "B-wish", "I-fault", "I-wish", "O")
    answer = model.predict("it is  broken,\r\nsend box")
    assert [(one.label, one.start, one.end, one.text) for one in answer.entities or ()] == [
        ("fault", 7, 13, "broken"), ("wish", 16, 24, "send box"),
    ]  # fmt: skip


def test_the_report_judges_sentences_and_says_what_span_f1_did(exported: ExportResult) -> None:
    report = exported.report
    assert report["measure"] == report["accuracy"]["measure"] == "all spans right"
    assert report["parity"]["largest_difference"] < 1e-3
    fp32, *_ = report["rows"]
    assert fp32["span_f1"]["low"] <= fp32["span_f1"]["estimate"] <= fp32["span_f1"]["high"]
    assert [one["label"] for one in fp32["spans"]] == ["fault", "wish"]
    drop = report["accuracy"]["span_f1_drop"]
    assert drop["low"] <= drop["estimate"] <= drop["high"]


def test_evaluation_counts_as_training_did(exported: ExportResult, run: Path, entities: Path) -> None:
    summary = evaluate(str(exported.bundle), entities, variant="cpu-fp32").summary
    trained = read_run(run).metrics["test"]
    assert summary.n == trained["n"] and summary.span_f1 is not None
    assert abs(summary.span_f1.estimate - trained["span_f1"]["estimate"]) < 0.01
    assert np.array(trained["confusion"]).sum() == summary.confusion.sum()


def test_commands_print_spans(exported: ExportResult) -> None:
    command = [
        sys.executable,
        "-m",
        "edge_pipeline",
        "run",
        str(exported.bundle),
        "--variant",
        "cpu-fp32",
        "it is late",
    ]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0]["entities"][0]["text"] == "late"
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "late" in done.stdout and "fault" in done.stdout and "6-10" in done.stdout
    command = [sys.executable, "-m", "edge_runtime", str(exported.bundle), "it is late"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("it is late\tfault 6-10\t")


def test_a_tagger_of_transformers_is_a_source(run: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    from edge_export.capture import capture
    from edge_export.capture.run_source import load_network

    network, ours = load_network(run, read_run(run)), capture(str(run))
    config = transformers.AutoConfig.from_pretrained(tiny_encoder, id2label=dict(enumerate(read_run(run).labels)))
    theirs = transformers.BertForTokenClassification(config)
    theirs.bert.load_state_dict(network.encoder.state_dict())  # type: ignore[union-attr]
    with torch.no_grad():
        theirs.classifier.weight.copy_(network.head.linear.weight)  # type: ignore[union-attr, operator]
        theirs.classifier.bias.copy_(network.head.linear.bias)  # type: ignore[union-attr, arg-type]
    theirs.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(tmp_path)
    captured = capture(str(tmp_path))
    assert (captured.task, captured.labels) == ("text-tokens", ours.labels)
    ids = captured.preprocessor()("it is late")[np.newaxis]
    np.testing.assert_allclose(captured.reference(ids), ours.reference(ids), atol=1e-5)  # type: ignore[misc]
    theirs.config.id2label = {0: "NOUN", 1: "VERB", 2: "B-x", 3: "I-x", 4: "O"}
    theirs.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="its labels are no tags"):
        capture(str(tmp_path))


def test_a_bundle_is_scored_on_spans_alone(exported: ExportResult, messages: Path) -> None:
    with pytest.raises(InputError, match="spans"):
        evaluate(str(exported.bundle), messages)


def _open(folder: Path, text: str, name: str = "a.conll") -> Any:
    (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return open_dataset(folder / name)


def test_columns_become_texts(tmp_path: Path) -> None:
    names = ("Ann", "Bob", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lea")
    blocks = [
        f"{name} B-per\nSmith I-per\nsaw O\n{at} O\n北 B-loc\n京 I-loc\n。 O\n\n" for at, name in enumerate(names)
    ]
    data = _open(tmp_path, "\r\n".join("".join(blocks).split("\n")))
    assert data.labels == ("B-loc", "B-per", "I-loc", "I-per", "O") and data.tagged
    texts = {text: spans for split in data.splits.values() for text, spans in split}
    assert texts["Ann Smith saw 0北京。"] == ((0, 9, "per"), (15, 17, "loc"))
    assert sorted(len(split) for split in data.splits.values()) == [2, 2, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a O\nb B-x\nc I-y\n", "line 3: I-y goes on after B-x, which is of another kind"),
        ("a O\nb\n", "line 2: 1 columns, 2 are expected"),
        ("a O\nb x B-x\n", "line 2: 3 columns, 2 are expected"),
        ("a O\nb S-x\n", "line 2: tag 'S-x'; write O, B-KIND or I-KIND"),
        ("\n\n", "no sentences"),
        ("a O\n\nb O\n\nc O\n", "no text has a span"),
        ("a O\n\udcff O\n", "line 2: not UTF-8"),
    ],
)
def test_broken_columns_are_one_clear_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _open(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([{"start": 0, "end": 9, "label": "x"}], "line 1: span 0-9 in a text of 5 characters"),
        ([{"start": 2, "end": 2, "label": "x"}], "line 1: span 2-2"),
        ([{"start": -1, "end": 2, "label": "x"}], "line 1: span -1-2"),
        ([{"start": 0, "end": True, "label": "x"}], "line 1: span 0-True"),
        ([{"start": 0, "end": 2, "label": ""}], "name its kind"),
        ([{"start": 0, "end": 3, "label": "x"}, {"start": 2, "end": 5, "label": "y"}], "spans 0-3 and 2-5 overlap"),
        ([{"start": 0, "end": 2, "label": "x", "id": 1}], "has \\['end', 'id', 'label', 'start'\\]"),
        ("x", "spans is str; write a list"),
    ],
)
def test_broken_spans_are_one_clear_line(spans: Any, message: str, tmp_path: Path) -> None:
    line = json.dumps({"text": "hello", "spans": spans})
    with pytest.raises(InputError, match=message):
        _open(tmp_path, line, "a.jsonl")


def test_unknown_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: entities is not known"):
        _open(tmp_path, json.dumps({"text": "hello", "spans": [], "entities": []}), "a.jsonl")


def test_what_a_tokenizer_cannot_say_counts_as_missed(tiny_encoder: Path, tmp_path: Path, entities: Path) -> None:
    """A span inside a word, and those behind the longest length of one sentence of 10,000 tokens."""
    from edge_benchmarks.accuracy import Span
    from edge_pipeline.models.encoders import load_encoder
    from edge_pipeline.training.tokens import TokenTargets
    from edge_runtime.text import TextPreprocessor

    encoder = load_encoder(str(tiny_encoder), ("B-x", "I-x", "O"), None, task="text-tokens")
    preprocess = TextPreprocessor(encoder.contract, encoder.tokenizer)
    long = "broken " * 10_000
    texts, spans = ["it is", long], [(Span(1, 2, "x"), Span(3, 5, "x")), (Span(0, 6, "x"), Span(69_993, 69_999, "x"))]
    made = TokenTargets(texts, spans, preprocess, ("B-x", "I-x", "O"))
    assert made.torn == ["t"] and made.cut == 1 and made.rows.shape == (2, 48 + 2)
    assert [(row >= 0).sum() for row in made.rows] == [2 + 2, 46 + 2] and (made.rows == 0).sum() == 4
    notes = made.notes("train")
    assert len(notes) == 2 and "inside a word of the tokenizer, such as 't'" in notes[0]
    with pytest.raises(InputError, match="no span begins and ends with a word"):
        TokenTargets(["it is"], [(Span(1, 2, "x"),)], preprocess, ("B-x", "I-x", "O"))
