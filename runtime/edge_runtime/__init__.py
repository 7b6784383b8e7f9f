"""Run an edge bundle: `load(path).predict(image)`."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import (
    BundleError,
    EdgeError,
    EdgeWarning,
    InputError,
    IntegrityError,
    MachineError,
    RefusedError,
    SchemaError,
    SelfTestError,
)

if TYPE_CHECKING:
    from edge_runtime.cpus import available_cpus
    from edge_runtime.golden import SelfTestReport, selftest
    from edge_runtime.loading import load
    from edge_runtime.model import Model
    from edge_runtime.monitoring import Counts, Monitor
    from edge_runtime.prediction import Entity, Prediction
    from edge_runtime.slot import ModelSlot

__version__ = "0.1.0"

# ONNX Runtime's wheels send telemetry and write a device id as soon as anybody imports them, and their own switch comes
# too late. A value that the user set stays. `edge_runtime.session` warns where the import came first.
if "onnxruntime" not in sys.modules:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "BundleError",
    "Counts",
    "EdgeError",
    "EdgeWarning",
    "Entity",
    "InputError",
    "IntegrityError",
    "MachineError",
    "Model",
    "ModelSlot",
    "Monitor",
    "Prediction",
    "RefusedError",
    "SchemaError",
    "SelfTestError",
    "SelfTestReport",
    "__version__",
    "available_cpus",
    "load",
    "selftest",
]

# Imported when first used, so that a host pays for numpy and ONNX Runtime only when it loads a model.
_LAZY = {
    "Counts": "edge_runtime.monitoring",
    "Entity": "edge_runtime.prediction",
    "Model": "edge_runtime.model",
    "ModelSlot": "edge_runtime.slot",
    "Monitor": "edge_runtime.monitoring",
    "Prediction": "edge_runtime.prediction",
    "SelfTestReport": "edge_runtime.golden",
    "available_cpus": "edge_runtime.cpus",
    "load": "edge_runtime.loading",
    "selftest": "edge_runtime.golden",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
