"""Providers: caches that no two models share, and buffers that stay on the device."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import edge_runtime
from edge_runtime.devices import DeviceBuffers, make_cache, provider_options
from edge_runtime.errors import MachineError
from edge_runtime.session import create_session, cuda_is_available

COMPILING = ("TensorrtExecutionProvider", "OpenVINOExecutionProvider", "CoreMLExecutionProvider")


@pytest.mark.parametrize("provider", COMPILING)
def test_two_fine_tunes_of_one_architecture_share_no_cache(make_model: Any, tmp_path: Path, provider: str) -> None:
    models = [make_model(seed=seed) for seed in (1, 2)]
    assert len(models[0]) == len(models[1])
    digests = [hashlib.sha256(model).hexdigest() for model in models]
    folders = []
    for digest in digests:
        options = provider_options(provider, digest, tmp_path)
        make_cache(provider, options)
        folders.append({value for value in options.values() if value.startswith(str(tmp_path))})
    assert folders[0] and not folders[0] & folders[1]
    assert all(Path(folder).is_dir() for found in folders for folder in found)


@pytest.mark.parametrize("provider", [*COMPILING, "CUDAExecutionProvider", "CPUExecutionProvider"])
def test_nothing_is_kept_unless_the_user_names_a_place(provider: str) -> None:
    assert not any("cache" in name or "path" in name for name in provider_options(provider, "0" * 64))


def test_a_cache_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    options = provider_options("TensorrtExecutionProvider", "0" * 64, file)
    with pytest.raises(MachineError, match="cannot keep compiled models"):
        make_cache("TensorrtExecutionProvider", options)


def test_bound_buffers_answer_as_plain_runs_do_and_own_what_they_gave(make_model: Any, make_variant: Any) -> None:
    session, item = create_session(make_model(), threads=1), make_variant()
    bound = DeviceBuffers(session, item.inputs[0], item.outputs[0], device="cpu")
    random = np.random.default_rng(0)
    given = []
    for size in (1, 2, 1, 7, 8, 9, 3, 1):  # more sizes than are kept
        tensor = random.normal(size=(size, *item.inputs[0].shape[1:])).astype(np.float32)
        given.append((bound(tensor), session.run(None, {"image": tensor})[0]))
    assert all(np.array_equal(*pair) for pair in given)


def test_bound_buffers_answer_each_thread_its_own(make_model: Any, make_variant: Any) -> None:
    session, item = create_session(make_model(), threads=1), make_variant()
    bound = DeviceBuffers(session, item.inputs[0], item.outputs[0], device="cpu")
    tensors = np.random.default_rng(0).normal(size=(4, 1, *item.inputs[0].shape[1:])).astype(np.float32)
    expected = [session.run(None, {"image": tensor})[0] for tensor in tensors]
    before = tensors.copy()
    wrong: list[int] = []

    def ask(at: int) -> None:
        wrong.extend(at for _ in range(200) if not np.array_equal(bound(tensors[at]), expected[at]))

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert np.array_equal(tensors, before), "a buffer shares memory with an input"


@pytest.mark.gpu
def test_a_cuda_variant_answers_as_the_cpu_does(make_draft: Any, make_variant: Any, make_picture: Any) -> None:
    if not cuda_is_available():
        pytest.skip(f"no CUDA: onnxruntime has {', '.join(onnxruntime.get_available_providers())}")
    draft = make_draft()
    draft.variants.append(make_variant("cuda-fp32", "models/cpu-fp32.onnx"))
    data = draft.archive()
    on_cuda, on_cpu = edge_runtime.load(data, device="cuda"), edge_runtime.load(data, variant="cpu-fp32")
    for seed in range(3):
        there, here = (model.predict(make_picture(seed)).probabilities for model in (on_cuda, on_cpu))
        np.testing.assert_allclose(there, here, rtol=1e-4)
