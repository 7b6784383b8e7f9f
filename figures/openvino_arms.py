"""OpenVINO as a peer: one network in the three forms that it is measured in, at one thread."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

OPENVINO = ("OpenVINO fp32", "OpenVINO bf16", "OpenVINO int8")
"""Names of its arms."""


def openvino_arms(model: Any, quantized: Any, example: NDArray[Any]) -> dict[str, Callable[[], object]]:
    """Return calls that answer `example`: in fp32 and bf16, and of the network that NNCF quantized.

    Args:
        model: Its `openvino.Model`.
        quantized: The same after `nncf.quantize`.
        example: The only input.
    """
    import openvino

    core = openvino.Core()

    def arm(network: Any, precision: str) -> Callable[[], object]:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": 1,
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,
        }
        request = core.compile_model(network, "CPU", settings).create_infer_request()
        return lambda: request.infer([example])

    forms = zip(OPENVINO, ((model, "f32"), (model, "bf16"), (quantized, "f32")), strict=True)
    return {name: arm(network, precision) for name, (network, precision) in forms}
