"""ONNX files as people really have them: what is taken, and that it answers as the file does."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edge_export.capture import Captured, SourceOptions, capture
from edge_export.sessions import predictor

FLOAT = TensorProto.FLOAT


def take(path: Path, **options: object) -> Captured:
    return capture(str(path), SourceOptions(preprocessing="scale255", **options))  # type: ignore[arg-type]


def answers(captured: Captured, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Seeded pixels and what the captured graph says of them."""
    pixels = np.random.default_rng(1).integers(0, 256, (count, *captured.preprocessing.tensor_shape))
    batch = (pixels * captured.preprocessing.scale).astype(np.float32)
    return batch, predictor(captured.model.SerializeToString())(batch)


def of_file(path: Path, feed: dict[str, np.ndarray], output: str = "logits") -> np.ndarray:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run([output], feed)[0]


@pytest.mark.parametrize(("opset", "dynamo"), [(9, False), (13, False), (20, True)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the legacy exporter, which people's files come from
def test_exports_of_torch_old_and_new(tmp_path: Path, opset: int, dynamo: bool):
    torch.manual_seed(0)
    layers = torch.nn
    module = layers.Sequential(
        layers.Conv2d(3, 8, 3),
        layers.BatchNorm2d(8),
        layers.Hardswish(),
        layers.AdaptiveAvgPool2d(1),
        layers.Flatten(),
        layers.Linear(8, 4),
    ).eval()
    path = tmp_path / "net.onnx"
    torch.onnx.export(module, (torch.zeros(1, 3, 8, 8),), path, opset_version=opset, dynamo=dynamo, verbose=False)
    captured = take(path)
    batch, logits = answers(captured)
    np.testing.assert_allclose(logits, module(torch.from_numpy(batch)).detach().numpy(), atol=1e-6)
    assert captured.labels == ("0", "1", "2", "3")
    assert captured.provenance["opset"] == opset
    assert not captured.provenance["fixed_batch"]  # both files fix it to 1
    assert any("converted from opset" in note for note in captured.notes) == (opset < 17)


def test_channels_last(build):
    turn = helper.make_node("Transpose", ["image"], ["planar"], perm=[0, 3, 1, 2])
    path = build(before=[turn], image="planar", inputs={"image": (FLOAT, ["n", 8, 8, 3])})
    captured = take(path)
    assert captured.preprocessing.layout == "NHWC"
    batch, logits = answers(captured)
    np.testing.assert_array_equal(logits, of_file(path, {"image": batch}))


def test_gray_images_are_weighed_in_the_graph(build):
    repeat = helper.make_node("Concat", ["image", "image", "image"], ["three"], axis=1)
    path = build(before=[repeat], image="three", inputs={"image": (FLOAT, [1, 1, 8, 8])})
    captured = take(path)
    batch, logits = answers(captured, 1)
    gray = np.tensordot(batch, np.float32([0.299, 0.587, 0.114]), (1, 0))[:, None]
    np.testing.assert_allclose(logits, of_file(path, {"image": gray}), atol=1e-5)
    assert any("gray" in note for note in captured.notes)


@pytest.mark.parametrize("first", ["Cast", "Transpose"])
def test_bytes_in(build, first):
    """A network that takes bytes gets them, whether it makes floats of them at once or later."""
    if first == "Cast":
        before = [helper.make_node("Cast", ["image"], ["floats"], to=FLOAT)]
        shape = ["n", 3, 8, 8]
    else:
        before = [
            helper.make_node("Transpose", ["image"], ["planar"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["planar"], ["floats"], to=FLOAT),
        ]
        shape = ["n", 8, 8, 3]
    path = build(before=before, image="floats", inputs={"image": (TensorProto.UINT8, shape)})
    captured = capture(str(path), SourceOptions(preprocessing="raw"))
    batch, logits = answers(captured)
    np.testing.assert_allclose(logits, of_file(path, {"image": batch.astype(np.uint8)}), rtol=1e-6)


@pytest.mark.parametrize("activation", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_a_final_activation_is_taken_off(build, activation):
    nodes = [helper.make_node(activation, ["logits"], ["scores"]), helper.make_node("Identity", ["scores"], ["out"])]
    path = build(after=nodes, outputs={"out": ["n", 5]})
    captured = take(path)
    assert captured.provenance["activation_removed"] == activation
    batch, logits = answers(captured)
    if activation == "Softmax":
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(scores, of_file(path, {"image": batch}, "out"), atol=1e-6)


def test_other_inputs_are_held(build):
    shift = helper.make_node("Mul", ["image", "factor"], ["shifted"])
    inputs = {"factor": (FLOAT, ["n", 1, 1, 1]), "image": (FLOAT, ["n", 3, 8, 8])}
    path = build(before=[shift], image="shifted", inputs=inputs)
    captured = take(path, input="image", hold=(("factor", "0.5"),))
    batch, logits = answers(captured)
    expected = of_file(path, {"image": batch, "factor": np.full((3, 1, 1, 1), 0.5, np.float32)})
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    assert len(captured.model.graph.input) == 1


def test_one_of_several_outputs(build):
    double = helper.make_node("Add", ["logits", "logits"], ["double"])
    path = build(after=[double], outputs={"logits": ["n", 5], "double": ["n", 5]})
    batch, logits = answers(take(path, output="double"))
    np.testing.assert_allclose(logits, of_file(path, {"image": batch}, "double"), atol=1e-6)


def test_weights_in_constant_nodes_become_initializers(build):
    def constants(model: onnx.ModelProto) -> None:
        made = [helper.make_node("Constant", [], [one.name], value=one) for one in model.graph.initializer]
        del model.graph.initializer[:]
        for node in made:
            model.graph.node.insert(0, node)

    captured = take(build(change=constants))
    assert {"w", "b", "v", "c"} <= {tensor.name for tensor in captured.model.graph.initializer}
    assert not any(node.op_type == "Constant" for node in captured.model.graph.node)


def test_external_data_beside_the_file(build):
    def save(model: onnx.ModelProto, path: Path) -> None:
        onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)

    path = build(save=save)
    assert (path.parent / "weights.bin").is_file()
    batch, logits = answers(take(path))
    np.testing.assert_array_equal(logits, of_file(path, {"image": batch}))


def branch(name: str, operator: str) -> onnx.GraphProto:
    node = helper.make_node(operator, ["logits"], [name])
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, FLOAT, None)])


def test_branches_and_loops_are_said_to_stay_float(build):
    choose = [
        helper.make_node("ReduceMax", ["logits"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["out"], then_branch=branch("t", "Abs"), else_branch=branch("e", "Neg")),
    ]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("next", FLOAT, None)],
    )
    loop = helper.make_node("Loop", ["three", "", "out"], ["grown"], body=body)
    extra = {"zero": np.float32(0).reshape(()), "three": np.int64(3).reshape(())}
    path = build(after=[*choose, loop], outputs={"grown": ["n", 5]}, extra=extra)
    captured = take(path)
    assert captured.provenance["control_flow"] == {"If": 1, "Loop": 1}
    assert any("1 If, 1 Loop stay float" in note for note in captured.notes)
    # The branch depends on the whole batch, so several items at once would not answer as each alone.
    batch, logits = answers(captured, 1)
    np.testing.assert_array_equal(logits, of_file(path, {"image": batch}, "grown"))


def test_a_fixed_batch_is_freed_where_that_is_exact_and_kept_where_it_is_not(build):
    reshape = helper.make_node("Reshape", ["logits", "shape"], ["out"])
    extra = {"shape": np.int64([1, 5])}
    inputs = {"image": (FLOAT, [1, 3, 8, 8])}
    free = take(build(after=[reshape], outputs={"out": [1, 5]}, inputs=inputs, extra=extra))
    assert free.model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    # Whitening over the batch axis makes neighbours matter.
    mix = [
        helper.make_node("ReduceMean", ["logits"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Add", ["logits", "mean"], ["out"]),
    ]
    path = build(after=mix, outputs={"out": [1, 5]}, inputs=inputs)
    kept = take(path)
    assert kept.provenance["fixed_batch"]
    assert any("one image at a time" in note for note in kept.notes)
    batch, logits = answers(kept, 3)
    np.testing.assert_array_equal(logits[2:], of_file(path, {"image": batch[2:]}, "out"))


def test_nothing_of_the_exporter_stays(build):
    def mark(model: onnx.ModelProto) -> None:
        model.graph.doc_string = "/home/someone"
        model.graph.node[0].doc_string = "/home/someone"
        model.metadata_props.add(key="path", value="/home/someone")

    assert b"/home/someone" not in take(build(change=mark)).model.SerializeToString()


def test_numpy_value_of_a_held_input(build, tmp_path):
    np.save(tmp_path / "factor.npy", np.float32([[[[2.0]]]]))
    scale = helper.make_node("Mul", ["image", "factor"], ["scaled"])
    inputs = {"image": (FLOAT, ["n", 3, 8, 8]), "factor": (FLOAT, [1, 1, 1, 1])}
    captured = take(
        build(before=[scale], image="scaled", inputs=inputs),
        input="image",
        hold=(("factor", str(tmp_path / "factor.npy")),),
    )
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in captured.model.graph.initializer}["factor"]
    assert held.item() == 2.0
