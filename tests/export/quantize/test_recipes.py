"""Recipes as data: each does what it says, and files and bundles hold it."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from edge_export.quantize import (
    RECIPES,
    Recipe,
    make_quantized,
    observe,
    quantizable_operators,
    read_recipe,
    recipe_from_dict,
    settled,
)
from edge_runtime.errors import InputError

FULL = Recipe(
    "full",
    calibration="percentile",
    percentile=99.9,
    calibration_samples=64,
    activations="int8",
    per_channel=False,
    reduce_range=True,
    int16_tensors=("ra",),
    float_operators=("gemm",),
    bias_correction="off",
    equalize=True,
    smooth_quant=0.5,
    passes=("space-to-depth",),
    session={"session.force_spinning_stop": "1"},
)


@pytest.fixture(scope="module")
def observation(digit_network, digits):
    return observe(digit_network, lambda: digits[:64], until=())


def toml(document: dict) -> str:
    """TOML's values are JSON's, its last table aside."""
    session = document.pop("session")
    lines = [f"{key} = {json.dumps(value)}" for key, value in document.items()]
    return "\n".join([*lines, "[session]", *(f"{json.dumps(key)} = {json.dumps(one)}" for key, one in session.items())])


@pytest.mark.parametrize("recipe", [*RECIPES.values(), FULL, Recipe("dynamic", kind="dynamic", smooth_quant=0.4)])
def test_a_recipe_survives_json_and_toml(recipe, tmp_path):
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    (tmp_path / "r.json").write_text(json.dumps(recipe.to_dict()))
    (tmp_path / "r.toml").write_text(toml(recipe.to_dict()))
    assert read_recipe(tmp_path / "r.json") == read_recipe(tmp_path / "r.toml") == recipe


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "field 'name' is missing"),
        ({"name": ""}, "name='': a name"),
        ({"name": 3}, "name=3: text"),
        ({"name": "r", "kind": "qat"}, "recipe r: kind='qat': 'static' or 'dynamic' or 'fixed' is expected"),
        ({"name": "r", "precision": "fp32"}, "precision='fp32': 'int8'"),
        ({"name": "r", "calibration": "max"}, "calibration='max': 'minmax' or 'percentile' or 'entropy' or 'mse'"),
        ({"name": "r", "percentile": 50}, "percentile=50.0: more than 50"),
        ({"name": "r", "percentile": "99"}, "percentile='99': a number"),
        ({"name": "r", "per_channel": 1}, "per_channel=1: true or false"),
        ({"name": "r", "calibration_samples": 0}, "calibration_samples=0: at least 1"),
        ({"name": "r", "smooth_quant": 1.5}, "smooth_quant=1.5: between 0 and 1"),
        ({"name": "r", "float_operators": "conv"}, "float_operators='conv': a list of texts"),
        ({"name": "r", "session": {"a": 1}}, "session={'a': 1}: a table of texts"),
        ({"name": "r", "chanel": True}, "unknown field 'chanel'; known are name, precision"),
        ({"name": "r", "kind": "fixed", "equalize": True}, "equalize=True means nothing to kind='fixed'"),
        ({"name": "r", "kind": "dynamic", "calibration": "mse"}, "calibration='mse' means nothing to kind='dynamic'"),
        ({"name": "r", "activations": "int8", "weights": "uint8"}, "no kernel has that pair"),
    ],
)
def test_a_mistake_is_named(document, message):
    with pytest.raises(InputError) as caught:
        recipe_from_dict(document)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_recipe_is_named(tmp_path):
    for name, text in (("a.toml", "name ="), ("a.json", "{"), ("b.json", "[]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            read_recipe(tmp_path / name)
    with pytest.raises(InputError, match="no recipe can be read"):
        read_recipe(tmp_path / "missing.toml")


@pytest.mark.parametrize("recipe", [*RECIPES.values(), replace(FULL, passes=(), session={})])
def test_a_stored_recipe_makes_the_same_bytes_again(digit_network, digits, observation, recipe):
    made = make_quantized(digit_network, recipe, observation)
    stored = json.loads(json.dumps(settled(recipe, observation).to_dict()))
    # A new process, another observation of as many samples.
    again = recipe_from_dict(stored)
    seen = observe(digit_network, lambda: digits[: again.calibration_samples], until=())
    remade = make_quantized(digit_network, again, seen)
    assert remade.model.SerializeToString(deterministic=True) == made.model.SerializeToString(deterministic=True)
    assert remade.session == made.session


def types_of(model: onnx.ModelProto) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


def test_types_and_granularity_are_the_recipes(digit_network, observation):
    kinds = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8}
    for activations, weights in (("uint8", "int8"), ("int8", "int8"), ("uint8", "uint8")):
        recipe = Recipe("r", activations=activations, weights=weights)
        found = types_of(make_quantized(digit_network, recipe, observation).model)
        assert (found["x_zero_point"], found["w1_quantized"]) == (kinds[activations], kinds[weights])
    scales = [
        next(tensor.dims for tensor in made.model.graph.initializer if tensor.name == "w1_scale")
        for made in (
            make_quantized(digit_network, Recipe("r", per_channel=each), observation) for each in (True, False)
        )
    ]
    assert scales == [[6], []]
    reduced = make_quantized(digit_network, Recipe("r", reduce_range=True), observation).model
    codes = next(onnx.numpy_helper.to_array(one) for one in reduced.graph.initializer if one.name == "w1_quantized")
    assert np.abs(codes.astype(int)).max() == 64


def test_sixteen_bits_where_asked_are_nearly_exact(digit_network, digits, observation, error_of):
    batch = np.stack(digits[:64])
    everything = ("x", "a", "ra", "f", "y")
    plain = Recipe("r", float_operators=("gemm",))
    wide = replace(plain, int16_tensors=everything)
    assert error_of(digit_network, wide, observation, batch) < 0.5 * error_of(digit_network, plain, observation, batch)
    by_operator = types_of(make_quantized(digit_network, replace(plain, int16_tensors=("relu",)), observation).model)
    assert by_operator["ra_zero_point"] == TensorProto.UINT16
    assert by_operator["x_zero_point"] == TensorProto.UINT8


def test_operators_that_would_be_int8_are_named(digit_network, observation):
    assert quantizable_operators(digit_network, Recipe("r")) == ["conv", "gemm"]
    assert quantizable_operators(digit_network, Recipe("r", float_operators=("conv",))) == ["gemm"]
    assert quantizable_operators(digit_network, Recipe("r", kind="dynamic")) == ["gemm"]
    for field in ("float_operators", "int16_tensors"):
        with pytest.raises(InputError, match=f"recipe r: {field}: the graph has no 'cnov'"):
            make_quantized(digit_network, replace(Recipe("r"), **{field: ("cnov",)}), observation)


def test_dynamic_needs_no_sample_and_keeps_the_answers(digit_network, digits, answers):
    batch = np.stack(digits[:64])
    expected = answers(digit_network, batch)
    for per_channel in (True, False):
        made = make_quantized(digit_network, Recipe("r", kind="dynamic", per_channel=per_channel), None)
        assert any(node.op_type == "MatMulInteger" for node in made.model.graph.node)
        assert np.abs(answers(made.model, batch) - expected).max() < 0.05 * np.abs(expected).max()
    in_float = make_quantized(digit_network, Recipe("r", kind="dynamic", float_operators=("gemm",)), None)
    np.testing.assert_allclose(answers(in_float.model, batch), expected, atol=1e-5)
    names = [tensor.name for tensor in made.model.graph.initializer]
    assert "w2" not in names
    assert len(names) == len(set(names))
    with pytest.raises(InputError, match="recipe r: it needs calibration samples"):
        make_quantized(digit_network, Recipe("r"), None)


@pytest.mark.parametrize("per_channel", [True, False])
def test_fixed_ranges_make_an_answer_independent_of_its_batch(digit_network, digits, answers, observation, per_channel):
    batch = np.stack(digits[:64])
    expected = answers(digit_network, batch)
    made = make_quantized(digit_network, Recipe("r", kind="fixed", per_channel=per_channel), observation).model
    kinds = [node.op_type for node in made.graph.node]
    assert "MatMulIntegerToFloat" in kinds and not {"MatMulInteger", "DynamicQuantizeLinear", "Cast"} & set(kinds)
    seen = answers(made, batch)
    assert np.abs(seen - expected).max() < 0.05 * np.abs(expected).max()
    loud = np.concatenate([batch[:1], 100 * batch[1:2]])
    np.testing.assert_array_equal(answers(made, loud)[0], seen[0])
    in_float = make_quantized(digit_network, Recipe("r", kind="fixed", float_operators=("gemm",)), observation)
    np.testing.assert_allclose(answers(in_float.model, batch), expected, atol=1e-5)
