"""Long texts from a table to a device: what tells them apart may stand far behind what the model reads at once."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_export.capture import SourceOptions, capture
from edge_export.config import ExportConfig, Outcome
from edge_pipeline import evaluate, export, train
from edge_pipeline.training import TrainConfig
from edge_pipeline.training.presets import config_from
from edge_runtime import load, selftest
from edge_runtime.errors import InputError

pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')

FILLER = ("the", "part", "it", "is", "my", "box", "two", "of", "please", ".")
KINDS = {"complaint": "broken", "order": "send", "question": "when"}
LENGTH = 16


def config(encoder: Path, **changes: object) -> TrainConfig:
    fast = {"model": str(encoder), "epochs": 6, "learning_rate": 3e-3, "precision": "fp32", "patience": None}
    return config_from("text", fast | {"max_length": LENGTH, "truncation": "window", "pooling": "mean"} | changes)


def _letter(chooser: random.Random, kind: str) -> tuple[str, int]:
    """Write a text of up to a hundred words in which one word in five tells its kind, none of the first fifteen."""
    words = [chooser.choice(FILLER) for _ in range(chooser.randrange(20, 100))]
    for at in range(LENGTH, len(words)):
        if chooser.random() < 0.3 or at == LENGTH + 2:
            words[at] = KINDS[kind]
    return " ".join(words), len(words)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chooser = random.Random(0)
    path = tmp_path_factory.mktemp("letters") / "letters.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "split"])
        for split, count in (("train", 60), ("val", 45), ("test", 330)):
            for at in range(count):
                kind = sorted(KINDS)[at % 3]
                writer.writerow([_letter(chooser, kind)[0], kind, split])
    return path


@pytest.fixture(scope="module")
def run(tiny_encoder: Path, letters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "windows"
    train(letters, folder, config(tiny_encoder))
    return folder


def test_training_reads_to_the_end_and_a_model_that_cuts_cannot(
    run: Path, tiny_encoder: Path, letters: Path, tmp_path: Path
) -> None:
    found = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert found["preprocessing"]["truncation"] == "window"
    assert found["metrics"]["test"]["top1"] > 0.9
    cut = train(letters, tmp_path / "cut", config(tiny_encoder, truncation="end", epochs=1))
    assert cut.metrics["test"]["top1"] < 0.5  # the first fifteen words tell nothing


def test_a_bundle_answers_as_the_training_did(run: Path, letters: Path, tmp_path: Path) -> None:
    asked = ExportConfig(quantize="int8", search_time=0, timing_seconds=0.5, keep_fp32=True, fallback="fp32")
    done = export(run, tmp_path / "letters.edge", config=asked)
    assert done.bundle is not None and done.outcome in (Outcome.SHIPPED, Outcome.FALLBACK)
    assert selftest(done.bundle).passed
    model = load(done.bundle, variant="cpu-fp32")
    golden = json.loads(model.bundle.read("golden.json"))
    assert any(case["input"] == "golden/long.txt" for case in golden["cases"])
    trained = json.loads((run / "run.json").read_text(encoding="utf-8"))["metrics"]["test"]
    result = evaluate(str(done.bundle), letters, variant="cpu-fp32")
    assert abs(result.summary.top1.estimate - trained["top1"]) < 0.01
    text = "the box . " * 10 + "is it when . " * 10
    assert model.predict(text).label == "question"
    assert model.predict(["send", text])[1].label == "question"


def test_an_export_may_read_otherwise_than_the_training(run: Path) -> None:
    cut = capture(str(run), SourceOptions(truncation="end"))
    preprocess, text = cut.preprocessor(), "the box . " * 30
    assert len(preprocess(text)) == LENGTH and len(capture(str(run)).preprocessor()(text)) == 92
    with pytest.raises(InputError, match="leave out --pooling and --max-length"):
        capture(str(run), SourceOptions(max_length=8))


def test_a_frozen_encoder_joins_its_features(tiny_encoder: Path, letters: Path, tmp_path: Path) -> None:
    result = train(letters, tmp_path / "frozen", config(tiny_encoder, freeze="backbone", epochs=2))
    assert result.metrics["val"]["top1"] > 0.4 and result.metrics["test"]["n"] == 330


def test_an_export_names_the_text_that_it_must_refuse(run: Path, tmp_path: Path) -> None:
    options = SourceOptions(truncation="error")
    with pytest.raises(InputError, match=r"train item 1, text of .* tokens, 1 to 16 are expected; .*--truncation win"):
        export(run, tmp_path / "m.edge", config=ExportConfig(source=options))
    assert not (tmp_path / "m.edge").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truncation": "error"}, "train: item 1, text of .* tokens, 1 to 16 are expected.*--truncation"),
        ({"freeze": "backbone", "multilabel": True}, "largest of the windows"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    changes: dict[str, Any], message: str, tiny_encoder: Path, letters: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        train(letters, tmp_path / "run", config(tiny_encoder, **changes))


def test_spans_behind_the_longest_length_are_learned_and_found(tiny_encoder: Path, tmp_path: Path) -> None:
    chooser = random.Random(0)
    path = tmp_path / "spans.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for split, count in (("train", 60), ("val", 20), ("test", 40)):
            for _ in range(count):
                words = [chooser.choice(FILLER) for _ in range(chooser.randrange(30, 70))]
                for at in range(20, len(words), 9):
                    words[at] = "broken"
                text, spans, start = " ".join(words), [], 0
                for word in words:
                    if word == "broken":
                        spans.append({"start": start, "end": start + 6, "label": "damage"})
                    start += len(word) + 1
                stream.write(json.dumps({"text": text, "spans": spans, "split": split}) + "\n")
    result = train(path, tmp_path / "run", config(tiny_encoder, pooling=None, epochs=8))
    assert result.metrics["val"]["span_f1"] > 0.9
    done = export(tmp_path / "run", tmp_path / "m.edge", config=ExportConfig(timing_seconds=0.5, max_drop=0.2))
    model = load(done.bundle)  # type: ignore[arg-type]
    text = "the box . " * 40 + "broken it is"
    found = model.predict(text).entities
    assert found and text[found[0].start : found[0].end] == "broken"
    assert np.allclose(model.infer(model.preprocess(text)[None]).shape, (1, 125, 3))
