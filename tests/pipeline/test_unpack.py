"""`edge unpack`: what it writes runs elsewhere and answers the same, or nothing is written."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.bundle_writer import seal, write_bundle
from edge_runtime import load
from edge_runtime.errors import ExitCode
from edge_runtime.manifest import Manifest, TensorInfo, Unknown, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize, preprocessing_from_dict

LABELS = ("cat", "größe, schräg", "owl")


def _model(seed: int) -> bytes:
    weights = np.random.default_rng(seed).normal(size=(192, 3)).astype(np.float32)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])],
        "tiny",
        [info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    return onnx.helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two variants, one of which needs session options and withholds answers."""
    signature = (TensorInfo("image", "float32", ("n", 3, 8, 8)),), (TensorInfo("logits", "float32", ("n", 3)),)
    options = {"session.x64quantprecision": "1", "graph_optimization_level": "basic"}
    rule = Unknown(temperature=1.25, threshold=0.5, precision=1)  # an integer: the reader will see a float
    variants = (
        Variant("cpu-int8", "v/a.onnx", "int8", "cpu", *signature, False, 0.1, session=options, unknown=rule),
        Variant("cpu-fp32", "v/b.onnx", "fp32", "cpu", *signature, False, 0.1),
    )
    contract = ImagePreprocessing(Resize(8, 8), 8, 8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    files = {"v/a.onnx": _model(1), "v/b.onnx": _model(2), "golden.json": b"{}"}
    manifest = Manifest(
        "tiny", "1.0", "image-classification", LABELS, contract, variants, "golden.json", "", (), {}, {}
    )
    out = tmp_path / "tiny.edge"
    write_bundle(out, seal(manifest, files)[1])
    return out


def test_what_is_unpacked_answers_as_the_bundle_does(run, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "plain"
    code, printed, _ = run("unpack", bundle, out, "--json")
    document = json.loads(printed)
    assert code == ExitCode.OK
    assert sorted(document["files"]) == sorted(path.name for path in out.iterdir())
    assert document["files"] == ["cpu-int8.onnx", "cpu-fp32.onnx", "labels.txt", "preprocessing.json", "README.md"]
    assert tuple((out / "labels.txt").read_text(encoding="utf-8").splitlines()) == LABELS
    model = load(bundle, variant="cpu-int8", threads=1)
    assert preprocessing_from_dict(json.loads((out / "preprocessing.json").read_text())) == model.manifest.preprocessing
    # The note's own lines set the session up.
    note = (out / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", note, re.DOTALL)
    scope = {"onnxruntime": onnxruntime}
    exec(block, scope)
    options = scope["options"]
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(out / "cpu-int8.onnx", options, providers=["CPUExecutionProvider"])
    batch = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(session.run(None, {"image": batch})[0], model.infer(batch))
    for words in ("temperature 1.25", "below a probability of 0.5", model.content_id, "input `image`: float32"):
        assert words in note


def test_one_variant_alone(run, bundle: Path, tmp_path: Path) -> None:
    code, printed, _ = run("unpack", bundle, tmp_path / "plain", "--variant", "cpu-fp32")
    assert code == ExitCode.OK and "cpu-fp32.onnx" in printed
    assert [path.name for path in (tmp_path / "plain").glob("*.onnx")] == ["cpu-fp32.onnx"]
    assert "cpu-int8" not in (tmp_path / "plain" / "README.md").read_text(encoding="utf-8")


def test_a_refusal_leaves_nothing_behind(run, bundle: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.edge"
    data = bytearray(bundle.read_bytes())
    data[-400] ^= 1
    spoiled.write_bytes(data)
    taken, link = tmp_path / "taken", tmp_path / "link"
    taken.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    for arguments, words in (
        ((spoiled, tmp_path / "plain"), "copy"),
        ((tmp_path / "none.edge", tmp_path / "plain"), "no such bundle"),
        ((bundle, taken), "is there already; remove it"),
        ((bundle, link), "is there already; remove it"),
        ((bundle, tmp_path / "a" / "b"), "does not exist; create it"),
        ((bundle, tmp_path / "plain", "--variant", "cuda-fp16"), "this bundle has cpu-int8, cpu-fp32"),
    ):
        code, printed, error = run("unpack", *arguments, "--json")
        assert code == ExitCode.INPUT and words in error, (arguments, error)
        assert json.loads(printed)["exit_code"] == ExitCode.INPUT
        assert sorted(tmp_path.iterdir()) == before


def test_a_full_disk_leaves_nothing_behind(run, bundle: Path, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, error = run("unpack", bundle, tmp_path / "plain")
    assert code == ExitCode.INPUT and "No space left on device" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.edge"]
