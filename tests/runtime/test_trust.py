"""Nothing unverified reaches ONNX Runtime, no other file is opened for a model, and no bundle ends the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edge_runtime.model
from edge_runtime import load
from edge_runtime.bundle import read_bundle
from edge_runtime.errors import BundleError, EdgeError, InputError, IntegrityError
from edge_runtime.session import create_session, prepare_session


def test_only_verified_bytes_reach_onnx_runtime(
    directory: Path, draft: Any, make_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def traced(model: bytes, **options: Any) -> Any:
        seen.append(model)
        return prepare_session(model, **options)

    monkeypatch.setattr(edge_runtime.model, "prepare_session", traced)
    load(directory, variant="cpu-fp32")
    signed = {entry.sha256 for entry in draft.manifest().files}
    assert len(seen) == 1 and {hashlib.sha256(model).hexdigest() for model in seen} <= signed
    seen.clear()
    # Swapped between the listing and the reading, for another valid model of the same size.
    (directory / "models/cpu-fp32.onnx").write_bytes(make_model(seed=4))
    with pytest.raises(IntegrityError, match=r"models/cpu-fp32\.onnx is not what the manifest signed off"):
        load(directory, variant="cpu-fp32")
    assert seen == []


def _external(location: str, wrap: Callable[[TensorProto], onnx.GraphProto]) -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("offset", "0"), ("location", location), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(wrap(tensor), opset_imports=opset, ir_version=9).SerializeToString()


def _graph(nodes: list[Any], initializers: list[Any]) -> onnx.GraphProto:
    info = helper.make_tensor_value_info
    shape = [info("x", TensorProto.FLOAT, [4])], [info("y", TensorProto.FLOAT, [4])]
    return helper.make_graph(nodes, "g", *shape, initializers)


def _as_initializer(tensor: TensorProto) -> onnx.GraphProto:
    return _graph([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])


def _as_constant(tensor: TensorProto) -> onnx.GraphProto:
    nodes = [helper.make_node("Constant", [], ["w"], value=tensor), helper.make_node("Add", ["x", "w"], ["y"])]
    return _graph(nodes, [])


def _in_a_branch(tensor: TensorProto) -> onnx.GraphProto:
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["z"])],
        "b",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [4])],
        [tensor],
    )
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=yes),
        helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
    ]
    return _graph(nodes, [])


@pytest.mark.parametrize("wrap", [_as_initializer, _as_constant, _in_a_branch])
@pytest.mark.parametrize("location", ["weights.bin", "../planted/weights.bin", "absolute", "*/_ORT_MEM_ADDR_/*"])
def test_external_data_is_refused_before_onnx_runtime_can_open_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Any, location: str
) -> None:
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(np.ones(4, np.float32).tobytes())
    monkeypatch.chdir(folder)

    def reached(*_: Any, **__: Any) -> Any:
        raise AssertionError("ONNX Runtime was given the model")

    monkeypatch.setattr("onnxruntime.InferenceSession", reached)
    model = _external(str(folder / "weights.bin") if location == "absolute" else location, wrap)
    with pytest.raises(BundleError, match=r"another file .external data.; export it with them inside"):
        create_session(model, threads=1)


def _reordered(model: bytes) -> bytes:
    """Spell the entry as no writer does: value before key, and lengths in more bytes than needed."""
    plain = b"\x6a\x1a\n\x08location\x12\x0bweights.bin\x1a\x00"
    entry = b"\n\x88\x00location"
    value = b"\x12\x0bweights.bin"
    spelled = b"\x6a" + bytes([len(entry) + len(value)]) + value + entry
    at = model.index(b"\n\x08location") - 2
    old = model[at : at + 2 + model[at + 1]]
    assert old[0] == 0x6A and len(old) <= len(plain) and len(spelled) == len(old) + 1
    # One byte longer: the lengths of the tensor and of the graph around it grow by one.
    parsed = onnx.ModelProto.FromString(model)
    tensor = parsed.graph.initializer[0].SerializeToString()
    longer = tensor.replace(old, spelled)
    graph = parsed.graph.SerializeToString()
    new_graph = graph.replace(bytes([len(tensor)]) + tensor, bytes([len(longer)]) + longer)
    return model.replace(bytes([len(graph)]) + graph, bytes([len(new_graph)]) + new_graph)


def test_external_data_is_found_however_it_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _reordered(_external("weights.bin", _as_initializer))
    read = onnx.ModelProto.FromString(model).graph.initializer[0]
    assert {entry.key: entry.value for entry in read.external_data}["location"] == "weights.bin"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="external data"):
        create_session(model, threads=1)


def test_the_word_location_alone_is_no_external_data(make_model: Any) -> None:
    model = onnx.ModelProto.FromString(make_model())
    model.graph.doc_string = "\n\x08location\x12 allocation"
    entry = model.metadata_props.add()
    entry.key, entry.value = "location", "the shop floor"
    assert create_session(model.SerializeToString(), threads=1)


def test_other_formats_than_onnx_are_refused(make_model: Any) -> None:
    for model, words in (
        (b"\x1c\x00\x00\x00ORTM" + bytes(64), "own format"),
        (b"", "refuses the model"),
        (b"location\xff", "not a valid ONNX file"),
        (b"\x3a\xff\xff\xff\xff\x0flocation", "not a valid ONNX file"),
        (make_model()[:-100], "refuses the model"),
    ):
        with pytest.raises(BundleError, match=words):
            create_session(model, threads=1)


def test_corrupt_models_that_were_signed_off_do_not_end_the_process(make_model: Any, tmp_path: Path) -> None:
    """ONNX Runtime parses what the manifest signed, right or wrong: an answer or a typed error, never an abort."""
    (tmp_path / "model.onnx").write_bytes(make_model())
    script = """
        import random, sys
        from edge_runtime.session import create_session
        from edge_runtime.errors import EdgeError
        model, chooser = bytearray(open(sys.argv[1], "rb").read()), random.Random(0)
        structure = [*range(300), *range(len(model) - 300, len(model))]
        refused = 0
        for _ in range(400):
            spoiled = bytearray(model)
            for _ in range(chooser.randrange(1, 4)):
                spoiled[chooser.choice(structure)] = chooser.randrange(256)
            try:
                create_session(bytes(spoiled), threads=1)
            except EdgeError as error:
                assert "\\n" not in str(error), error
                refused += 1
        print(refused)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "model.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.splitlines()[-1]) > 100


def test_each_refusal_says_where_what_and_what_to_do(directory: Path, archive: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.edge"
    os.mkfifo(pipe)
    (tmp_path / "folder").mkdir()
    for source, kind, words in (
        (pipe, InputError, "neither a file nor a directory; give"),
        ("/dev/null", InputError, "neither a file nor a directory; give"),
        ("a\0b", InputError, r"'a\\x00b': no such bundle; give|not a path"),
        ("x" * 5000, BundleError, "cannot be read .File name too long.; check"),
        ("", IntegrityError, "manifest.json: missing; copy"),
        (tmp_path / "folder", IntegrityError, "manifest.json: missing; copy"),
        (None, InputError, "not a path or bytes; give"),
        (object(), InputError, "not a path or bytes; give"),
        (np.zeros(3), InputError, "not a path or bytes; give"),
        ([archive], InputError, "not a path or bytes; give"),
    ):
        with pytest.raises(kind, match=words) as caught:
            read_bundle(source)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_place_without_permission_says_so(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    for name in ("scandir", "open"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, denied)
            with pytest.raises(BundleError, match="Permission denied"):
                read_bundle(directory)
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", denied)
        with pytest.raises(BundleError, match=r"Permission denied.; check its permissions"):
            read_bundle(directory)


def test_a_file_that_no_memory_holds_is_a_typed_error(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = read_bundle(directory)

    def exhausted(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(edge_runtime.bundle, "read", exhausted)
    with pytest.raises(EdgeError, match=r"no memory for the \d+ bytes of golden/0.png; free some"):
        bundle.read("golden/0.png")


def test_a_pin_is_checked_before_the_manifest_is_parsed(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: bytes) -> Any:
        raise AssertionError("parsed before it was trusted")

    monkeypatch.setattr("edge_runtime.bundle.manifest_from_json", parsed)
    with pytest.raises(IntegrityError, match="is required"):
        load(archive, sha256="0" * 64)
    with pytest.raises(IntegrityError, match=r"manifest\.sha256 says otherwise"):
        load(archive.read_bytes().replace(b'"animals"', b'"animalz"'))


def test_deep_json_in_a_signed_manifest_is_a_typed_error(draft: Any, lay_out: Any, tmp_path: Path) -> None:
    for at, depth in enumerate((33, 300, 900, 2000, 100_000)):
        data = draft.seal()["manifest.json"].replace(b'"seed": 3', b'"seed": ' + b"[" * depth + b"]" * depth)
        digest = f"{hashlib.sha256(data).hexdigest()}\n".encode()
        files = {**draft.seal(), "manifest.json": data, "manifest.sha256": digest}
        with pytest.raises(BundleError):
            read_bundle(lay_out(tmp_path / str(at), files))
