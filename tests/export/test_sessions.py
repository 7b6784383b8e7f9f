"""What is measured of a model is what the runtime would run."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.graphs.coverage import measure_coverage
from edge_export.quantize import RECIPES, make_quantized, observe
from edge_export.sessions import observed_session, predictor
from edge_runtime.errors import BundleError


def convolution() -> onnx.ModelProto:
    weights = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8, 6, 6])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_a_cpu_without_vnni_is_observed_with_its_exact_kernels(monkeypatch: pytest.MonkeyPatch):
    model = convolution()
    samples = list(np.random.default_rng(1).standard_normal((4, 3, 8, 8)).astype(np.float32))
    made = make_quantized(model, RECIPES["minmax"], observe(model, lambda: samples))
    for saturates in (False, True):
        monkeypatch.setattr("edge_runtime.session.saturates", lambda answer=saturates: answer)
        assert measure_coverage(made.model, made.session, model).int8 == 1
    settings = observed_session(model.SerializeToString(), {}).get_session_options()
    assert settings.get_session_config_entry("session.x64quantprecision") == "1"
    with pytest.raises(BundleError, match="not allowed"):
        observed_session(model.SerializeToString(), {"session.save_model_format": "ORT"})


def test_a_model_that_cannot_be_run_is_a_typed_error():
    shape = numpy_helper.from_array(np.array([2, 3]), "shape")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Reshape", ["x", "shape"], ["y"])], "g", info[:1], info[1:], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    predict = predictor(model.SerializeToString())
    assert predict(np.zeros((1, 6), np.float32)).shape == (2, 3)
    with pytest.raises(BundleError, match=r"cannot run the model on a batch of 4x7: .*Reshape"):
        predict(np.zeros((4, 7), np.float32))
