"""Which execution provider ran each operator, by ONNX Runtime's own profile: what was asked for may not be what ran."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge_runtime import Model

_KERNEL = "_kernel_time"
_FREE = 1
"""Length given to a free axis."""


def operators_of(model: Model) -> dict[str, int]:
    """Return execution provider to operators that it ran, for one inference of a loaded variant."""
    data = model.bundle.read(model.variant.file)
    threads = model.session.get_session_options().intra_op_num_threads
    return profiled_operators(data, model.session.get_providers(), model.variant.session, threads)


def profiled_operators(
    model: bytes, providers: list[str], options: Mapping[str, str], threads: int = 1
) -> dict[str, int]:
    """Run a model once with ONNX Runtime's profiler and count the operators of each execution provider.

    Args:
        model: The ONNX file's bytes.
        providers: Execution providers in order.
        options: Session options, as a bundle's variant has them.
        threads: Of the session.
    """
    from edge_runtime.devices import provider_options
    from edge_runtime.session import import_onnxruntime, make_settings

    ort = import_onnxruntime()
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        settings = make_settings(ort, threads or 1, options)
        settings.enable_profiling = True
        settings.profile_file_prefix = str(Path(folder) / "profile")
        started = [(name, provider_options(name, "")) for name in providers]
        session = ort.InferenceSession(model, settings, providers=started, enable_fallback=0)
        session.run(None, {one.name: example_tensor(one.shape, one.type) for one in session.get_inputs()})
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    kernels = {
        event["name"]: event["args"].get("provider", "")
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL)
    }
    return dict(Counter(provider for provider in kernels.values() if provider).most_common())


def example_tensor(shape: list[Any], type_: str, batch: int = _FREE, seed: int = 0) -> NDArray[Any]:
    """Return a seeded input of a session's own signature.

    Args:
        shape: Sides; one that is no number is free. A free first side is `batch`, other free ones are 1.
        type_: ONNX Runtime's name of the element type.
        batch: Length of a free first axis.
        seed: Of the values: standard normal for floats, 0 and 1 for integers.
    """
    sides = [side if isinstance(side, int) and side > 0 else (_FREE if at else batch) for at, side in enumerate(shape)]
    rng = np.random.default_rng(seed)
    kind = _DTYPES.get(type_, "float32")
    if np.dtype(kind).kind == "f":
        return rng.standard_normal(sides).astype(kind)
    return rng.integers(0, 2, sides).astype(kind)


_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names of element types, in numpy's words."""
