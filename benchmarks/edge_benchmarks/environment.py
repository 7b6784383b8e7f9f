"""Where a number came from: the machine's identity, its conditions while measuring, and the versions in use."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

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

_CPU0 = Path("/sys/devices/system/cpu/cpu0/cpufreq")


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
        "board": _text(Path("/proc/device-tree/model")),
        "virtual": "hypervisor" in seen,
        "os": platform.system(),
        "os_release": _os_release(),
    }


def conditions() -> dict[str, Any]:
    """Return the state of the machine now: load, clock rate and governor, and CPU time taken by other guests."""
    times = psutil.cpu_times()
    return {
        "load_average": [round(load, 2) for load in psutil.getloadavg()],
        "governor": _text(_CPU0 / "scaling_governor"),
        "frequency_mhz": _frequency(),
        "steal_seconds": getattr(times, "steal", None),
        "memory_available_bytes": psutil.virtual_memory().available,
        "temperature_celsius": _temperature(),
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
        system, own = psutil.cpu_times(), psutil.Process().cpu_times()
        steal = getattr(system, "steal", 0.0)
        parts = (getattr(system, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return time.perf_counter(), sum(parts) + steal, sum(own[:4]), steal


def versions() -> dict[str, str]:
    """Return the version of Python and of each package of `PACKAGES` that is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _affinity() -> int | None:
    """Return on how many logical CPUs this process may run."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return None


def _frequency() -> float | None:
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError, AttributeError):
        return None
    return round(frequency.current, 1) if frequency else None


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


def _text(path: Path) -> str | None:
    """Return a small system file's text, or None where it is not there or not for us."""
    try:
        return path.read_text(encoding="utf-8").strip().strip("\0") or None
    except (OSError, UnicodeDecodeError):
        return None
