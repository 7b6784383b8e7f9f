"""A small bundle that answers texts: a real tokenizer and a real graph, made in memory."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_runtime.bundle import canonical_archive, content_id, digest_line
from edge_runtime.golden import tensor_sha256
from edge_runtime.manifest import (
    DIGEST_NAME,
    MANIFEST_NAME,
    Manifest,
    TensorInfo,
    Variant,
    file_entry,
    manifest_to_json,
)
from edge_runtime.preprocessing import TextPreprocessing, make_preprocessor
from edge_runtime.tasks import TASKS, predictions

LABELS = ("complaint", "order", "question")
WORDS = (
    "please",
    "send",
    "two",
    "of",
    "them",
    "it",
    "broke",
    "when",
    "where",
    "is",
    "my",
    "?",
    ".",
    "##s",
    "größe",
    "中",
)
MAX_LENGTH = 12


def small_tokenizer() -> bytes:
    """Return a WordPiece tokenizer's file, as BERT's are."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: at for at, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    # What a training may have left in the file; the contract overrules it.
    tokenizer.enable_padding(length=7)
    tokenizer.enable_truncation(5)
    return tokenizer.to_str().encode()


def small_graph(batch: int | str, *, mean_over_batch: bool = False, seed: int = 1) -> bytes:
    """Mean of the tokens' rows without padding and a product; `mean_over_batch` lets batch mates count, as in int8."""
    random = np.random.default_rng(seed)
    size = len(WORDS) + 4
    nodes = [
        helper.make_node("Equal", ["input", "pad"], ["is_pad"]),
        helper.make_node("Not", ["is_pad"], ["used"]),
        helper.make_node("Cast", ["used"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Gather", ["table", "input"], ["rows"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "middle"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("MatMul", ["mean", "head"], ["plain" if mean_over_batch else "logits"]),
    ]
    if mean_over_batch:
        nodes += [
            helper.make_node("ReduceMax", ["plain"], ["largest"], keepdims=1),
            helper.make_node("Div", ["plain", "largest"], ["logits"]),
        ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.INT64, [batch, "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, len(LABELS)])],
        [
            numpy_helper.from_array(random.normal(0, 1, (size, 6)).astype(np.float32), "table"),
            numpy_helper.from_array(random.normal(0, 1, (6, len(LABELS))).astype(np.float32), "head"),
            numpy_helper.from_array(np.array(0), "pad"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


LONG = "please send two of them . where is it ? " * 3
TEXTS = {
    "golden/plain.txt": "Where is my größe?",
    "golden/odd.txt": "\u202e中 🎉 it broke [SEP]",
    "golden/empty.txt": "",
}


@dataclasses.dataclass
class TextDraft:
    """A text bundle before it is sealed."""

    files: dict[str, bytes]
    contract: TextPreprocessing
    task: str = "text-classification"
    labels: tuple[str, ...] = LABELS
    answers: tuple[int | str, ...] = (len(LABELS),)

    def manifest(self) -> Manifest:
        variants = tuple(
            Variant(
                name,
                f"{name}.onnx",
                "int8" if batch == 1 else "fp32",
                "cpu",
                (TensorInfo("input", "int64", (batch, "length")),),
                (TensorInfo("logits", "float32", (batch, *self.answers)),),
                exact=False,
                tolerance=1e-4,
            )
            for name, batch in (("cpu-int8", 1), ("cpu-fp32", "n"))
        )
        entries = tuple(file_entry(path, self.files[path]) for path in sorted(self.files))
        plain: Any = {"recipe": {}, "provenance": {}, "golden": "golden.json", "content_id": "", "version": "1"}
        made = Manifest(
            task=self.task,  # type: ignore[arg-type]
            name="messages", labels=self.labels, preprocessing=self.contract, variants=variants, files=entries, **plain,
        )  # fmt: skip
        return dataclasses.replace(made, content_id=content_id(made))

    def spoil(self, tokenizer: str) -> None:
        """Put another tokenizer in, and let the contract say so."""
        self.files["tokenizer.json"] = tokenizer.encode()
        digest = hashlib.sha256(tokenizer.encode()).hexdigest()
        self.contract = dataclasses.replace(self.contract, tokenizer_sha256=digest)

    def archive(self) -> bytes:
        data = manifest_to_json(self.manifest())
        digest = digest_line(hashlib.sha256(data).hexdigest())
        return canonical_archive({MANIFEST_NAME: data, DIGEST_NAME: digest, **self.files})

    def add_golden(self) -> None:
        import onnxruntime

        manifest = self.manifest()
        preprocess = make_preprocessor(self.contract, self.files.__getitem__)
        cases = []
        texts = TEXTS if self.contract.truncation == "error" else TEXTS | {"golden/long.txt": LONG}
        for path, text in texts.items():
            self.files[path] = text.encode()
            ids = preprocess(text)
            traces = [preprocess.trace(text)]
            case: dict[str, Any] = {"input": path, "tensor_sha256": tensor_sha256(ids)}
            case |= {"logits": {}, "label": {}, "score": {}}
            for variant in manifest.variants:
                session = onnxruntime.InferenceSession(self.files[variant.file], providers=["CPUExecutionProvider"])
                size = 1 if variant.inputs[0].shape[0] == 1 else 8

                def run(batch: Any, session: Any = session, size: int = size) -> Any:
                    parts = [batch[at : at + size] for at in range(0, len(batch), size)]
                    return np.concatenate([session.run(None, {"input": part})[0] for part in parts])

                logits = preprocess.ask(ids[None], run, TASKS[manifest.task].join)
                answer = predictions(logits, manifest, variant, traces)[0]
                case["logits"][variant.name] = [float(value) for value in logits.ravel()]
                case["label"][variant.name], case["score"][variant.name] = answer.label, answer.score
            cases.append(case)
        self.files["golden.json"] = json.dumps({"schema": 1, "cases": cases}).encode()


def new_text_draft(**changes: Any) -> TextDraft:
    """Return a complete bundle of two variants; `changes` go to the contract."""
    tokenizer = small_tokenizer()
    digest = hashlib.sha256(tokenizer).hexdigest()
    contract = TextPreprocessing(digest, len(WORDS) + 4, 0, MAX_LENGTH)
    files = {
        "tokenizer.json": tokenizer,
        "cpu-int8.onnx": small_graph(1, mean_over_batch=True),
        "cpu-fp32.onnx": small_graph("n"),
        "golden.json": b"{}",
    }
    draft = TextDraft(files, dataclasses.replace(contract, **changes))
    draft.add_golden()
    return draft


@pytest.fixture
def make_text_draft() -> Any:
    """Makes text bundles that a test may spoil."""
    return new_text_draft


@pytest.fixture(scope="module")
def windowed_archive() -> bytes:
    """A bundle that reads long texts in windows, with one among its golden texts."""
    return new_text_draft(truncation="window").archive()


@pytest.fixture(scope="module")
def text_archive() -> bytes:
    """A text bundle as one file's bytes."""
    return new_text_draft().archive()


TAGS = ("O", "B-it", "I-it", "B-who", "I-who")
TAG_OF = {"größe": 1, "##s": 4, "my": 2, "is": 3, "of": 4, "中": 3, "two": 1, "them": 2}
"""Piece to the place of its tag; any other piece has O."""


def tagging_graph(batch: int | str, *, by_neighbors: bool = False) -> bytes:
    """One row of logits a token: 5 for its own tag; `by_neighbors` lets batch mates count, as in int8."""
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS)
    table = np.zeros((len(pieces), len(TAGS)), dtype=np.float32)
    for at, piece in enumerate(pieces):
        table[at, TAG_OF.get(piece, 3 if piece in ("[UNK]", "[CLS]", "[SEP]") else 0)] = 5 - at / 10
    nodes = [helper.make_node("Gather", ["table", "input"], ["plain" if by_neighbors else "logits"])]
    if by_neighbors:
        nodes += [
            helper.make_node("ReduceMean", ["plain"], ["mean"], keepdims=1),
            helper.make_node("Sub", ["plain", "mean"], ["logits"]),
        ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("input", TensorProto.INT64, [batch, "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, "length", len(TAGS)])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def tagging_draft(**changes: Any) -> TextDraft:
    draft = new_text_draft(**changes)
    draft.task, draft.labels, draft.answers = "text-tokens", TAGS, ("length", len(TAGS))
    draft.files |= {"cpu-int8.onnx": tagging_graph(1, by_neighbors=True), "cpu-fp32.onnx": tagging_graph("n")}
    draft.add_golden()
    return draft


@pytest.fixture(scope="session")
def make_tagging_draft() -> Any:
    """Makes bundles that tag the words of texts."""
    return tagging_draft
