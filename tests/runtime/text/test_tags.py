"""Tags on words become spans with places in the text as it was given."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge_runtime
from edge_runtime.errors import BundleError, EdgeError, InputError, SchemaError

TAGS = ("O", "B-it", "I-it", "B-who", "I-who")


@pytest.fixture(scope="module")
def tagging_archive(make_tagging_draft: Any) -> bytes:
    archive: bytes = make_tagging_draft().archive()
    return archive


@pytest.fixture(scope="module", params=["cpu-int8", "cpu-fp32"])
def model(request: pytest.FixtureRequest, tagging_archive: bytes) -> edge_runtime.Model:
    return edge_runtime.load(tagging_archive, variant=request.param)


def _spans(answer: edge_runtime.Prediction) -> list[tuple[str, int, int, str]]:
    assert answer.entities is not None
    return [(one.label, one.start, one.end, one.text) for one in answer.entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("größes my", [("it", 0, 9, "größes my")]),  # the first piece decides: ##s alone would say who
        ("two two", [("it", 0, 3, "two"), ("it", 4, 7, "two")]),  # a B- ends what went before
        ("my when", [("it", 0, 2, "my")]),  # an I- without a B- begins a span
        ("is my", [("who", 0, 2, "is"), ("it", 3, 5, "my")]),  # and so does one of another kind
        ("two when my", [("it", 0, 3, "two"), ("it", 9, 11, "my")]),  # O ends a span
        ("🎉🎉 two\r\n my", [("who", 0, 2, "🎉🎉"), ("it", 3, 11, "two\r\n my")]),  # characters, not UTF-16 or bytes
        ("\u202eש two", [("who", 1, 2, "ש"), ("it", 3, 6, "two")]),
        ("中中 when", [("who", 0, 1, "中"), ("who", 1, 2, "中")]),
        ("[SEP] two [PAD][CLS]", [("it", 6, 9, "two")]),  # spelled special tokens are no words
        ("when where", []),
        ("", []),
        ("\u3000 two \t", [("it", 2, 5, "two")]),
        ("when " * 9 + "two my my my", [("it", 45, 48, "two")]),  # cut at max_length
    ],
)  # fmt: skip
def test_spans(text: str, expected: list[Any], model: edge_runtime.Model) -> None:
    answer = model.predict(text)
    assert _spans(answer) == expected
    assert all(text[start:end] == words for _, start, end, words in expected)
    assert answer.names == tuple(label for label, *_ in expected)
    assert answer.label == "|".join(f"{label} {start}-{end}" for label, start, end, _ in expected)
    assert json.loads(json.dumps(answer.to_dict()))["entities"] == [
        {"label": one.label, "start": one.start, "end": one.end, "text": one.text, "score": one.score}
        for one in answer.entities or ()
    ]


def test_combining_marks_stay_with_their_letter(model: edge_runtime.Model) -> None:
    assert _spans(model.predict("e\u0301 when")) == [("who", 0, 2, "e\u0301")]


def test_the_score_is_that_of_the_least_sure_word(model: edge_runtime.Model) -> None:
    answer = model.predict("two my")
    assert answer.entities is not None
    sure = answer.probabilities.max(axis=1)
    assert sure[0] != sure[1] and answer.entities[0].score == sure.min() == answer.score
    assert model.predict("").score == 1.0 and model.predict("").top() == []


def test_bytes_and_files_are_placed_in_what_they_decode_to(model: edge_runtime.Model, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff🎉 two".encode())
    for given in (path.read_bytes(), path, "🎉 two"):
        assert _spans(model.predict(given)) == [("who", 0, 1, "🎉"), ("it", 2, 5, "two")]


def test_a_list_equals_single_calls_to_the_bit(model: edge_runtime.Model) -> None:
    texts = ["two my my my it broke", "", "größes", "中", "is of of when"] * 10
    for one, other in zip(model.predict(texts), map(model.predict, texts), strict=True):
        assert one.label == other.label and one.probabilities.tobytes() == other.probabilities.tobytes()
    with pytest.raises(InputError, match="item 1 of the list"):
        model.predict(["two", b"\xff"])


def test_stages_by_hand_give_the_same(model: edge_runtime.Model) -> None:
    texts = ["two my when it", "中"]
    rows = [model.preprocess(text) for text in texts]
    logits = model.infer(np.stack([np.pad(row, (0, len(rows[0]) - len(row))) for row in rows]))
    assert logits.shape == (2, len(rows[0]), len(TAGS))
    assert [one.label for one in model.postprocess(logits, texts)] == [model.predict(text).label for text in texts]
    with pytest.raises(InputError, match="2 answers and 0 texts"):
        model.postprocess(logits)


def test_golden_texts_hold_the_spans(tagging_archive: bytes, make_tagging_draft: Any) -> None:
    assert edge_runtime.selftest(tagging_archive).passed
    draft = make_tagging_draft()
    golden = json.loads(draft.files["golden.json"])
    golden["cases"][0]["label"]["cpu-fp32"] = "it 0-2"
    draft.files["golden.json"] = json.dumps(golden).encode()
    report = edge_runtime.selftest(draft.archive())
    assert [failure.split(":")[1:2] for failure in report.failures] == [[" postprocess"]]


def test_no_byte_can_change(tagging_archive: bytes) -> None:
    """Some hundred bytes, each set to another value: refused before anything is answered."""
    for at in range(0, len(tagging_archive), 71):
        changed = tagging_archive[:at] + bytes([tagging_archive[at] ^ 0x5A]) + tagging_archive[at + 1 :]
        with pytest.raises(BundleError):
            edge_runtime.load(changed, variant="cpu-fp32")


@pytest.mark.parametrize(
    ("labels", "answers", "message"),
    [
        (("O", "B-it", "I-it", "B-who", "who"), ("length", 5), "labels\\[4\\]"),
        (("O", "B-", "I-it", "B-who", "I-who"), ("length", 5), "labels\\[1\\]"),
        (TAGS, (5,), "outputs"),
        (TAGS, ("length", 4), "outputs"),
        (TAGS, (12, 5), "outputs"),
    ],
)
def test_lying_manifests_are_refused(labels: Any, answers: Any, message: str, make_tagging_draft: Any) -> None:
    draft = make_tagging_draft()
    draft.labels, draft.answers = labels, answers
    with pytest.raises(SchemaError, match=message):
        draft.archive()


def test_what_a_model_may_answer_is_bounded(make_tagging_draft: Any) -> None:
    draft = make_tagging_draft()
    draft.contract = replace(draft.contract, max_length=1 << 16)
    draft.labels = ("O", *(f"B-{at}" for at in range(64)))
    draft.answers = ("length", 65)
    with pytest.raises(SchemaError, match="at most 4194304 values"):
        draft.archive()


def test_a_graph_that_answers_another_shape_is_refused(make_tagging_draft: Any, make_text_draft: Any) -> None:
    draft = make_tagging_draft()
    draft.files["cpu-fp32.onnx"] = make_text_draft().files["cpu-fp32.onnx"]
    with pytest.raises(BundleError, match="answered"):
        edge_runtime.load(draft.archive(), variant="cpu-fp32").predict("two")


def _with_tokenizer(draft: Any, **parts: Any) -> bytes:
    """Return the archive of a draft whose tokenizer's file has other parts."""
    data = json.dumps(json.loads(draft.files["tokenizer.json"]) | parts).encode()
    draft.files["tokenizer.json"] = data
    draft.contract = replace(draft.contract, tokenizer_sha256=hashlib.sha256(data).hexdigest())
    archive: bytes = draft.archive()
    return archive


@pytest.mark.parametrize(
    "pre_tokenizer",
    [
        None,
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": False},
    ],
    ids=["none", "ByteLevel", "Metaspace", "Split"],
)
def test_no_span_is_empty_where_blanks_are_tokens(pre_tokenizer: Any, make_tagging_draft: Any) -> None:
    archive = _with_tokenizer(make_tagging_draft(), pre_tokenizer=pre_tokenizer, normalizer=None)
    model = edge_runtime.load(archive, variant="cpu-fp32")
    for text in (" ", "two my", "  my  two ", "\n\u0301", "zz \u0301 zz", ""):
        assert all(start < end and text[start:end] == said for _, start, end, said in _spans(model.predict(text)))


def test_a_mark_that_is_a_word_belongs_to_one_span_alone(model: edge_runtime.Model) -> None:
    assert _spans(model.predict("中\u0301")) == [("who", 0, 1, "中"), ("who", 1, 2, "\u0301")]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"normalizer": {"type": "Replace", "pattern": {"Regex": "(.*?,){30}x"}, "content": "y"}}, "secret," * 60),
        ({"model": {"type": "WordLevel", "vocab": {"it": 0}, "unk_token": "none"}}, "secret"),
    ],
    ids=["panic", "exception"],
)
def test_a_tokenizer_that_fails_is_one_line_that_shows_no_text(parts: Any, text: str, make_tagging_draft: Any) -> None:
    model = edge_runtime.load(_with_tokenizer(make_tagging_draft(), **parts), variant="cpu-fp32")
    for given in (text, [text]):
        with pytest.raises(
            BundleError, match=r"tokenizer\.json: tokenizers fails on text of \d+ characters; "
        ) as caught:
            model.predict(given)
        assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_makes_tokenizers_panic_is_refused(make_tagging_draft: Any) -> None:
    junk = {"type": "Precompiled", "precompiled_charsmap": "/////w=="}
    with pytest.raises(BundleError, match=r"^tokenizer\.json: tokenizers cannot read it \(Precompiled"):
        edge_runtime.load(_with_tokenizer(make_tagging_draft(), normalizer=junk))


def test_a_text_that_would_take_all_memory_is_refused(model: edge_runtime.Model) -> None:
    with pytest.raises(InputError, match=r"^item 1 of the list: text of 4,194,305 characters: at most 4,194,304 "):
        model.predict(["it", b"x" * ((1 << 22) + 1)])


ODD = (
    "two", "my", "is", "of", "größe", "##s", "中", "[PAD]", "[SEP]", "[CLS]", " ", "  ", "\t", "\r\n", "\u0301",
    "\ufe0f", "\u202e", "\x00", "\x85", "\u200d", "🎉", "👨‍👩‍👧", "İ", "ﬁ", "ẞ", "\ufeff", "\ud800", "?",
)  # fmt: skip
"""What tokenizers, offsets and encodings trip over."""


def _random_input(chooser: random.Random) -> str | bytes:
    text = "".join(chooser.choice(ODD) for _ in range(chooser.randrange(14)))
    if chooser.random() < 0.3:
        return chooser.randbytes(chooser.randrange(12)) + text.encode("utf-8", "surrogatepass")
    return text


def test_whatever_is_asked_spans_lie_in_their_text_and_a_list_answers_as_its_items(model: edge_runtime.Model) -> None:
    chooser, answered, refused = random.Random(0), 0, 0
    for _ in range(1500):
        inputs = [_random_input(chooser) for _ in range(chooser.randrange(1, 6))]
        alone = []
        for one in inputs:
            try:
                alone.append(model.predict(one))
            except EdgeError as error:
                assert "\n" not in str(error)
                refused += 1
                continue
            text, last = one if isinstance(one, str) else one.decode("utf-8-sig"), 0
            for entity in alone[-1].entities or ():
                assert last <= entity.start < entity.end <= len(text)
                assert text[entity.start : entity.end] == entity.text
                last = entity.end
        answered += len(alone)
        if len(alone) < len(inputs):
            with pytest.raises(EdgeError):
                model.predict(inputs)
            continue
        together = model.predict(inputs)
        assert [_spans(one) for one in together] == [_spans(one) for one in alone]
        if model.variant.name == "cpu-int8":  # one at a time
            assert [one.probabilities.tobytes() for one in together] == [one.probabilities.tobytes() for one in alone]
    assert answered > 1500 and refused > 150
