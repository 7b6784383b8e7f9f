"""The model: what it answers, and that it answers the same however it is asked."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

import edge_runtime
from edge_runtime.errors import BundleError, EdgeWarning, InputError, IntegrityError
from edge_runtime.manifest import TensorInfo, Unknown
from edge_runtime.model import MAX_BATCH
from edge_runtime.prediction import sigmoid, softmax


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
    answers = model.predict([path, str(path), path.read_bytes(), image])
    answers += [model.predict(rgb, color="rgb"), model.predict(bgr, color="bgr")]
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


def test_a_list_may_mix_kinds(archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive)
    image = make_picture(2)
    bgr = np.asarray(image)[:, :, ::-1]
    first, second = model.predict((image, bgr), color="bgr")
    assert second.probabilities == pytest.approx(first.probabilities, abs=1e-9)


def test_a_variant_that_is_not_used_is_verified_too(directory: Path) -> None:
    assert edge_runtime.load(directory, variant="cpu-fp32")
    other = directory / "models/cpu-int8.onnx"
    other.write_bytes(other.read_bytes()[:-1] + b"\x00")
    with pytest.raises(IntegrityError, match=r"models/cpu-int8\.onnx is not what the manifest signed off"):
        edge_runtime.load(directory, variant="cpu-fp32")


def test_a_bad_item_of_a_list_is_named_by_place(archive: Path, make_picture: Any) -> None:
    model = edge_runtime.load(archive)
    with pytest.raises(InputError, match=r"item 1 of the list: 5 bytes.*not an image"):
        model.predict([make_picture(0), b"hello"])


def test_unknown_and_temperature(make_draft: Any, make_variant: Any, make_picture: Any) -> None:
    image = make_picture(4)
    plain = edge_runtime.load(make_draft(variants=[make_variant()]).archive()).predict(image)
    rule = Unknown(temperature=3.0, threshold=1.0, precision=0.99)
    model = edge_runtime.load(make_draft(variants=[make_variant(unknown=rule)]).archive())
    withheld = model.predict(image)
    logits = model.infer(model.preprocess(model.decode(image))[None])

    assert withheld.unknown and withheld.label == "unknown" and withheld.names == (plain.label,)
    assert withheld.top(1)[0][0] == plain.label
    assert withheld.probabilities == pytest.approx(softmax(logits / 3)[0], abs=1e-6)
    assert withheld.score < plain.score

    kept = make_draft(variants=[make_variant(unknown=replace(rule, threshold=withheld.score))])
    assert edge_runtime.load(kept.archive()).predict(image).label == plain.label


def test_several_labels_an_image(make_draft: Any, make_variant: Any, make_picture: Any) -> None:
    draft = make_draft(variants=[make_variant()], extra={"task": "image-multilabel"})
    model = edge_runtime.load(draft.archive())
    answers = [model.predict(make_picture(seed)) for seed in range(8)]
    for answer in answers:
        over = [at for at in np.argsort(-answer.probabilities) if answer.probabilities[at] > 0.5]
        assert answer.names == tuple(draft.labels[at] for at in over)
        assert answer.label == "|".join(answer.names) and not answer.unknown
    assert any(len(answer.names) > 1 for answer in answers)
    assert any(abs(answer.probabilities.sum() - 1) > 0.1 for answer in answers)


def test_softmax_and_sigmoid_hold_at_the_extremes() -> None:
    wild = np.array([[1e4, -1e4, 0.0]], dtype=np.float32)
    assert softmax(wild)[0] == pytest.approx([1, 0, 0])
    assert sigmoid(wild)[0] == pytest.approx([1, 0, 0.5])
    row = np.array([[0.3, -2.0, 5.0]])
    assert sigmoid(row)[0] == pytest.approx(1 / (1 + np.exp(-row[0])))


def test_the_first_variant_for_the_device_is_taken(archive: Path) -> None:
    assert edge_runtime.load(archive).variant.name == "cpu-int8"
    assert edge_runtime.load(archive, device="auto").variant.name == "cpu-int8"
    assert edge_runtime.load(archive, variant="cpu-fp32").variant.name == "cpu-fp32"
    with pytest.raises(InputError, match=r"cpu-int4.*cpu-int8, cpu-fp32"):
        edge_runtime.load(archive, variant="cpu-int4")
    with pytest.raises(BundleError, match="no variant for it; this bundle has cpu-int8"):
        edge_runtime.load(archive, device="cuda")
    with pytest.raises(InputError, match="tpu"):
        edge_runtime.load(archive, device="tpu")  # type: ignore[arg-type]


def test_a_provisional_bundle_says_so(make_draft: Any) -> None:
    with pytest.warns(EdgeWarning, match="animals 1.0.0 is provisional"):
        edge_runtime.load(make_draft(extra={"provisional": True}).archive())


def test_a_graph_with_a_fixed_batch_answers_lists(make_draft: Any, make_variant: Any, make_picture: Any) -> None:
    images = [make_picture(seed) for seed in range(5)]
    free = make_draft(variants=[make_variant()])
    fixed = make_draft(variants=[make_variant()])
    graph = onnx.load_from_string(fixed.files["models/cpu-fp32.onnx"])
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 2
    fixed.files["models/cpu-fp32.onnx"] = graph.SerializeToString()
    shapes = make_variant()
    fixed.variants = [
        replace(
            shapes,
            inputs=(replace(shapes.inputs[0], shape=(2, *shapes.inputs[0].shape[1:])),),
            outputs=(replace(shapes.outputs[0], shape=(2, *shapes.outputs[0].shape[1:])),),
        )
    ]
    expected = edge_runtime.load(free.archive()).predict(images)
    answers = edge_runtime.load(fixed.archive()).predict(images)
    for answer, other in zip(answers, expected, strict=True):
        assert answer.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_half_precision_variants_take_and_give_float32(make_draft: Any, make_variant: Any, make_picture: Any) -> None:
    draft = make_draft()
    graph = onnx.load_from_string(draft.files["models/cpu-fp32.onnx"])
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    draft.files["models/half.onnx"] = graph.SerializeToString()
    half = make_variant("cpu-fp16", "models/half.onnx", exact=False, tolerance=0.1, precision="fp16")
    image, logits = half.inputs[0], half.outputs[0]
    half = replace(half, inputs=(replace(image, dtype="float16"),), outputs=(replace(logits, dtype="float16"),))
    draft.variants = [half, make_variant()]
    data = draft.archive()
    low, full = (edge_runtime.load(data, variant=name) for name in ("cpu-fp16", "cpu-fp32"))
    image = make_picture(1)
    assert low.infer(low.preprocess(low.decode(image))[None]).dtype == np.float32
    assert low.predict(image).probabilities == pytest.approx(full.predict(image).probabilities, abs=0.02)


def test_what_the_manifest_says_of_the_graph_must_hold(make_draft: Any, make_variant: Any) -> None:
    wrong = (TensorInfo("pixels", "float32", ("n", 3, 24, 24)),)
    with pytest.raises(BundleError, match=r"models/cpu-fp32.onnx: inputs are .*image.*manifest says.*pixels"):
        edge_runtime.load(_with_variant(make_draft, make_variant(inputs=wrong)))
    with pytest.raises(BundleError, match=r"session option ep\.context_enable='1' is not allowed"):
        edge_runtime.load(_with_variant(make_draft, make_variant(session={"ep.context_enable": "1"})))


def _with_variant(make_draft: Any, variant: Any) -> bytes:
    draft = make_draft()
    draft.variants = [variant]
    return draft.archive()  # type: ignore[no-any-return]


def test_signed_rubbish_is_a_bundle_error(make_draft: Any, capfd: pytest.CaptureFixture[str]) -> None:
    draft = make_draft()
    draft.files["models/cpu-int8.onnx"] = b"no model at all"
    with pytest.raises(BundleError, match=r"models/cpu-int8.onnx: ONNX Runtime .* refuses the model"):
        edge_runtime.load(draft.archive())
    assert capfd.readouterr().err == ""


def test_onnxruntime_prints_nothing(make_draft: Any, capfd: pytest.CaptureFixture[str]) -> None:
    draft = make_draft()
    graph = onnx.load_from_string(draft.files["models/cpu-int8.onnx"])
    graph.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(3, np.float32), "not_used"))
    draft.files["models/cpu-int8.onnx"] = graph.SerializeToString()
    onnxruntime.set_default_logger_severity(2)  # its own default, whatever ran before
    onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    assert "not_used" in capfd.readouterr().err
    edge_runtime.load(draft.archive())
    assert capfd.readouterr().err == ""


def test_external_data_is_refused(make_draft: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = make_draft()
    graph = onnx.load_from_string(draft.files["models/cpu-int8.onnx"])
    onnx.save(graph, tmp_path / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    draft.files["models/cpu-int8.onnx"] = (tmp_path / "m.onnx").read_bytes()
    monkeypatch.chdir(tmp_path)  # the weights lie in the working directory, and still
    with pytest.raises(BundleError, match="external data"):
        edge_runtime.load(draft.archive())


def test_answers_that_are_not_numbers_are_an_error(make_draft: Any, make_picture: Any) -> None:
    draft = make_draft()
    graph = onnx.load_from_string(draft.files["models/cpu-int8.onnx"])
    bias = next(tensor for tensor in graph.graph.initializer if tensor.name == "bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(5, np.nan, dtype=np.float32), "bias"))
    draft.files["models/cpu-int8.onnx"] = graph.SerializeToString()
    with pytest.raises(BundleError, match="finite"):
        edge_runtime.load(draft.archive()).predict(make_picture(0))


@pytest.mark.parametrize("shape", [(3, 24, 24), (0, 3, 24, 24), (1, 24, 24, 3), (1, 3, 25, 24)])
def test_infer_names_a_wrong_batch(archive: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"batch \("):
        edge_runtime.load(archive).infer(np.zeros(shape, dtype=np.float32))


def test_loading_needs_no_pillow_for_arrays(archive: Path, make_picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_runtime.image import resize

    image = np.asarray(make_picture(3, (200, 150)))
    model = edge_runtime.load(archive)
    expected = model.predict(image, color="rgb").probabilities
    resize._pillow.cache_clear()
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    try:
        assert np.array_equal(model.predict(image, color="rgb").probabilities, expected)
        with pytest.raises(edge_runtime.errors.MachineError, match=r'pip install "edge-runtime\[image\]"'):
            model.predict(b"some bytes")
    finally:
        resize._pillow.cache_clear()


def test_the_cpu_compiles_nothing_into_a_cache(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    model = edge_runtime.load(archive, cache=folder)
    assert not folder.exists()
    assert model._request.cache == str(folder)
