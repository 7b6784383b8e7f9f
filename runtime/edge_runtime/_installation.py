"""Which ONNX Runtime is installed, and what is missing where it cannot do what was asked."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from types import ModuleType

from edge_runtime.errors import EdgeWarning, MachineError

CUDA = "CUDAExecutionProvider"
_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_FLAVOURS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-migraphx",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-silicon",
    "onnxruntime-training",
)
"""Distributions that install the import package `onnxruntime`; each overwrites the others' files."""
_METADATA = (".dist-info", ".egg-info")


def import_onnxruntime() -> ModuleType:
    """Import ONNX Runtime with its telemetry off, unless the user set `ORT_DISABLE_TELEMETRY` to something else.

    Raises:
        MachineError: no flavour of it is installed, or several that overwrite each other.
    """
    if _TELEMETRY not in os.environ:
        if "onnxruntime" in sys.modules:
            warnings.warn(
                f"onnxruntime was imported before edge_runtime, so its telemetry may be on; set {_TELEMETRY}=1 first",
                EdgeWarning,
                stacklevel=3,
            )
        os.environ[_TELEMETRY] = "1"
    flavours = installed_flavours()
    if len(flavours) > 1:
        raise MachineError(
            f"{' and '.join(flavours)} are installed and overwrite each other; keep one: "
            f"pip uninstall -y {' '.join(flavours)} && pip install {flavours[0]}"
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise MachineError(f'onnxruntime cannot be imported ({error}); run: pip install "edge-runtime[cpu]"') from error
    return onnxruntime  # type: ignore[no-any-return]


def installed_flavours() -> list[str]:
    """Return the installed distributions that own the import package `onnxruntime`.

    Read from the names of folders: `importlib.metadata` would take longer to import than a model to load.
    """
    found = set()
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:  # a zip file, or not there
            continue
        found |= {name.partition("-")[0].replace("_", "-") for name in names if name.endswith(_METADATA)}
    return [name for name in _FLAVOURS if name in found]


def get_hook_dirs() -> list[str]:
    """Tell PyInstaller, through the entry point `pyinstaller40`, where the runtime's hook is."""
    return [os.path.dirname(__file__)]


def gpu_count() -> int | None:
    """Return how many GPUs NVIDIA's driver sees, or None where its library cannot be loaded."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        seen = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
        return count.value if seen else 0
    return None


def cuda_is_available() -> bool:
    """Whether the installed ONNX Runtime was built with CUDA and the driver sees a GPU."""
    return CUDA in import_onnxruntime().get_available_providers() and bool(gpu_count())


def why_unavailable(provider: str, ort: ModuleType) -> str:
    """Say why a provider cannot be asked for, and what to install."""
    flavour = (installed_flavours() or ["the installed ONNX Runtime"])[0]
    text = f"{provider} is not in {flavour} {ort.__version__}, which has {', '.join(ort.get_available_providers())}"
    if provider == CUDA:
        text += f'; run: pip uninstall -y {flavour} && pip install "edge-runtime[gpu]"'
    return text


def why_fallen_back(provider: str, ort: ModuleType) -> str:
    """Say why a provider that was asked for is not the one that runs, and what to do."""
    cause = why_no_cuda(ort) if provider == CUDA else None
    return cause or f"{provider} did not start and ONNX Runtime would fall back to another; use device='cpu'"


def why_no_cuda(ort: ModuleType) -> str | None:
    """Say what CUDA lacks on this machine, and what to do; None where nothing is seen to be missing."""
    gpus = gpu_count()
    if gpus is None:
        return "device='cuda': no NVIDIA driver (libcuda.so.1) on this machine; install it, or use device='cpu'"
    if gpus == 0:
        return "device='cuda': NVIDIA's driver sees no GPU; see nvidia-smi and CUDA_VISIBLE_DEVICES, or use 'cpu'"
    if missing := _missing_library(ort):
        return f"device='cuda': {missing}; install that version of CUDA or cuDNN, or use device='cpu'"
    return None


def _missing_library(ort: ModuleType) -> str | None:
    """Return the loader's words about the first library that ONNX Runtime's CUDA provider cannot find."""
    suffix = "dll" if sys.platform == "win32" else "so"
    name = f"{'' if suffix == 'dll' else 'lib'}onnxruntime_providers_cuda.{suffix}"
    try:
        ctypes.CDLL(os.path.join(os.path.dirname(str(ort.__file__)), "capi", name))
    except OSError as error:
        text = str(error)
        # Its own symbols are found only inside ONNX Runtime; a library that is missing is told before.
        return None if "undefined symbol" in text else text
    return None
