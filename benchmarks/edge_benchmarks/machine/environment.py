"""Where a number came from: the machine's identity, its conditions while measuring, and the versions in use."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from edge_benchmarks.machine.throttling import cooling_state, firmware_throttled, system_text, throttle_count
from edge_runtime import cpus

FLAGS = {
    "x86_64": (
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avx_vnni",
        "avx512f",
        "avx512_vnni",
        "avx512_bf16",
        "amx_int8",
        "amx_bf16",
    ),
    "aarch64": ("asimd", "asimddp", "i8mm", "bf16", "fphp", "asimdhp", "sve", "sve2", "sme"),
}
"""Instruction sets that decide which kernels run, by the kernel's own names; `asimddp` is Arm's dot product."""

PACKAGES = (
    "edge-runtime",
    "edge-benchmarks",
    "edge-toolchain",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "pillow",
    "tokenizers",
)

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def capture() -> dict[str, Any]:
    """Describe this machine in three kinds; no host name, user name or path is in it.

    Returns:
        `identity`: what must be alike for two latencies to be comparable. `conditions`: what decides whether a
        measurement is valid. `versions`: what is often being compared. Facts that this system does not tell are None.
    """
    return {"identity": identity(), "conditions": conditions(), "versions": versions()}


def identity() -> dict[str, Any]:
    """Return what the machine is: processor, instruction sets, cores, limits, memory, operating system."""
    seen = cpus.flags()
    return {
        "cpu": cpus.cpu_name(),
        "architecture": cpus.architecture(),
        "instruction_set": cpus.instruction_set(),
        "flags": [flag for flag in FLAGS.get(cpus.architecture(), ()) if flag in seen],
        "cores_physical": psutil.cpu_count(logical=False),
        "cores_logical": psutil.cpu_count(),
        "affinity": _affinity(),
        "cgroup_cpus": cpus.cgroup_quota(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": _gpus(),
        "board": system_text(Path("/proc/device-tree/model")),
        "virtual": "hypervisor" in seen,
        "os": platform.system(),
        "os_release": _os_release(),
    }


def conditions() -> dict[str, Any]:
    """Return the state of the machine now: load, clock and its governor, throttling, and what guests took."""
    times = psutil.cpu_times()
    return {
        "load_average": [round(load, 2) for load in psutil.getloadavg()],
        "governor": system_text(_GOVERNOR),
        "steal_seconds": getattr(times, "steal", None),
        "memory_available_bytes": psutil.virtual_memory().available,
        "throttle_count": throttle_count(),
        **look(),
    }


def look() -> dict[str, Any]:
    """Return the few conditions that can change within a second: clock, temperature, and what slows the CPU now."""
    return {
        "frequency_mhz": _frequency(),
        "temperature_celsius": _temperature(),
        "cooling_state": cooling_state(),
        "firmware_throttled": firmware_throttled(),
    }


class CpuWatch:
    """Tells how much of the CPUs other programs, and other guests of the host, took since it was made."""

    def __init__(self) -> None:
        self._start = self._now()

    def conditions(self) -> dict[str, Any]:
        """Return `others_cpus`: CPUs' worth of time used by others, on average; and `steal_cpus`, part of it."""
        elapsed, busy, own, steal = (now - then for now, then in zip(self._now(), self._start, strict=True))
        elapsed = max(elapsed, 1e-3)
        return {"others_cpus": round(max(busy - own, 0.0) / elapsed, 2), "steal_cpus": round(steal / elapsed, 2)}

    @staticmethod
    def _now() -> tuple[float, float, float, float]:
        """Return seconds: of the clock, of all work on all CPUs, of this process and its children, stolen."""
        system, this = psutil.cpu_times(), psutil.Process()
        own = sum(this.cpu_times()[:4])
        for child in this.children(recursive=True):
            with suppress(psutil.Error):  # it may have ended just now; then its time is this process's
                own += sum(child.cpu_times()[:4])
        steal = getattr(system, "steal", 0.0)
        parts = (getattr(system, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return time.perf_counter(), sum(parts) + steal, own, steal


def versions() -> dict[str, str]:
    """Return the version of Python and of each package of `PACKAGES` that is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def _gpus() -> list[str]:
    """Name the NVIDIA GPUs with their memory and driver, as `nvidia-smi` tells; other makers' are not seen."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.splitlines() if line.strip()]


def _affinity() -> int | None:
    """Return on how many logical CPUs this process may run."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return None


def _frequency() -> float | None:
    """Return the fastest core's clock: what is measured runs there, and idle cores say nothing."""
    try:
        clocks = [one.current for one in psutil.cpu_freq(percpu=True)]
    except (OSError, NotImplementedError, AttributeError):
        return None
    return round(max(clocks), 1) if clocks else None


def _temperature() -> float | None:
    """Return the hottest sensor's reading."""
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    return max((sensor.current for group in psutil.sensors_temperatures().values() for sensor in group), default=None)


def _os_release() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, kernel {platform.release()}"
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
