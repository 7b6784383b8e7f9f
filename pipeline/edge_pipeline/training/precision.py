"""Which number format the matrix work runs in."""

from typing import TYPE_CHECKING, Any, Literal

from edge_pipeline.training.config import Precision
from edge_runtime.errors import MachineError

if TYPE_CHECKING:
    import torch

MixedPrecision = Literal["no", "bf16", "fp16"]
"""accelerate's words."""


def choose_precision(wanted: Precision, device: "torch.device") -> MixedPrecision:
    """Turn the user's wish into accelerate's word for this device.

    Raises:
        MachineError: fp16 was asked for on a device that does not train in it.
    """
    if wanted == "fp16" and device.type != "cuda":
        raise MachineError(
            f"--precision fp16: not on {device.type}, which trains in bf16 or fp32; use --precision auto"
        )
    if wanted == "auto":
        return "bf16" if _computes_bf16(device) else "no"
    return "no" if wanted == "fp32" else wanted


def _computes_bf16(device: "torch.device") -> bool:
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Without these instructions oneDNN emulates bf16, several times slower than fp32.
    known = torch.backends.cpu.get_cpu_capability()
    flags = _cpu_flags()
    return known.startswith("AVX512") and ("avx512_bf16" in flags or "amx_bf16" in flags)


def _cpu_flags() -> set[str]:
    from pathlib import Path

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux: no cheap way to ask, and fp32 is always right
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.split())


def make_accelerator(wanted: Precision) -> Any:
    """Return accelerate's `Accelerator` for this process, in the wanted number format.

    Raises:
        MachineError: the device does not train in that format.
    """
    import torch
    from accelerate import Accelerator, PartialState
    from accelerate.state import AcceleratorState

    # Said outright, or several processes of one CPU machine would each think that they are alone.
    cpu = not torch.accelerator.is_available()
    device = PartialState(cpu=cpu).device
    assert device is not None
    # The state is one for the process and keeps the first training's number format; a second training chooses anew.
    AcceleratorState._reset_state(reset_partial_state=False)
    return Accelerator(cpu=cpu, mixed_precision=choose_precision(wanted, device))
