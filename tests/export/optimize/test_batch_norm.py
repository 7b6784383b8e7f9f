"""Batch norms that follow no convolution become convolutions with an int8 kernel."""

import numpy as np
import pytest

from edge_export.optimize.batch_norm import convolve_batch_norm
from edge_export.quantize import Recipe, make_quantized, observe

RNG = np.random.default_rng(5)
NORM = ("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["n"], {"epsilon": 1e-3})
PARAMETERS = {
    "scale": RNG.uniform(0.5, 2, 3).astype(np.float32),
    "bias": RNG.standard_normal(3).astype(np.float32),
    "mean": RNG.standard_normal(3).astype(np.float32),
    "variance": RNG.uniform(0.1, 4, 3).astype(np.float32),
}
WEIGHTS = PARAMETERS | {"w": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)}
AFTER = [("Relu", ["n"], ["r"], {}), ("Conv", ["r", "w"], ["y"], {"pads": [1, 1, 1, 1]})]


def test_a_batch_norm_becomes_a_convolution(make_graph, assert_same, count_ops):
    model = make_graph([NORM, *AFTER], WEIGHTS)
    rewritten, count = convolve_batch_norm(model)
    assert (count, count_ops(rewritten)) == (1, {"Conv": 2, "Relu": 1})
    assert_same(model, rewritten)


def test_one_that_the_graph_gives_out_keeps_its_name(make_graph, assert_same):
    model = make_graph([(*NORM[:2], ["y"], NORM[3])], PARAMETERS)
    rewritten, count = convolve_batch_norm(model)
    assert count == 1
    assert_same(model, rewritten)


def test_it_runs_in_int8(make_graph):
    rewritten, _ = convolve_batch_norm(make_graph([NORM, *AFTER], WEIGHTS))
    batch = RNG.standard_normal((8, 3, 12, 12), dtype=np.float32)
    made = make_quantized(rewritten, Recipe("r"), observe(rewritten, lambda: iter(batch)))
    from edge_export.graphs.coverage import executed_kinds

    assert "QLinearConv" in executed_kinds(made.model.SerializeToString(), made.session)
    assert "BatchNormalization" not in executed_kinds(made.model.SerializeToString(), made.session)


@pytest.mark.parametrize("shape", [(3,), (3, 6)])
def test_what_is_no_picture_stays(make_graph, shape):
    model = make_graph([(*NORM[:2], ["y"], NORM[3])], PARAMETERS, shape=shape)
    assert convolve_batch_norm(model)[1] == 0


def test_parameters_that_are_not_constant_stay(make_graph):
    moving = ("ReduceMean", ["x", "axes"], ["mean"], {"keepdims": 0})
    constants = {name: value for name, value in WEIGHTS.items() if name != "mean"} | {"axes": np.array([0, 2, 3])}
    assert convolve_batch_norm(make_graph([moving, NORM, *AFTER], constants))[1] == 0
