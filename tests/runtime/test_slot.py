"""A model in service: what may take over, what never does, and that no call notices."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edge_runtime
from edge_runtime import Model, ModelSlot, Prediction
from edge_runtime.errors import (
    BundleError,
    EdgeError,
    EdgeWarning,
    InputError,
    IntegrityError,
    RefusedError,
    SelfTestError,
)


@pytest.fixture
def make_bundle(make_draft: Any, make_model: Any, make_variant: Any) -> Callable[..., bytes]:
    """Makes complete bundles that answer differently by seed."""

    def make(seed: int = 3, **changes: Any) -> bytes:
        draft = make_draft(variants=[make_variant()], **changes)
        draft.files = {"models/cpu-fp32.onnx": make_model(seed=seed), "golden/golden.json": b"{}"}
        draft.add_golden()
        return draft.archive()  # type: ignore[no-any-return]

    return make


@pytest.fixture
def bundles(make_bundle: Callable[..., bytes], tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "first.edge", tmp_path / "second.edge"
    for seed, path in enumerate(paths):
        path.write_bytes(make_bundle(seed))
    return paths


def test_a_replacement_takes_over_and_rolls_back(bundles: tuple[Path, Path], make_picture: Any) -> None:
    slot = ModelSlot(bundles[0], threads=1)
    image, first = make_picture(1), slot.model
    before = slot.predict(image)
    assert slot.previous is None
    assert slot.replace(bundles[1]) is True
    after = slot.predict(image)
    assert slot.previous is first and after.content_id == slot.model.content_id != before.content_id
    assert (
        after.probabilities.tobytes() == edge_runtime.load(bundles[1], threads=1).predict(image).probabilities.tobytes()
    )

    assert slot.rollback() is slot.model is first
    assert slot.predict([image])[0].probabilities.tobytes() == before.probabilities.tobytes()
    with pytest.raises(InputError, match="no earlier model is kept"):
        slot.rollback()


def test_the_bundle_that_serves_is_not_loaded_again(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    slot = ModelSlot(bundles[0])
    model = slot.model
    copy = tmp_path / "copy.edge"
    copy.write_bytes(bundles[0].read_bytes())
    assert slot.replace(copy) is False
    assert slot.model is model and slot.previous is None


def _spoiled(make_draft: Any, make_variant: Any) -> bytes:
    """A signed bundle whose model does not give its golden answers."""
    draft = make_draft(variants=[make_variant()])
    draft.files["models/cpu-fp32.onnx"] = draft.files["models/cpu-int8.onnx"]
    return draft.archive()  # type: ignore[no-any-return]


def test_what_does_not_hold_never_serves(
    bundles: tuple[Path, Path], make_bundle: Any, make_draft: Any, make_variant: Any, make_picture: Any, tmp_path: Path
) -> None:
    slot = ModelSlot(bundles[0], threads=1)
    model, answer = slot.model, slot.predict(make_picture(2))
    flipped = bytearray(bundles[1].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    relabeled = make_bundle(7, labels=("cat", "dog", "größe", "fox", "owl"))
    refusals: list[tuple[type[EdgeError], Any, dict[str, Any], str]] = [
        (InputError, tmp_path / "none.edge", {}, "no such bundle"),
        (IntegrityError, bytes(flipped), {}, "copy"),
        (IntegrityError, bundles[1], {"sha256": "0" * 64}, "is required"),
        (BundleError, b"rubbish" * 100, {}, "not an edge bundle"),
        (SelfTestError, _spoiled(make_draft, make_variant), {}, "logits differ"),
        (RefusedError, relabeled, {}, "label 3 is 'fox', 'owl' is expected; give expect_labels"),
        (RefusedError, bundles[1], {"expect_labels": ["cat"]}, "5 labels, 1 are expected"),
    ]
    for kind, source, options, words in refusals:
        with pytest.raises(kind, match=words):
            slot.replace(source, **options)
        assert slot.model is model and slot.previous is None
    assert slot.predict(make_picture(2)).probabilities.tobytes() == answer.probabilities.tobytes()
    assert slot.replace(relabeled, expect_labels=("cat", "dog", "größe", "fox", "owl"))
    assert slot.model.labels[3] == "fox"


def test_the_first_bundle_is_proven_too(make_draft: Any, make_variant: Any) -> None:
    with pytest.raises(SelfTestError, match="logits differ"):
        ModelSlot(_spoiled(make_draft, make_variant))


def test_a_latency_budget(bundles: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    slot = ModelSlot(bundles[0], latency_budget_ms=1e6)
    monkeypatch.setattr("edge_runtime.slot.measure_latency", lambda model: 2e6)
    with pytest.raises(RefusedError, match=r"2e\+06 ms an answer on this machine, the budget is 1e\+06 ms"):
        slot.replace(bundles[1])
    assert slot.model.content_id == edge_runtime.load(bundles[0]).content_id
    monkeypatch.undo()
    with pytest.raises(RefusedError, match="the budget is 1e-09 ms"):
        ModelSlot(bundles[0], latency_budget_ms=1e-9)
    with pytest.raises(InputError, match="latency_budget_ms=0"):
        ModelSlot(bundles[0], latency_budget_ms=0)


def test_threads_never_notice_a_replacement(bundles: tuple[Path, Path], make_picture: Any) -> None:
    images = [make_picture(seed) for seed in range(4)]
    expected: dict[tuple[str, int], bytes] = {}
    for path in bundles:
        model = edge_runtime.load(path, threads=1)
        for at, image in enumerate(images):
            expected[model.content_id, at] = model.predict(image).probabilities.tobytes()
    slot = ModelSlot(bundles[0], threads=1)
    stop, wrong, answered = threading.Event(), [], [0] * 4

    def hammer(worker: int) -> None:
        while not stop.is_set():
            for at, image in enumerate(images):
                answer = slot.predict(image)
                if answer.probabilities.tobytes() != expected.get((answer.content_id, at)):
                    wrong.append(answer)
            content_ids = {answer.content_id for answer in slot.predict(images)}
            if len(content_ids) != 1:
                wrong.append(content_ids)
            answered[worker] += 1

    workers = [threading.Thread(target=hammer, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    try:
        for swap in range(1, 51):
            assert slot.replace(bundles[swap % 2])
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert wrong == [] and min(answered) > 0


def test_the_model_before_the_last_is_let_go(bundles: tuple[Path, Path]) -> None:
    slot = ModelSlot(bundles[0])
    first = weakref.ref(slot.model.session)
    slot.replace(bundles[1])
    gc.collect()
    assert first() is not None, "kept for a rollback"
    second = weakref.ref(slot.model.session)
    slot.replace(bundles[0])
    gc.collect()
    assert first() is None and second() is not None
    slot.rollback()
    gc.collect()
    assert second() is not None and slot.model.session is second()


def test_the_hook_sees_each_answer_and_cannot_break_serving(bundles: tuple[Path, Path], make_picture: Any) -> None:
    seen: list[Prediction] = []
    slot = ModelSlot(bundles[0], on_prediction=seen.append)
    answers = [slot.predict(make_picture(0)), *slot.predict([make_picture(1), make_picture(2)])]
    assert seen == answers

    def broken(_: Prediction) -> None:
        raise OSError("the disk is full")

    slot = ModelSlot(bundles[0], on_prediction=broken)
    with pytest.warns(EdgeWarning, match="on_prediction raised OSError: the disk is full") as caught:
        assert [slot.predict(make_picture(0)).label for _ in range(3)] == [answers[0].label] * 3
    assert len(caught) == 1 and caught[0].filename == __file__
    slot = ModelSlot(bundles[0], on_prediction=broken)
    assert slot.predict(make_picture(0)).label == answers[0].label  # not even as an error


def test_the_slot_carries_models(bundles: tuple[Path, Path]) -> None:
    assert isinstance(ModelSlot(bundles[0], variant="cpu-fp32").model, Model)
    with pytest.raises(InputError, match="no such variant"):
        ModelSlot(bundles[0], variant="cpu-int4")
