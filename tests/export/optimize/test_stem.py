"""Strided stems over blocks: every kernel, padding and side gives the same answers, and near misses stay."""

import numpy as np
import pytest

from edge_export.optimize.stem import unstride_stem


def stem(make_graph, kernel, pads, shape=(3, 12, 16), group=1, **more):
    weights = np.random.default_rng(0).standard_normal((6, shape[0] // group, *kernel)).astype(np.float32)
    attributes = {"strides": [2, 2], "pads": list(pads), "group": group} | more
    return make_graph([("Conv", ["x", "w"], ["y"], attributes)], {"w": weights}, shape)


@pytest.mark.parametrize(
    ("kernel", "pads"),
    [
        ((7, 7), (3, 3, 3, 3)),
        ((3, 3), (1, 1, 1, 1)),
        ((3, 3), (0, 0, 1, 1)),
        ((3, 3), (0, 0, 0, 0)),
        ((2, 2), (0, 0, 0, 0)),
        ((4, 4), (1, 1, 1, 1)),
        ((5, 3), (2, 1, 1, 0)),
        ((5, 5), (2, 2, 2, 2)),
        ((6, 6), (2, 2, 2, 2)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_stems_keep_their_answers(make_graph, assert_same, count_ops, kernel, pads, channels):
    shape = (channels, 12, 16)
    model = stem(make_graph, kernel, pads, shape)
    rewritten, count = unstride_stem(model)
    assert (count, count_ops(rewritten)) == (1, {"Conv": 1, "SpaceToDepth": 1})
    assert_same(model, rewritten, shape)


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((3, 13, 16), {}),
        ((8, 12, 16), {}),
        ((3, 12, 16), {"strides": [1, 1]}),
        ((3, 12, 16), {"strides": [2, 1]}),
        ((3, 12, 16), {"dilations": [2, 2]}),
        ((3, 12, 16), {"group": 3}),
        ((3, "side", "side"), {}),
    ],
    ids=["odd side", "many channels", "stride 1", "one axis", "dilated", "grouped", "free sides"],
)
def test_near_misses_stay(make_graph, shape, more):
    assert unstride_stem(stem(make_graph, (3, 3), (1, 1, 1, 1), shape, **more))[1] == 0


def test_padding_given_by_a_rule_stays(make_graph):
    weights = {"w": np.zeros((6, 3, 3, 3), np.float32)}
    model = make_graph([("Conv", ["x", "w"], ["y"], {"strides": [2, 2], "auto_pad": "SAME_UPPER"})], weights)
    assert unstride_stem(model)[1] == 0
