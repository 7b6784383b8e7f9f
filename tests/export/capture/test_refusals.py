"""ONNX files, weights and options that no export can use: one line that says why and what to do."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.capture import SourceOptions, capture
from edge_runtime.errors import InputError, MachineError

FLOAT = TensorProto.FLOAT


def refused(source: Path | str, words: str, kind: type[Exception] = InputError, **options: object) -> None:
    said = SourceOptions(**{"preprocessing": "scale255", **options})  # type: ignore[arg-type]
    with pytest.raises(kind, match=words) as caught:
        capture(str(source), said)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"not onnx at all", b"\x08\x08", b"PK\x03\x04 a zip"])
def test_foreign_files(tmp_path, content):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    refused(path, "ONNX")


def test_truncated_files(build):
    path = build()
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 40):
        path.write_bytes(content[:size])
        refused(path, "truncated|export it again")


def test_what_is_not_there(tmp_path):
    refused(tmp_path / "none.onnx", "cannot be read")
    refused(tmp_path / "none", "no such file.*a source is.*onnx file")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "none of them")
    (tmp_path / "folder.onnx").mkdir()
    refused(tmp_path / "folder.onnx", "cannot be read")


def set_field(**values: int):
    def change(model: onnx.ModelProto) -> None:
        if "ir" in values:
            model.ir_version = values["ir"]
        if "opset" in values:
            model.opset_import[0].version = values["opset"]

    return change


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ir": 99}, "IR version 99 is newer"),
        ({"opset": 999}, "opset 999 is newer"),
        ({"opset": 5}, "opset 5 is older"),
    ],
)
def test_versions_out_of_reach(build, values, words):
    refused(build(change=set_field(**values)), words)


def test_weights_that_are_not_finite(build):
    def spoil(model: onnx.ModelProto) -> None:
        values = np.array(numpy_helper.to_array(model.graph.initializer[0]))
        values[0, 0, 0, 0] = np.nan
        values[1, 0, 0, 0] = np.inf
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))

    refused(build(change=spoil), "2 of 108 values of w are NaN or infinite")


def test_a_mask_of_infinities_is_no_weight(build):
    mask = np.float32([0, 0, 0, 0, -np.inf])
    node = helper.make_node("Max", ["logits", "mask"], ["out"])
    path = build(after=[node], outputs={"out": ["n", 5]}, extra={"mask": mask})
    assert capture(str(path), SourceOptions(preprocessing="scale255")).labels


def test_quantized_and_half_files(build):
    nodes = [
        helper.make_node("QuantizeLinear", ["logits", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["out"]),
    ]
    extra = {"s": np.float32(0.1).reshape(()), "z": np.uint8(0).reshape(())}
    refused(
        build(after=nodes, outputs={"out": ["n", 5]}, extra=extra),
        "already quantized .1 DequantizeLinear, 1 QuantizeLinear.*float model",
    )
    refused(build(extra={"half": np.zeros((2, 2), np.float16)}), "float16; export the model in float32")


def test_inputs_that_nothing_decides(build):
    scale = helper.make_node("Mul", ["image", "factor"], ["scaled"])
    inputs = {"image": (FLOAT, ["n", 3, 8, 8]), "factor": (FLOAT, [1, 1])}
    path = build(before=[scale], image="scaled", inputs=inputs)
    refused(path, r"besides the image .image. it takes factor .1, 1.; hold each")
    refused(path, "--hold other: no such input", hold=(("other", "1"),))
    refused(path, "--hold factor=x", hold=(("factor", "x"),))
    refused(path, "no input 'x'; there are image", input="x")
    refused(build(inputs={"image": (FLOAT, ["n", 3, 64])}), "images need")
    refused(build(inputs={"image": (FLOAT, ["n", 4, 8, 8])}), "3 channels, or 1")
    refused(build(inputs={"image": (FLOAT, [16, 3, 8, 8])}), "exactly 16 images")
    refused(build(inputs={"image": (TensorProto.INT64, ["n", 3, 8, 8])}), "takes int64")


def test_outputs_that_nothing_decides(build):
    nodes = [helper.make_node("Add", ["logits", "logits"], ["double"])]
    path = build(after=nodes, outputs={"logits": ["n", 5], "double": ["n", 5]})
    refused(path, r"2 outputs, logits .\?, 5., double .\?, 5.; say which with --output-name")
    refused(path, "no output 'x'", output="x")
    pooled = build(outputs={"pool": ["n", 4, 1, 1]})
    refused(pooled, r"output pool is float32 .1, 4, 1, 1. for one image")


def test_a_softmax_has_one_answer_an_image(build):
    path = build(after=[helper.make_node("Softmax", ["logits"], ["out"])], outputs={"out": ["n", 5]})
    refused(path, "ends in a Softmax, which has one answer", task="image-multilabel")


def test_labels_are_counted(build):
    refused(build(), r"5 outputs, but 2 labels .a, b", labels=("a", "b"))


@pytest.mark.parametrize("where", ["../outside.bin", "link.bin", "/etc/hostname"])
def test_data_from_outside_the_folder_is_not_read(build, tmp_path, where):
    (tmp_path.parent / "outside.bin").write_bytes(bytes(432))
    (tmp_path / "link.bin").symlink_to(tmp_path.parent / "outside.bin")

    def point(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=where)

    refused(build(change=point), "outside the model's folder")


def test_data_files_that_are_missing_or_short(build, tmp_path):
    def save(model: onnx.ModelProto, path: Path) -> None:
        onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)

    path = build(save=save)
    data = tmp_path / "weights.bin"
    data.write_bytes(data.read_bytes()[:-400])
    refused(path, "damaged|cannot be read")
    data.unlink()
    refused(path, "weights.bin.*is missing; put it beside")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "give --preprocess with one of imagenet"),
        ("resnet", "no such form"),
        ("imagenet:9", "is expected"),
        ("imagenet:20,10", "crop of 10x10, but the model takes 8x8"),
        ("scale255:x", "no number of pixels"),
        ("missing.json", "No such file"),
    ],
)
def test_contracts_that_do_not_fit(build, spec, words):
    refused(build(), words, preprocessing=spec)


def test_bytes_want_a_plain_contract(build):
    cast = helper.make_node("Cast", ["image"], ["floats"], to=FLOAT)
    path = build(before=[cast], image="floats", inputs={"image": (TensorProto.UINT8, ["n", 3, 8, 8])})
    refused(path, "normalizes itself; give --preprocess raw", preprocessing="imagenet")


def test_gray_wants_one_mean(build):
    repeat = helper.make_node("Concat", ["image", "image", "image"], ["three"], axis=1)
    path = build(before=[repeat], image="three", inputs={"image": (FLOAT, [1, 1, 8, 8])})
    refused(path, "the same three times", preprocessing="imagenet")


def test_hugging_face_directories_without_transformers_or_images(tmp_path, monkeypatch):
    import sys

    (tmp_path / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    refused(tmp_path, "BertForMaskedLM is no classifier of images")
    (tmp_path / "config.json").write_text('{"architectures": ["ViTForImageClassification"]}')
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(tmp_path, r"pip install .edge-toolchain\[huggingface\]", MachineError, preprocessing="imagenet")
    (tmp_path / "config.json").write_text("{")
    refused(tmp_path, "save_pretrained")
