"""Depthwise convolutions in whole vectors: all that shares their channels is padded, or nothing is."""

import numpy as np
import pytest

from edge_export.optimize.pad_channels import pad_depthwise

GENERATOR = np.random.default_rng(0)


def random(*shape):
    return GENERATOR.standard_normal(shape).astype(np.float32)


def constants(channels):
    return {
        "w": random(channels, 3, 1, 1),
        "b": random(channels),
        "d": random(channels, 1, 3, 3),
        "e": random(channels),
        "down": random(8, channels, 1, 1),
        "up": random(channels, 8, 1, 1),
        "lift": random(channels),
        "v": random(5, channels, 1, 1),
        "three": np.float32(3),
        "each": random(1, channels, 1, 1),
    }


def block(channels):
    """Expand, depthwise, squeeze and excite, project: MobileNetV3's block."""
    return [
        ("Conv", ["x", "w", "b"], ["a"], {}),
        ("Add", ["a", "three"], ["r"], {}),
        ("Conv", ["r", "d", "e"], ["c"], {"group": channels, "pads": [1] * 4}),
        ("GlobalAveragePool", ["c"], ["p"], {}),
        ("Conv", ["p", "down"], ["q"], {}),
        ("Relu", ["q"], ["s"], {}),
        ("Conv", ["s", "up", "lift"], ["t"], {}),
        ("Sigmoid", ["t"], ["g"], {}),
        ("Mul", ["c", "g"], ["h"], {}),
        ("Conv", ["h", "v"], ["y"], {}),
    ]


def test_a_block_is_padded_through_squeeze_and_excite(make_graph, assert_same):
    model = make_graph(block(72), constants(72))
    padded, count = pad_depthwise(model)
    assert count == 1
    tensors = {tensor.name: tuple(tensor.dims) for tensor in padded.graph.initializer}
    shapes = [tensors[node.input[1]] for node in padded.graph.node if node.op_type == "Conv"]
    assert shapes == [(80, 3, 1, 1), (80, 1, 3, 3), (8, 80, 1, 1), (80, 8, 1, 1), (5, 80, 1, 1)]
    assert_same(model, padded)
    assert pad_depthwise(padded)[1] == 0


@pytest.mark.parametrize("channels", [64, 24, 120])
def test_only_a_small_rest_is_padded(make_graph, channels):
    assert pad_depthwise(make_graph(block(channels), constants(channels)))[1] == (channels == 120)


@pytest.mark.parametrize(
    ("index", "node"),
    [
        (1, ("Softmax", ["a"], ["r"], {"axis": 1})),
        (1, ("Mul", ["a", "each"], ["r"], {})),
        (8, ("Concat", ["c", "x"], ["h"], {"axis": 1})),
    ],
    ids=["mixes channels", "a constant for each channel", "joined with others"],
)
def test_what_cannot_be_padded_leaves_all_as_it_was(make_graph, index, node):
    nodes, values = block(72), constants(72)
    nodes[index] = node
    if node[0] == "Concat":
        values["v"] = random(5, 75, 1, 1)
    model = make_graph(nodes, values)
    before = model.SerializeToString()
    rewritten, count = pad_depthwise(model)
    assert (count, rewritten.SerializeToString()) == (0, before)


def test_channels_that_the_graph_gives_out_stay(make_graph):
    assert pad_depthwise(make_graph(block(72), constants(72), outputs=("y", "c")))[1] == 0


def test_a_gate_of_one_channel_leaves_the_block_alone(make_graph):
    nodes = [
        ("Conv", ["x", "w", "b"], ["a"], {}),
        ("Conv", ["a", "d", "e"], ["c"], {"group": 72, "pads": [1] * 4}),
        ("Conv", ["x", "spatial"], ["s"], {}),
        ("Sigmoid", ["s"], ["g"], {}),
        ("Mul", ["c", "g"], ["h"], {}),
        ("Conv", ["h", "v"], ["y"], {}),
    ]
    model = make_graph(nodes, constants(72) | {"spatial": random(1, 3, 1, 1)})
    assert pad_depthwise(model)[1] == 0
