"""A text bundle: exact tokens, answers that no batch mate changes, and one clear line for what is no text."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime import InputError, ModelSlot, SchemaError, load, selftest
from edge_runtime.errors import BundleError, IntegrityError
from edge_runtime.manifest import manifest_from_json, manifest_to_json
from edge_runtime.preprocessing import make_preprocessor, preprocessing_from_dict

pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "edge-runtime[text]"')

MESSAGES = (
    "Where is my größe?",
    "",
    "it broke",
    "中" * 40,
    "please send two of them . " * 2,
    "🎉",
    "[PAD] it",
    "\x00\u202eit",
)


def test_a_list_is_answered_as_its_items_alone_bit_for_bit(text_archive: bytes) -> None:
    model = load(text_archive, variant="cpu-int8")
    together, alone = model.predict([*MESSAGES]), [model.predict(text) for text in MESSAGES]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label and one.probabilities.tobytes() == other.probabilities.tobytes()
    # Padded rows that a caller batched by hand are trimmed and answered one by one too.
    rows = [model.preprocess(text) for text in MESSAGES]
    batch = np.zeros((len(rows), 12), np.int64)
    for row, ids in zip(batch, rows, strict=True):
        row[: len(ids)] = ids
    assert model.infer(batch).tobytes() == np.concatenate([model.infer(ids[None]) for ids in rows]).tobytes()


def test_texts_of_like_length_share_a_batch_and_come_back_in_order(text_archive: bytes, monkeypatch: Any) -> None:
    model = load(text_archive, variant="cpu-fp32")
    seen: list[tuple[int, ...]] = []
    infer = model.infer
    monkeypatch.setattr(model, "infer", lambda batch: seen.append(batch.shape) or infer(batch))
    texts = ["it", "please send two of them"] * 32
    answers = model.predict(texts)
    assert seen == [(32, 3), (32, 7)]  # no batch is padded to another one's longest
    monkeypatch.undo()
    assert [one.label for one in answers] == [model.predict(text).label for text in texts]
    assert np.allclose([one.score for one in answers], [model.predict(text).score for text in texts], atol=1e-6)


def test_what_the_contract_says_overrules_the_tokenizer_file(text_archive: bytes, make_text_draft: Any) -> None:
    model = load(text_archive)
    assert model.preprocess("it").tolist() == [2, 9, 3]  # the file would pad to 7
    assert len(model.preprocess("it " * 99)) == 12  # the file would cut at 5
    strict = load(make_text_draft(truncation="error").archive())
    assert len(strict.preprocess("it " * 10)) == 12
    with pytest.raises(InputError, match=r"^item 1 of the list: text of 297 characters: 101 tokens"):
        strict.predict(["it", "it " * 99])


def test_bytes_and_files_are_texts_too(text_archive: bytes, tmp_path: Path) -> None:
    model = load(text_archive)
    file = tmp_path / "message.txt"
    file.write_text("\ufeffWhere is my größe?", encoding="utf-8")
    expected = model.predict("Where is my größe?").to_dict()
    assert model.predict(file).to_dict() == model.predict("Where is my größe?".encode()).to_dict() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"caf\xe9", "4 bytes: not UTF-8 text"),
        ("a\ud800", "text of 2 characters: not UTF-8 text"),
        (7, "int: cannot be a text"),
        (None, "NoneType: cannot be a text"),
        (np.zeros(3), "ndarray: cannot be a text"),
        (Path("none.txt"), "none.txt: cannot be read"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line_that_shows_none_of_it(
    text_archive: bytes, given: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(text_archive).predict(given)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_a_list_is_cut_where_padding_would_cost_more_than_a_batch(
    text_archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(text_archive, variant="cpu-fp32")
    texts = ["it " * (at % 10) for at in range(40)]  # of 2 to 11 tokens
    expected = [model.predict(text).label for text in texts]
    seen: list[Any] = []
    ask = model._ask
    monkeypatch.setattr(model, "_ask", lambda batch: (seen.append(batch), ask(batch))[1])
    assert [answer.label for answer in model.predict(texts)] == expected
    assert sum(map(len, seen)) == 40 and max(map(len, seen)) > 4
    for batch in seen:
        lengths = (batch != 0).sum(axis=1)
        assert lengths.max() == batch.shape[1] <= 1.35 * lengths.min()
    on_gpu = list(model._preprocessor.batches(texts, None, 40, False))
    assert [batch.shape for _, batch in on_gpu] == [(40, 11)]


def test_batches_that_are_no_tokens_are_refused(text_archive: bytes) -> None:
    model = load(text_archive)
    for batch in (np.zeros((1, 3), np.float32), np.zeros((0, 3), np.int64), np.zeros(3, np.int64)):
        with pytest.raises(InputError, match="whole numbers"):
            model.infer(batch)
    for batch in (np.array([[2, 99]]), np.array([[-1, 2]])):
        with pytest.raises(InputError, match="token numbers"):
            model.infer(batch)
    with pytest.raises(InputError, match="13 tokens"):
        model.infer(np.full((1, 13), 2))
    with pytest.raises(InputError, match="color"):
        model.predict("it", color="rgb")


def test_the_self_test_holds_every_token(text_archive: bytes, make_text_draft: Any) -> None:
    assert selftest(text_archive).passed
    draft = make_text_draft()
    golden = json.loads(draft.files["golden.json"])
    golden["cases"][1]["tensor_sha256"] = "0" * 64
    draft.files["golden.json"] = json.dumps(golden).encode()
    report = selftest(draft.archive())
    assert report.failures == tuple(
        f"{variant}, golden/odd.txt: preprocess: the tensor differs" for variant in ("cpu-int8", "cpu-fp32")
    )


def test_another_tokenizer_is_another_content_and_a_changed_one_is_refused(make_text_draft: Any) -> None:
    draft = make_text_draft()
    first = draft.manifest().content_id
    draft.files["tokenizer.json"] = draft.files["tokenizer.json"].replace(b"broke", b"works")
    with pytest.raises(BundleError, match=r"tokenizer\.json: SHA-256"):
        load(draft.archive())
    changed = dataclasses.replace(draft.contract, tokenizer_sha256="0" * 64)
    assert dataclasses.replace(draft, contract=changed).manifest().content_id != first
    archive = bytearray(make_text_draft().archive())
    at = archive.index(b"broke")
    archive[at] ^= 1
    with pytest.raises(IntegrityError):
        load(bytes(archive))


def test_a_file_that_is_no_tokenizer_is_refused(make_text_draft: Any) -> None:
    import hashlib

    draft = make_text_draft()
    contract = dataclasses.replace(draft.contract, tokenizer_sha256=hashlib.sha256(b"{}").hexdigest())
    with pytest.raises(BundleError, match=r"^tokenizer.json: tokenizers cannot read it"):
        make_preprocessor(contract, lambda path: b"{}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_length", 3),
        ("vocabulary", 0),
        ("pad_id", 20),
        ("tokenizer_sha256", "x"),
        ("truncation", "start"),
        ("kind", 1),
    ],
)
def test_a_contract_that_makes_no_sense_names_its_field(make_text_draft: Any, field: str, value: Any) -> None:
    document = make_text_draft().contract.to_dict() | {field: value}
    with pytest.raises(SchemaError, match=rf"^preprocessing\.{field}: "):
        preprocessing_from_dict(document)


def test_the_manifest_holds_task_and_input_to_the_contract(make_text_draft: Any) -> None:
    manifest = make_text_draft().manifest()
    document = json.loads(manifest_to_json(manifest))
    assert manifest_from_json(json.dumps(document).encode()) == manifest
    with pytest.raises(SchemaError, match=r"^preprocessing\.kind: "):
        manifest_from_json(json.dumps(document | {"task": "image-classification"}).encode())
    for name, value in (("dtype", "int32"), ("shape", [4, "length"]), ("shape", ["n", 12]), ("shape", ["n"])):
        spoiled = json.loads(json.dumps(document))
        spoiled["variants"][0]["inputs"][0][name] = value
        with pytest.raises(SchemaError, match=rf"^variants\[0\]\.inputs\[0\]\.{name}: "):
            manifest_from_json(json.dumps(spoiled).encode())


def test_several_labels_a_text(make_text_draft: Any) -> None:
    draft = make_text_draft()
    draft.task = "text-multilabel"
    draft.add_golden()
    answer = load(draft.archive(), variant="cpu-fp32").predict("it broke")
    assert answer.names == tuple(label for label, score in answer.top(3) if score > 0.5)


def test_a_text_model_serves_pickles_and_answers_from_the_command_line(text_archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "messages.edge"
    path.write_bytes(text_archive)
    slot = ModelSlot(path, latency_budget_ms=10_000)
    expected = slot.predict("it broke")
    again = pickle.loads(pickle.dumps(slot.model))  # noqa: S301 - our own
    assert again.predict("it broke").label == expected.label
    command = [sys.executable, "-m", "edge_runtime", str(path), "it broke", "中", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [one["label"] for one in json.loads(done.stdout)] == [expected.label, slot.predict("中").label]
