"""Providers other than the plain CPU one: their options, their caches, and buffers that stay on the device."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime._installation import CUDA
from edge_runtime.errors import BundleError, MachineError
from edge_runtime.manifest import TensorInfo

if TYPE_CHECKING:
    import numpy.typing as npt

_ON_CUDA = (CUDA, "TensorrtExecutionProvider")
_CACHES = {
    "CoreMLExecutionProvider": "ModelCacheDirectory",
    "OpenVINOExecutionProvider": "cache_dir",
    "TensorrtExecutionProvider": "trt_engine_cache_path",
}
"""Provider to its option for a directory of compiled models."""
_OPTIONS = {
    # Trying every algorithm takes seconds for each new batch size and picks by time, so answers could change.
    # TF32 rounds the inputs of an fp32 variant to 10 bits: it would no longer answer as it was proven to.
    CUDA: {
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "0",
        "arena_extend_strategy": "kSameAsRequested",
    },
}
_KEPT = 4
"""Most batch sizes whose buffers are kept."""


def provider_options(provider: str, model_sha256: str, cache: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Return the options that a provider is started with.

    Args:
        provider: ONNX Runtime's name of it.
        model_sha256: Of the model's bytes. It names a directory of its own below `cache`, because TensorRT finds
            engines by the shape of the graph alone: of two fine-tunes of one architecture the wrong one would answer
            (onnxruntime#6455).
        cache: Where the user lets compiled models be kept; without it nothing is written.
    """
    options = dict(_OPTIONS.get(provider, {}))
    if cache is not None and provider in _CACHES:
        options[_CACHES[provider]] = os.path.join(os.path.abspath(cache), provider, model_sha256)
        if provider == "TensorrtExecutionProvider":
            options |= {"trt_engine_cache_enable": "1", "trt_engine_cache_prefix": model_sha256}
    return options


def make_cache(provider: str, options: dict[str, str]) -> None:
    """Make the directory that `provider_options` names.

    Raises:
        MachineError: it cannot be made.
    """
    folder = options.get(_CACHES.get(provider, ""))
    if folder is not None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"{folder}: cannot keep compiled models here ({error.strerror}); name another"
            ) from error


def runner(session: Any, given: TensorInfo, answer: TensorInfo) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Return the way from one input array to one output array that suits the session's provider.

    Args:
        session: An `onnxruntime.InferenceSession`.
        given: Its input.
        answer: The output to fetch; of shape (batch, n) where the provider is CUDA's.
    """
    if session.get_providers()[0] in _ON_CUDA:
        return DeviceBuffers(session, given, answer)
    fetch, name, run = [answer.name], given.name, session.run
    return lambda tensor: run(fetch, {name: tensor})[0]


class DeviceBuffers:
    """Runs a session with input and output buffers that stay on its device: a run copies the values, allocates nothing.

    Runs take turns, since they share the buffers.
    """

    def __init__(self, session: Any, given: TensorInfo, answer: TensorInfo, device: str = "cuda") -> None:
        self._session, self._given, self._answer, self._device = session, given, answer, device
        self._kept: dict[tuple[int, ...], tuple[Any, Any, Any]] = {}
        self._turn = threading.Lock()

    def __call__(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the output of one input."""
        with self._turn:
            kept = self.send(tensor)
            self._session.run_with_iobinding(kept[0])
            return self.fetch(kept)

    def send(self, tensor: npt.NDArray[Any]) -> tuple[Any, Any, Any]:
        """Copy an input to its buffer; return binding, source and target. A benchmark times it apart."""
        if tensor.shape not in self._kept:
            if len(self._kept) == _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[tensor.shape] = self._bind(tensor)
        kept = self._kept[tensor.shape]
        kept[1].update_inplace(np.ascontiguousarray(tensor))
        return kept

    def fetch(self, kept: tuple[Any, Any, Any]) -> npt.NDArray[Any]:
        """Copy the output of what `send` returned back."""
        # A CPU's buffer would otherwise be looked into while the next run writes it.
        return np.array(kept[2].numpy())

    def _bind(self, tensor: npt.NDArray[Any]) -> tuple[Any, Any, Any]:
        from onnxruntime import OrtValue

        sides = dict(zip(self._given.shape, tensor.shape, strict=True))  # an answer for each token is as long as them
        columns = [sides.get(side, side) for side in self._answer.shape[1:]]
        if not all(isinstance(side, int) for side in columns):
            raise BundleError(f"output {self._answer.name} has the free shape {self._answer.shape}; use device='cpu'")
        shape = [len(tensor), *columns]
        # On the CPU the value shares the array's memory, and the caller's would be written over by the next input.
        source = OrtValue.ortvalue_from_numpy(np.array(tensor), self._device, 0)
        target = OrtValue.ortvalue_from_shape_and_type(shape, np.dtype(self._answer.dtype), self._device, 0)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._given.name, source)
        binding.bind_ortvalue_output(self._answer.name, target)
        return binding, source, target
