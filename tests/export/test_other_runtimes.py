"""The oldest ONNX Runtime of a variant is found by loading it there."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from edge_export.candidates import Candidate
from edge_export.other_runtimes import Loaded, load_elsewhere, loaded_note
from edge_runtime.errors import InputError

HERE = onnxruntime.__version__


def doubler(opset: int = 18, factor: float = 2.0) -> Candidate:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return Candidate("cpu-fp32", model.SerializeToString(), "fp32", "cpu", {})


def python_that(tmp_path: Path, does: str) -> Path:
    """An interpreter that patches ONNX Runtime before it runs what it is given."""
    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nimport onnxruntime\n{does}\ndel sys.argv[1]\nexec(sys.argv.pop(1))\n"
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize(
    ("problems", "oldest"),
    [
        ({}, "1.32.0"),
        ({"1.22.1": "", "1.23.2": ""}, "1.22.1"),
        ({"1.22.1": "refuses", "1.23.2": "", "1.9.0": ""}, "1.23.2"),
        ({"1.30.0": "differs", "1.22.1": ""}, "1.32.0"),
        ({"1.40.0": ""}, "1.32.0"),
    ],
)
def test_the_oldest_has_no_failure_above_it(problems, oldest):
    assert Loaded("1.32.0", "1.23", problems).oldest == oldest


INPUTS = [np.ones((1, 2), np.float32)]


def test_an_interpreter_that_answers_the_same_is_seen(tmp_path):
    older = python_that(tmp_path, 'onnxruntime.__version__ = "1.3.9"')
    found = load_elsewhere(doubler(), INPUTS, [Path(sys.executable), older])
    assert found.problems == {HERE: "", "1.3.9": ""} and found.oldest == "1.3.9"
    assert "seen to load and answer on ONNX Runtime 1.3.9" in loaded_note("v", found)


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("def broken(*_, **__): raise RuntimeError('opset 18')\nonnxruntime.InferenceSession = broken", "opset 18"),
        ("import numpy\nkept = numpy.savez\nnumpy.savez = lambda f, **o: kept(f, **{n: a + 1 for n, a in o.items()})",
         "logits differ by 1"),
    ],
)  # fmt: skip
def test_a_refusal_and_another_answer_are_no_proof(tmp_path, does, problem):
    older = python_that(tmp_path, f'onnxruntime.__version__ = "1.3.9"\n{does}')
    found = load_elsewhere(doubler(), INPUTS, [older])
    assert problem in found.problems["1.3.9"] and found.oldest == HERE and found.moved == 0
    assert "not on 1.3.9" in loaded_note("v", found)


def test_what_was_not_tried_is_derived_and_says_so():
    assert "1.22 would do by its opset, untried" in loaded_note("v", load_elsewhere(doubler(), INPUTS, []))
    assert load_elsewhere(doubler(23), INPUTS, []).floor == "1.23"


def test_an_interpreter_without_onnxruntime_is_one_line(tmp_path):
    for python, told in (
        (tmp_path / "none", "cannot be run"),
        (python_that(tmp_path, "import nothing_here"), "install"),
    ):
        with pytest.raises(InputError, match=f"--onnxruntime .*{told}"):
            load_elsewhere(doubler(), INPUTS, [python])
