"""A text longer than the model is read whole, in windows whose answers become one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import edge_runtime
from edge_runtime.errors import BundleError, InputError
from edge_runtime.tasks import TASKS
from edge_runtime.text.windows import OVERLAP, windows_of

LONG = "please send two of them . where is it ? " * 7
SHORT = "where is my größe ?"


@pytest.mark.parametrize("edges", [(1, 1), (0, 1), (2, 3), (0, 0)])
@pytest.mark.parametrize("size", [7, 12, 64])
def test_windows_hold_every_token_with_company(size: int, edges: tuple[int, int]) -> None:
    before, after = edges
    room = size - before - after
    for length in [*range(before + after + 1, 2 * size), 3 * size, 1000]:
        row = np.arange(length)
        rows, (window, place) = windows_of(row, size, edges)
        assert rows.shape[1] == min(length, size) and len(rows) <= 1 + length // (room // 2)
        assert (rows[window, place] == row).all()
        assert (rows[:, :before] == row[:before]).all()
        assert (rows[:, rows.shape[1] - after :] == row[length - after :]).all()
        inner = rows[:, before : rows.shape[1] - after]
        assert (np.diff(inner, axis=1) == 1).all()
        assert all(left[-1] - right[0] + 1 >= room // OVERLAP for left, right in pairwise(inner))
        # A token at a cut has another window where it stands further from the end.
        behind = np.minimum(place - before, rows.shape[1] - 1 - after - place)[before : length - after]
        cut = slice(room // 2, max(length - before - after - room // 2, room // 2))
        assert (behind[cut] >= room // OVERLAP // 2 - 1).all()


@pytest.fixture(scope="module", params=["cpu-int8", "cpu-fp32"])
def model(request: pytest.FixtureRequest) -> edge_runtime.Model:
    make = request.getfixturevalue("windowed_archive")
    return edge_runtime.load(make, variant=request.param)


def test_a_long_text_is_answered_by_all_its_tokens(model: edge_runtime.Model) -> None:
    row = model.preprocess(LONG)
    assert len(row) == 72 > model.manifest.preprocessing.max_length  # type: ignore[union-attr]
    rows, (window, _) = windows_of(row, 12, (1, 1))
    alone = np.concatenate([model.infer(one[None]) for one in rows])
    counted = np.bincount(window)
    assert counted.sum() == 72 and len(set(counted)) > 1
    expected = (alone * counted[:, None]).sum(axis=0) / 72
    np.testing.assert_allclose(model.infer(row[None])[0], expected, rtol=1e-6)
    assert model.predict(LONG).score == pytest.approx(model.postprocess(expected[None])[0].score, abs=1e-6)


def test_a_list_of_long_and_short_texts_is_answered_as_its_items_alone(model: edge_runtime.Model) -> None:
    texts = [LONG, SHORT, "", LONG[40:], "it"]
    together, alone = model.predict(texts), [model.predict(text) for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label and one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
        exact = one.probabilities.tobytes() == other.probabilities.tobytes()
        assert exact or model.variant.name != "cpu-int8"


def test_short_texts_are_answered_as_by_a_model_that_cuts(model: edge_runtime.Model, text_archive: bytes) -> None:
    cutting = edge_runtime.load(text_archive, variant=model.variant.name)
    assert model.predict(SHORT).probabilities.tobytes() == cutting.predict(SHORT).probabilities.tobytes()
    assert model.predict(LONG).probabilities.tobytes() != cutting.predict(LONG).probabilities.tobytes()


def test_spans_are_found_to_the_end(make_tagging_draft: Any) -> None:
    text = "when " * 9 + "two my my when when is . " + "where " * 30 + "größes my"
    for variant in ("cpu-fp32", "cpu-int8"):
        model = edge_runtime.load(make_tagging_draft(truncation="window").archive(), variant=variant)
        for answer in (model.predict(text), *model.predict([SHORT, text, ""])[1:2]):
            found = [(one.label, one.text) for one in answer.entities or ()]
            assert found == [("it", "two my my"), ("who", "is"), ("it", "größes my")]
            assert all(text[one.start : one.end] == one.text for one in answer.entities or ())
        with pytest.raises(InputError, match="at most 65536"):
            model.infer(np.ones((1, 65537), dtype=np.int64))


def test_several_labels_are_those_of_any_window() -> None:
    parts = np.array([[2.0, -3, -1], [-4, -2, 5]], dtype=np.float32)
    owner = np.array([0, 0, 0, 1]), np.arange(4)
    assert TASKS["text-multilabel"].join(parts, owner).tolist() == [2, -2, 5]
    assert TASKS["text-classification"].join(parts, owner).tolist() == [0.5, -2.75, 0.5]


def test_an_embedding_stays_of_length_one() -> None:
    parts = np.array([[1.0, 0], [0, 1]], dtype=np.float32)
    joined = TASKS["text-embedding"].join(parts, (np.array([0, 0, 0, 1]), np.arange(4)))
    assert joined == pytest.approx(np.array([3, 1]) / np.sqrt(10)) and joined.dtype == np.float32


def test_the_golden_vectors_are_read_in_windows_too(windowed_archive: bytes) -> None:
    report = edge_runtime.selftest(windowed_archive)
    assert report.passed and report.cases == 8


def test_contracts_that_leave_no_room_are_refused(make_text_draft: Any) -> None:
    draft = make_text_draft(truncation="window")
    tokenizer = draft.files["tokenizer.json"].decode()
    draft.spoil(tokenizer.replace('"single":[', '"single":[' + '{"SpecialToken":{"id":"[CLS]","type_id":0}},' * 12, 1))
    with pytest.raises(BundleError, match="windows of 12 tokens hold no text"):
        edge_runtime.load(draft.archive())
