"""ONNX Runtime sessions that are quiet, sized to the machine and on the device that was asked for."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any, Literal, TypeAlias

from edge_runtime._containers import Sealed
from edge_runtime._installation import (
    CUDA,
    cuda_is_available,
    import_onnxruntime,
    why_fallen_back,
    why_no_cuda,
    why_unavailable,
)
from edge_runtime._onnx_wire import check_self_contained
from edge_runtime.cpus import available_cpus, saturates
from edge_runtime.devices import make_cache, provider_options
from edge_runtime.errors import BundleError, InputError, MachineError

__all__ = [
    "GRAPH_OPTIMIZATION",
    "SESSION_OPTIONS",
    "Device",
    "Threads",
    "create_session",
    "cuda_is_available",
    "import_onnxruntime",
]

Device = Literal["cpu", "cuda"]
Threads: TypeAlias = int | Literal["shared"] | None
"""Threads of one inference: how many, or `shared` for one pool of all models of the process, or None for all CPUs."""

SESSION_OPTIONS = (
    "mlas.enable_gemm_fastmath_arm64_bfloat16",
    "optimization.disable_specified_optimizers",
    "optimization.enable_gelu_approximation",
    "session.disable_prepacking",
    "session.disable_quant_qdq",
    "session.enable_quant_qdq_cleanup",
    "session.force_spinning_stop",
    "session.inter_op.allow_spinning",
    "session.intra_op.allow_spinning",
    "session.qdqisint8allowed",
    "session.set_denormal_as_zero",
    "session.use_device_allocator_for_initializers",
    "session.x64quantprecision",
)
"""Configuration entries that a bundle may ask for. Others can write files or read them, so a bundle may not."""
GRAPH_OPTIMIZATION = "graph_optimization_level"
"""Reserved name among the options: `disabled`, `basic`, `extended` or `all` (the default)."""
_LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
_FATAL = 4
"""Log severity: ONNX Runtime's errors reach the caller as exceptions, so it need not print them too."""

_creating = threading.Lock()
_pool_is_shared = False


def _renew_lock() -> None:
    global _creating  # noqa: PLW0603 - a thread of the parent may have held it when the process forked
    _creating = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def create_session(model: bytes, **asked: Any) -> Any:
    """Make an `onnxruntime.InferenceSession` of a model's bytes; arguments and errors are `prepare_session`'s."""
    return prepare_session(model, **asked)()


def prepare_session(
    model: bytes | Sealed,
    *,
    device: Device = "cpu",
    threads: Threads = None,
    options: Mapping[str, str] | None = None,
    providers: Sequence[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Callable[[], Any]:
    """Check everything first, and return what makes the `onnxruntime.InferenceSession`, without Python's lock.

    Bytes, or a path to bytes that nobody can change, and no external data: nothing unverified reaches ONNX Runtime.

    Args:
        model: The ONNX file's bytes.
        device: Where it must run; anything else than what was asked for is an error.
        threads: Of the intra-op pool; by default the CPUs that this process may use. `shared` runs the session on one
            pool of that size, which all sessions of the process have in common from then on: None means the same, and
            a number is refused (ONNX Runtime 1.23 and newer).
        options: Entries of `SESSION_OPTIONS`, and `graph_optimization_level`.
        providers: Execution providers in order, instead of the device's; the first one must be active.
        cache: Directory where providers may keep compiled models, each model's in a folder of its SHA-256.

    Raises:
        MachineError: the provider is not available, or the session fell back to another.
        BundleError: ONNX Runtime refuses the model, or an option is not allowed.
        InputError: `threads` is not positive.
    """
    ort = import_onnxruntime()
    if not (threads is None or threads == "shared" or (isinstance(threads, int) and threads > 0)):
        raise InputError(
            f"threads={threads!r}: a positive number or 'shared' is expected; leave it out for all this process may use"
        )
    check_self_contained(model)
    wanted = list(providers) if providers else [_PROVIDERS[device]]
    missing = [name for name in wanted if name not in ort.get_available_providers()]
    if missing:
        raise MachineError(why_unavailable(missing[0], ort))
    settings = make_settings(ort, threads, options or {})
    digest = hashlib.sha256(model).hexdigest() if cache is not None else ""
    started = [(name, provider_options(name, digest, cache)) for name in wanted]
    for name, provider in started:
        make_cache(name, provider)
    return partial(_make, ort, model, settings, wanted[0], started)


def _make(
    ort: ModuleType, model: bytes | Sealed, settings: Any, wanted: str, started: list[tuple[str, dict[str, str]]]
) -> Any:
    # Other providers than the plain one could write beside a path, or name what they keep by it.
    given = model.path if isinstance(model, Sealed) and started == [(_PROVIDERS["cpu"], {})] else bytes(model)
    try:
        with _creating:
            # ONNX Runtime's own fallback would print to stdout and try again with other providers.
            session = ort.InferenceSession(given, settings, providers=started, enable_fallback=0)
    except Exception as error:  # its exceptions have no common base that is public
        if wanted == CUDA and (cause := why_no_cuda(ort)):
            raise MachineError(cause) from error
        raise BundleError(f"ONNX Runtime {ort.__version__} refuses the model: {first_line(error)}") from error
    if session.get_providers()[0] != wanted:
        raise MachineError(why_fallen_back(wanted, ort))
    session.disable_fallback()  # for ONNX Runtimes that do not know the argument
    return session


_PROVIDERS: dict[str, str] = {"cpu": "CPUExecutionProvider", "cuda": CUDA}


def abandon(session: Any) -> None:
    """Keep a session that a fork left without its threads from ever being destroyed: that would wait for them."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


def make_settings(ort: ModuleType, threads: Threads, options: Mapping[str, str]) -> Any:
    """Return the `SessionOptions` of every session."""
    settings = ort.SessionOptions()
    if threads == "shared" or (threads is None and _pool_is_shared):
        _share_threads(ort)
        settings.use_per_session_threads = False
    elif _pool_is_shared:  # ONNX Runtime has no way back
        raise InputError(f"threads={threads}: an earlier model made this process share one pool; give threads='shared'")
    else:
        settings.intra_op_num_threads = threads or available_cpus()
        settings.inter_op_num_threads = 1
    # The arena stays on: without it the C library's heap splinters (figures/runtime/memory.py), and runs are no faster.
    settings.log_severity_level = _FATAL
    for name, value in options.items():
        if name == GRAPH_OPTIMIZATION and value in _LEVELS:
            settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, _LEVELS[value])
        elif name in SESSION_OPTIONS:
            settings.add_session_config_entry(name, value)
        else:
            raise BundleError(
                f"session option {name}={value!r} is not allowed in a bundle; upgrade edge-runtime or remove it"
            )
    defaults = {"session.force_spinning_stop": "1"}  # threads spin within a run, for speed, and sleep after it
    if saturates():  # kernels that clamp sums to 16 bits would give other answers than those that were proven
        defaults["session.x64quantprecision"] = "1"
    for name, value in defaults.items():
        if name not in options:
            settings.add_session_config_entry(name, value)
    return settings


def _share_threads(ort: ModuleType) -> None:
    """Make the pool that sessions of this process can share; it can be made only once."""
    global _pool_is_shared  # noqa: PLW0603 - as it is ONNX Runtime's: one for the process, for good
    if not hasattr(ort, "set_global_thread_pool_sizes"):
        raise MachineError(f"threads='shared' is not in ONNX Runtime {ort.__version__}; upgrade it, or give a number")
    with _creating:
        try:
            ort.set_global_thread_pool_sizes(available_cpus(), 1)
        except Exception as error:  # its exceptions have no common base that is public
            if "already" not in str(error):
                raise MachineError(f"threads='shared': no pool could be made: {first_line(error)}") from error
        _pool_is_shared = True


def first_line(error: BaseException) -> str:
    """Return an error's text on one line, without ONNX Runtime's source positions."""
    text = " ".join(str(error).split())
    return re.sub(r"/\S+/onnxruntime/\S+:\d+ \S+", "", text)[:400]
