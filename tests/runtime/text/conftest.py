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
from edge_runtime.tasks import predictions

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

    def manifest(self) -> Manifest:
        variants = tuple(
            Variant(
                name,
                f"{name}.onnx",
                "int8" if batch == 1 else "fp32",
                "cpu",
                (TensorInfo("input", "int64", (batch, "length")),),
                (TensorInfo("logits", "float32", (batch, len(LABELS))),),
                exact=False,
                tolerance=1e-4,
            )
            for name, batch in (("cpu-int8", 1), ("cpu-fp32", "n"))
        )
        entries = tuple(file_entry(path, self.files[path]) for path in sorted(self.files))
        plain: Any = {"recipe": {}, "provenance": {}, "golden": "golden.json", "content_id": "", "version": "1"}
        made = Manifest(
            task=self.task,  # type: ignore[arg-type]
            name="messages", labels=LABELS, preprocessing=self.contract, variants=variants, files=entries, **plain,
        )  # fmt: skip
        return dataclasses.replace(made, content_id=content_id(made))

    def archive(self) -> bytes:
        data = manifest_to_json(self.manifest())
        digest = digest_line(hashlib.sha256(data).hexdigest())
        return canonical_archive({MANIFEST_NAME: data, DIGEST_NAME: digest, **self.files})

    def add_golden(self) -> None:
        import onnxruntime

        manifest = self.manifest()
        preprocess = make_preprocessor(self.contract, self.files.__getitem__)
        cases = []
        for path, text in TEXTS.items():
            self.files[path] = text.encode()
            ids = preprocess(text)
            case: dict[str, Any] = {"input": path, "tensor_sha256": tensor_sha256(ids)}
            case |= {"logits": {}, "label": {}, "score": {}}
            for variant in manifest.variants:
                session = onnxruntime.InferenceSession(self.files[variant.file], providers=["CPUExecutionProvider"])
                logits = session.run(None, {"input": ids[None]})[0]
                answer = predictions(logits, manifest, variant)[0]
                case["logits"][variant.name] = [float(value) for value in logits[0]]
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
def text_archive() -> bytes:
    """A text bundle as one file's bytes."""
    return new_text_draft().archive()
