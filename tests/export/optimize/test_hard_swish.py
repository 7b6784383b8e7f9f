"""Hard swish in halves: where the rewrite applies, that answers stay, and that bytes replace float operators."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge_export.inputs import picture_probes
from edge_export.optimize import QDQ_PASSES, align_hard_swish, finish_quantized, optimize
from edge_export.optimize.hard_swish import split_hard_swish
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import SESSION, quantize_static
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

SHAPE = (3, 12, 12)
SIXTH = np.float32(1 / 6)
GENERATOR = np.random.default_rng(0)
WEIGHTS = {
    "w": GENERATOR.standard_normal((8, 3, 3, 3)).astype(np.float32),
    "b": GENERATOR.standard_normal(8).astype(np.float32),
    "v": GENERATOR.standard_normal((4, 8, 1, 1)).astype(np.float32),
}
CONV = ("Conv", ["x", "w", "b"], ["c"], {})
LAST = ("Conv", ["h", "v"], ["y"], {})
AS_ONE = [("HardSwish", ["c"], ["h"], {})]
AS_TWO = [("HardSigmoid", ["c"], ["s"], {"alpha": SIXTH, "beta": 0.5}), ("Mul", ["c", "s"], ["h"], {})]
SWAPPED = [AS_TWO[0], ("Mul", ["s", "c"], ["h"], {})]


@pytest.mark.parametrize("form", [AS_ONE, AS_TWO, SWAPPED], ids=["one", "two", "swapped"])
@pytest.mark.parametrize("bias", [True, False])
def test_every_form_of_hard_swish_is_split(make_graph, assert_same, count_ops, form, bias):
    conv = CONV if bias else ("Conv", ["x", "w"], ["c"], {})
    model = make_graph([conv, *form, LAST], {name: WEIGHTS[name] for name in ("w", "v", *("b" * bias))})
    rewritten, count = split_hard_swish(model)
    assert count == 1
    assert count_ops(rewritten) == {"Add": 1, "Clip": 1, "Conv": 2, "Mul": 1, "Relu": 1}
    assert_same(model, rewritten)


@pytest.mark.parametrize(
    "nodes",
    [
        [CONV, ("HardSigmoid", ["c"], ["s"], {"alpha": 0.2}), ("Mul", ["c", "s"], ["h"], {}), LAST],
        [CONV, *AS_ONE, ("Add", ["h", "c"], ["k"], {}), ("Conv", ["k", "v"], ["y"], {})],
        [CONV, *AS_TWO, ("Add", ["h", "s"], ["k"], {}), ("Conv", ["k", "v"], ["y"], {})],
        [("HardSwish", ["x"], ["r"], {}), ("Conv", ["r", "w", "b"], ["h"], {}), LAST],
        [CONV, ("Relu", ["c"], ["r"], {}), ("HardSwish", ["r"], ["h"], {}), LAST],
    ],
    ids=["other slope", "conv read elsewhere", "gate read elsewhere", "of the input", "not of a convolution"],
)
def test_near_misses_stay(make_graph, nodes):
    model = make_graph(nodes, WEIGHTS)
    before = model.SerializeToString()
    rewritten, count = split_hard_swish(model)
    assert count == 0
    assert rewritten.SerializeToString() == before


def test_a_tensor_that_the_graph_gives_out_stays(make_graph):
    assert split_hard_swish(make_graph([CONV, *AS_ONE, LAST], WEIGHTS, outputs=("y", "c")))[1] == 0


def test_weights_that_two_convolutions_share_change_for_one_only(make_graph, assert_same):
    twice = [CONV, *AS_ONE, LAST, ("Conv", ["x", "w", "b"], ["o"], {})]
    model = make_graph(twice, WEIGHTS, outputs=("o", "y"))
    rewritten, count = split_hard_swish(model)
    assert count == 1
    assert_same(model, rewritten)


def quantized(model, ranges):
    return quantize_static(model, Recipe("r"), ranges)


@pytest.mark.parametrize("peak", [0.9, 2.0, 11.3], ids=["knee never met", "below two hinges", "usual"])
def test_a_split_hard_swish_runs_on_bytes(make_graph, count_ops, peak):
    model, _ = split_hard_swish(make_graph([CONV, *AS_ONE, LAST], WEIGHTS))
    batch = np.random.default_rng(2).standard_normal((4, *SHAPE), dtype=np.float32)
    names = {name for node in model.graph.node for name in (*node.input, *node.output)} - {
        tensor.name for tensor in model.graph.initializer
    }
    z = next(node for node in model.graph.node if node.op_type == "Relu").output[0]
    ranges = align_hard_swish(model, dict.fromkeys(names, (-9.0, 9.0)) | {z: (0.0, peak), "y": (-60.0, 60.0)})
    before = quantized(model, ranges)
    after, records = optimize(before, picture_probes(SHAPE), QDQ_PASSES, options=SESSION)
    assert finish_quantized(before, SESSION) == after
    assert {record.name: record.rewrites for record in records} == {
        "clip-bytes": 1,
        "shift-zero-points": 1,
    }
    assert "Add" not in count_ops(after)
    # ONNX Runtime would run what nothing reads.
    read = {name for node in after.graph.node for name in node.input} | {"y"}
    assert all(read.intersection(node.output) for node in after.graph.node)
    expected, actual = (predictor(one.SerializeToString(), options=SESSION)(batch) for one in (before, after))
    np.testing.assert_array_equal(actual, expected)


def test_ranges_of_other_additions_stay(make_graph):
    model = make_graph([CONV, ("Add", ["c", "one"], ["h"], {}), LAST], WEIGHTS | {"one": np.float32(1)})
    ranges: dict[str, tuple[float, float]] = dict.fromkeys(("x", "c", "h", "y"), (-1.0, 2.0))
    assert align_hard_swish(model, ranges) == ranges


def test_a_byte_pass_that_changes_a_bit_is_refused(make_graph, monkeypatch):
    def breaks(model):
        changed = onnx.ModelProto.FromString(model.SerializeToString())
        scale = next(tensor for tensor in changed.graph.initializer if tensor.name == "y_scale")
        scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(1.001), scale.name))
        return changed, 1

    monkeypatch.setitem(QDQ_PASSES, "breaks", breaks)
    model = make_graph([CONV, ("Relu", ["c"], ["h"], {}), LAST], WEIGHTS)
    with pytest.raises(RefusedError, match="breaks changed a logit"):
        finish_quantized(quantized(model, dict.fromkeys(("x", "c", "h", "y"), (-9.0, 9.0))), SESSION)


def test_steps_that_differ_keep_their_float_operators(make_graph):
    model, _ = split_hard_swish(make_graph([CONV, *AS_ONE, LAST], WEIGHTS))
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    z = next(node for node in model.graph.node if node.op_type == "Relu").output[0]
    before = quantized(model, dict.fromkeys(names, (-9.0, 9.0)) | {z: (0.0, 8.0)})
    assert finish_quantized(before, SESSION) is before
