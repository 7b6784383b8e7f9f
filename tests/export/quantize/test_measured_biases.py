"""Biases that take out what calibration samples show: layer after layer, only where it helps, the same each time."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from edge_export.graphs.segments import segments
from edge_export.quantize import Recipe, make_quantized, observe
from edge_export.quantize.transforms import measured_biases as subject

MEASURED = Recipe("r")


def rows(count: int = 24, seed: int = 4) -> np.ndarray:
    """Many small values beside few large ones: rounded activations lose the small ones, which moves their mean."""
    values = np.random.default_rng(seed).random((count, 3, 16, 16))
    return np.where(values > 0.99, 20, 0.02 + 0.02 * values).astype(np.float32)


@pytest.fixture
def pooled(network: onnx.ModelProto) -> onnx.ModelProto:
    """The network with a mean over height and width behind it, as classifiers have: shifts stay, noise goes."""
    model = onnx.ModelProto()
    model.CopyFrom(network)
    model.graph.node[-1].output[0] = "last"
    model.graph.node.append(onnx.helper.make_node("GlobalAveragePool", ["last"], ["y"], name="pool"))
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 8, 1, 1]))
    return model


def error(model: onnx.ModelProto, recipe: Recipe, answers, batch: np.ndarray) -> float:
    made = make_quantized(model, recipe, observe(model, lambda: iter(rows())))
    return float(np.mean((answers(made.model, batch, made.session) - answers(model, batch)) ** 2))


def test_the_error_on_other_inputs_falls(pooled, answers):
    unseen = rows(seed=5)
    weights, measured = (
        error(pooled, replace(MEASURED, bias_correction=kind), answers, unseen) for kind in ("weights", "measured")
    )
    assert measured < 0.9 * weights


def test_the_same_samples_give_the_same_bytes(pooled):
    made = [make_quantized(pooled, MEASURED, observe(pooled, lambda: iter(rows()))) for _ in range(2)]
    assert made[0].model.SerializeToString(deterministic=True) == made[1].model.SerializeToString(deterministic=True)


def test_what_does_not_help_is_not_kept(pooled, monkeypatch: pytest.MonkeyPatch):
    observation = observe(pooled, lambda: iter(rows()))
    plain = make_quantized(pooled, replace(MEASURED, bias_correction="weights"), observation)
    move = subject._move
    monkeypatch.setattr(subject, "_move", lambda quantized, layer, shift: move(quantized, layer, -shift))
    worse = make_quantized(pooled, MEASURED, observation)
    assert worse.model.SerializeToString(deterministic=True) == plain.model.SerializeToString(deterministic=True)


def test_a_graph_is_cut_where_one_tensor_passes(network):
    assert [segment.gives for segment in segments(network)] == ["a", "ra", "b", "rb", "y"]
    assert sum(len(segment.nodes) for segment in segments(network)) == len(network.graph.node)
