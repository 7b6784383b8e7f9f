"""From a CSV to a bundle that answers: training, export, int8, the verdict, and the commands on top."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge_export.capture import Captured, capture
from edge_export.config import ExportConfig, ExportResult, Outcome
from edge_export.optimize.older_opset import OLDER_OPSET, opset_of
from edge_export.run import read_run
from edge_export.sessions import predictor
from edge_export.twins import SUFFIX, is_twin
from edge_pipeline import evaluate, export, train
from edge_pipeline.training import TrainConfig
from edge_pipeline.training.presets import config_from
from edge_runtime import load, selftest
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import InputError

pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')


def config(encoder: Path, **changes: object) -> TrainConfig:
    fast = {"model": str(encoder), "epochs": 12, "learning_rate": 3e-3, "precision": "fp32", "patience": None}
    return config_from("text", fast | changes)


@pytest.fixture(scope="module")
def run(tiny_encoder: Path, messages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "full"
    result = train(messages, folder, config(tiny_encoder))
    assert result.metrics["test"]["top1"] > 0.95
    return folder


@pytest.fixture(scope="module")
def captured(run: Path) -> Captured:
    return capture(str(run))


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    out = tmp_path_factory.mktemp("bundles") / "messages.edge"
    asked = ExportConfig(quantize="int8", search_time=0, timing_seconds=0.5, keep_fp32=True, fallback="fp32")
    return export(run, out, config=asked)


def test_the_graph_answers_as_the_network_at_every_batch_and_length(captured: Captured) -> None:
    assert captured.parity.batches == (1, 2, 7, 8) and captured.parity.largest_difference < 1e-3
    assert {node.op_type for node in captured.model.graph.node} >= {"Attention", "LayerNormalization"}
    assert [one.name for one in captured.model.graph.input] == ["input"]


def test_the_bundle_holds_what_was_trained(exported: ExportResult, run: Path, tiny_encoder: Path) -> None:
    assert exported.bundle is not None and exported.outcome in (Outcome.SHIPPED, Outcome.FALLBACK)
    model = load(exported.bundle, variant="cpu-fp32")
    contract = model.manifest.preprocessing
    assert contract == read_run(run).preprocessing and contract.max_length == 48  # type: ignore[union-attr]
    assert selftest(exported.bundle).passed
    assert str(tiny_encoder.parent) not in str(model.manifest)
    assert model.predict("where is my box").label == "question"
    tokens = exported.report["timed_tokens"]
    page = exported.report_html.read_text(encoding="utf-8")
    assert 3 < tokens < 20 and f"a text of {tokens} tokens" in page


def test_int8_answers_a_list_as_its_items_alone(captured: Captured) -> None:
    from edge_export.candidates import make_baseline, make_int8
    from edge_export.quantize import RECIPES

    graph, _, _ = make_baseline(captured)
    made = make_int8(graph, RECIPES["dynamic"], None)
    preprocess = captured.preprocessor()
    texts = ["when", "it is broken . " * 5, "", "please send two of my box"]
    rows = [preprocess(text) for text in texts]
    answer = predictor(made.model, threads=1, options=made.session, read=captured.reader())
    alone = [answer(row[np.newaxis]) for row in rows]
    assert answer(preprocess.stack(rows)).tobytes() == np.concatenate(alone).tobytes()
    assert made.in_int8 >= 12  # four products of a layer's attention and two more, in two layers
    assert len(made.model) < 0.5 * len(captured.model.SerializeToString())


def test_evaluation_counts_as_training_did(exported: ExportResult, run: Path, messages: Path) -> None:
    result = evaluate(str(exported.bundle), messages, variant="cpu-fp32")
    trained = read_run(run).metrics["test"]
    assert result.summary.n == trained["n"] and abs(result.summary.top1.estimate - trained["top1"]) < 0.01


def test_commands_take_texts(exported: ExportResult) -> None:
    command = [sys.executable, "-m", "edge_pipeline", "run", str(exported.bundle), "it is broken", "\udce9", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=False)
    first, second = json.loads(done.stdout)
    assert first["label"] == "complaint" and "not UTF-8" in second["error"] and done.returncode == 1


def test_commands_take_tables_of_texts(exported: ExportResult, tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text('id,body\n1,it is broken\n2,"where\nis my box"\n', encoding="utf-8")
    command = [sys.executable, "-m", "edge_pipeline", "run", str(exported.bundle), str(table), "--text", "body"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t")[:2] for line in done.stdout.splitlines()]
    assert rows == [["it is broken", "complaint"], ["where is my box", "question"]]
    assert f"{table}: a table, 2 texts" in done.stderr


def test_a_directory_of_transformers_is_a_source(run: Path, tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    from edge_export.capture.run_source import load_network

    network, saved = load_network(run, read_run(run)), tmp_path / "saved"
    config = transformers.AutoConfig.from_pretrained(tiny_encoder, id2label=dict(enumerate(read_run(run).labels)))
    theirs = transformers.BertForSequenceClassification(config)
    theirs.bert.load_state_dict(network.encoder.state_dict(), strict=False)  # type: ignore[union-attr]
    with torch.no_grad():  # their pooler ends in a tanh, which small values pass as they are
        theirs.bert.pooler.dense.weight.copy_(torch.eye(64) / 100)
        theirs.bert.pooler.dense.bias.zero_()
        theirs.classifier.weight.copy_(network.head.linear.weight * 100)  # type: ignore[union-attr, operator]
        theirs.classifier.bias.copy_(network.head.linear.bias)  # type: ignore[union-attr, arg-type]
    theirs.save_pretrained(saved)
    transformers.AutoTokenizer.from_pretrained(tiny_encoder).save_pretrained(saved)
    result = export(saved, tmp_path / "saved.edge", data=messages, config=ExportConfig(timing_seconds=0.5))
    assert result.outcome is Outcome.SHIPPED and result.report["source"] == "huggingface"
    assert load(result.bundle).predict("it is broken").label == "complaint"  # type: ignore[arg-type]


@pytest.mark.parametrize("quantize", ["none", pytest.param("int8", marks=pytest.mark.slow)])
def test_a_bundle_for_older_onnxruntimes_has_twins(
    run: Path, tmp_path: Path, older_pythons: list[Path], monkeypatch: pytest.MonkeyPatch, quantize: Any
) -> None:
    monkeypatch.setattr("edge_export.twins.SECONDS", 0.1)
    asked = ExportConfig(
        quantize=quantize, search_time=0, timing_seconds=0.2, keep_fp32=quantize != "none", fallback="fp32",
        compatible=True, runtimes=tuple(older_pythons),
    )  # fmt: skip
    bundle = export(run, tmp_path / "twins.edge", config=asked).bundle
    assert bundle is not None and selftest(bundle).passed
    opened = open_bundle(bundle)
    variants = {one.name: one for one in opened.manifest.variants}
    twins = {name for name in variants if is_twin(name)}  # that of int8 ships by its own verdict on time
    assert f"cpu-fp32{SUFFIX}" in twins <= {f"{name}{SUFFIX}" for name in variants}
    texts = ["where is my box", "it is broken . " * 5, "", "please send two of my box"]
    for name in twins:
        twin, own = (load(bundle, variant=one, threads=1) for one in (name, name.removesuffix(SUFFIX)))
        said, expected = ([one.probabilities for one in model.predict(texts)] for model in (twin, own))
        np.testing.assert_allclose(said, expected, atol=1e-5 if twin.variant.precision == "fp32" else 0.1)
        opsets = [opset_of(onnx.load_from_string(opened.read(one.variant.file))) for one in (twin, own)]
        assert opsets == [OLDER_OPSET, 23]
        oldest, needed = twin.variant.onnxruntime_min, own.variant.onnxruntime_min
        assert bool(oldest) == bool(older_pythons) and not needed.startswith("1.22.")


@pytest.mark.slow
def test_several_labels_go_all_the_way(tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    import csv

    with messages.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    table = tmp_path / "several.jsonl"
    with table.open("w", encoding="utf-8") as stream:
        for one, other in zip(rows, [*rows[3:], *rows[:3]], strict=True):
            if one["split"] == other["split"]:
                labels = sorted({one["label"], *([other["label"]] if len(one["text"]) % 2 else [])})
                text = one["text"] + (f" {other['text']}" if len(one["text"]) % 2 else "")
                stream.write(json.dumps({"text": text, "label": labels, "split": one["split"]}) + "\n")
    run = train(table, tmp_path / "run", config(tiny_encoder, multilabel=True, epochs=6)).run
    assert read_run(run).task == "text-multilabel"
    result = export(run, tmp_path / "several.edge", config=ExportConfig(timing_seconds=0.5))
    answer = load(result.bundle).predict("where is my box")  # type: ignore[arg-type]
    assert result.outcome is Outcome.SHIPPED and set(answer.names) <= {"complaint", "order", "question"}
    assert evaluate(str(result.bundle), table).summary.multilabel


def test_a_bundle_can_be_looked_into_and_taken_apart(exported: ExportResult, tmp_path: Path) -> None:
    from edge_pipeline.unpacking import unpack

    _, written = unpack(str(exported.bundle), tmp_path / "plain")
    assert "tokenizer.json" in written and "without padding" in (tmp_path / "plain" / "README.md").read_text()
    command = [sys.executable, "-m", "edge_pipeline", "inspect", str(exported.bundle)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "texts of at most 48 tokens" in shown


def load_weights(run: Path) -> dict[str, object]:
    from safetensors.torch import load_file

    return dict(load_file(run / "weights.safetensors"))


def test_a_frozen_encoder_stays_and_its_head_learns(tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    asked = config(tiny_encoder, freeze="backbone", pooling="mean", learning_rate=3e-2)
    run = train(messages, tmp_path / "frozen", asked).run
    before = load_file(tiny_encoder / "model.safetensors")
    before = {name: tensor for name, tensor in before.items() if not name.startswith("pooler.")}
    after = load_weights(run)
    kept = [name for name in before if bool((after[f"encoder.{name}"] == before[name]).all())]  # type: ignore[attr-defined]
    assert len(kept) == len(before) and read_run(run).metrics["test"]["top1"] > 0.4
    assert not (run / "features").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 64}, "--size is for images"),
        ({"freeze": "stages:2"}, "--freeze stages:2"),
        ({"freeze": "backbone", "lora": 4}, "--freeze backbone"),
        ({"lora": 4, "adalora": 4}, "give one of them"),
        ({"keep_adapters": True}, "--keep-adapters"),
        ({"max_length": 64}, "takes at most 48 tokens"),
        ({"max_length": 3}, "--max-length 3"),
        ({"model": "/nowhere/at-all"}, "no such directory"),
    ],
)
def test_choices_that_do_not_fit_texts_are_one_line(
    tiny_encoder: Path, messages: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train(messages, tmp_path / "run", config(tiny_encoder, **changes))


def test_a_tokenizer_that_does_not_fit_is_one_line(tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    document = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(document | {"vocab_size": 9}))
    with pytest.raises(InputError, match="they do not fit"):
        train(messages, tmp_path / "run", replace(config(tiny_encoder), model=str(folder)))
