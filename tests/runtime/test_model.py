"""The model: what it answers, and that it answers the same however it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import edge_runtime
from edge_runtime.model import MAX_BATCH


def test_predict_is_the_stages_by_hand(archive: Path, draft: Any, make_picture: Any) -> None:
    model = edge_runtime.load(archive, variant="cpu-fp32")
    image = make_picture(9)
    pixels = image.resize((36, 28), Image.Resampling.BICUBIC).crop((6, 2, 30, 26))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    tensor = ((np.asarray(pixels) / 255 - mean) / std).astype(np.float32).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(draft.files["models/cpu-fp32.onnx"], providers=["CPUExecutionProvider"])
    logits = session.run(None, {"image": tensor})[0][0].astype(np.float64)
    by_hand = np.exp(logits) / np.exp(logits).sum()

    answer = model.predict(image)

    assert answer.label == draft.labels[int(by_hand.argmax())]
    assert answer.probabilities == pytest.approx(by_hand, abs=1e-6)
    assert answer.score == answer.top(1)[0][1] == pytest.approx(by_hand.max(), abs=1e-6)
    assert [label for label, _ in answer.top(9)] == [draft.labels[at] for at in np.argsort(-by_hand)]
    assert answer.content_id == model.content_id == draft.manifest().content_id
    assert set(answer.to_dict()) == {"label", "score", "unknown", "top", "content_id"}


def test_all_kinds_of_input_agree(archive: Path, make_picture: Any, tmp_path: Path) -> None:
    model = edge_runtime.load(archive)
    image = make_picture(2)
    path = tmp_path / "with spaces é.png"
    image.save(path)
    rgb = np.asarray(image)
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    answers = model.predict([path, str(path), path.read_bytes(), image]) + [
        model.predict(rgb, color="rgb"),
        model.predict(bgr, color="bgr"),
    ]
    for answer in answers:
        assert answer.probabilities == pytest.approx(answers[0].probabilities, abs=1e-9)
    assert model.predict(rgb, color="bgr").probabilities != pytest.approx(answers[0].probabilities, abs=1e-3)


def test_list_is_singles_in_order(archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive)
    images = [make_picture(seed, (30 + seed % 7, 28 + seed % 5)) for seed in range(MAX_BATCH * 2 + 3)]
    together = model.predict(images)
    alone = [model.predict(image) for image in images]
    assert [answer.label for answer in together] == [answer.label for answer in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert model.predict([]) == []
    assert len({answer.label for answer in alone}) > 1
