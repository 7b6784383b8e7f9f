"""What `predict` adds to its stages by hand, and that no tensor is copied on its way."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import edge_runtime
from edge_benchmarks.timing import interleave
from edge_runtime import Model
from edge_runtime.preprocessing import Resize

SIDE = 256
TENSOR = 3 * SIDE * SIDE * 4
"""Bytes of one input of the model."""


@pytest.fixture
def model(make_draft: Any, make_model: Any, make_variant: Any, contract: Any) -> Model:
    """Takes frames of 256x256 pixels as they are."""
    draft = make_draft(variants=[make_variant()])
    draft.contract = replace(
        contract, resize=Resize(SIDE, SIDE, "exact", "bilinear"), crop_width=SIDE, crop_height=SIDE
    )
    (entry,) = draft.variants[0].inputs
    draft.variants = [replace(draft.variants[0], inputs=(replace(entry, shape=("n", 3, SIDE, SIDE)),))]
    draft.files = {"models/cpu-fp32.onnx": make_model(side=SIDE), "golden/golden.json": b"{}"}
    draft.add_golden()
    return edge_runtime.load(draft.archive(), threads=1)


@pytest.fixture
def frames() -> list[Any]:
    return [np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for seed in range(4)]


def _by_hand(model: Model, frames: list[Any]) -> list[tuple[str, float]]:
    tensors = [model.preprocess(frame)[None] for frame in frames]
    batch = tensors[0] if len(tensors) == 1 else np.concatenate(tensors)
    logits = model.session.run(["logits"], {"image": batch})[0]
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    return [(model.labels[int(row.argmax())], float(row.max())) for row in probabilities]


@pytest.mark.parametrize("count", [1, 4])
def test_predict_is_as_quick_as_its_stages(count: int, model: Model, frames: list[Any]) -> None:
    """The figure (`python figures runtime overhead`) is 2 % or 50 us; here a busy machine gets 15 %."""
    some = frames[:count]
    given: Any = some[0] if count == 1 else some
    arms: dict[str, Callable[[], object]] = {
        "predict": lambda: model.predict(given, color="rgb"),
        "hand": lambda: _by_hand(model, some),
    }
    answers = model.predict(some, color="rgb")
    assert [answer.label for answer in answers] == [label for label, _ in _by_hand(model, some)]
    timings = interleave(arms, seconds=0.5, warmup_seconds=0.1, clock=time.thread_time_ns)
    assert timings.ratio("predict", "hand").low < 1.15


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_copied_twice(count: int, model: Model, frames: list[Any]) -> None:
    """Beside the tensor that ONNX Runtime reads there is room for numpy's indices of a channel, not for another."""
    given: Any = frames[0] if count == 1 else frames[:count]
    for color in ("rgb", "bgr"):
        model.predict(given, color=color)
        tracemalloc.start()
        try:
            model.predict(given, color=color)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert count * TENSOR <= peak < (count + 0.75) * TENSOR  # 64-bit indices of a channel are 2/3


def test_onnxruntime_reads_the_tensor_where_it_was_written(
    model: Model, frames: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    ask = model._ask
    monkeypatch.setattr(model, "_ask", lambda tensor: (seen.append(tensor), ask(tensor))[1])
    model.predict(frames[0], color="rgb")
    model.predict(frames, color="rgb")
    assert [tensor.flags.c_contiguous for tensor in seen] == [True, True]
    assert [tensor.shape[0] for tensor in seen] == [1, 4]
