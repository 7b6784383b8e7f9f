"""The CPUs of this process: how many it may use, which a quota decides in a container, and of which kind they are."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from functools import cache

_Path = str | os.PathLike[str]

_CGROUPS = "/sys/fs/cgroup"
_MEMBERSHIP = "/proc/self/cgroup"
_CPUINFO = "/proc/cpuinfo"
_KINDS = {
    "x86_64": {"avx512_vnni": "avx512_vnni", "avx_vnni": "avx_vnni", "avx2": "avx2"},
    "aarch64": {"i8mm": "i8mm", "asimddp": "dotprod", "asimd": "neon"},
}
"""For each architecture, from the best for int8 to the least: the kernel's flag, and our name of what it stands for."""
_SYSCTLS = {
    "hw.optional.avx512vnni": "avx512_vnni",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.AdvSIMD": "asimd",
}
"""Apple's names of the flags."""
_WINDOWS_FEATURES = {40: "avx2", 43: "asimddp", 19: "asimd"}
"""Arguments of `IsProcessorFeaturePresent` (winnt.h); it does not tell about VNNI."""


def available_cpus() -> int:
    """Return the smaller of the CPUs in the affinity mask and the whole CPUs of the cgroup's quota, at least 1."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return count if quota is None else max(1, min(count, int(quota)))


def cgroup_quota(membership: _Path = _MEMBERSHIP, root: _Path = _CGROUPS) -> float | None:
    """Return the CPUs that cgroup v1 or v2 grants this process, the tightest of its ancestors', or None."""
    try:
        lines = _text(membership).splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            quotas += _along(root, path, _quota_v2)
        elif "cpu" in controllers.split(","):
            for name in (controllers, "cpu"):
                quotas += _along(os.path.join(root, name), path, _quota_v1)
    return min(quotas, default=None)


def _along(root: _Path, path: str, read: Callable[[str], float | None]) -> list[float]:
    """Read the quota of a group and of each group above it; a container may see its own group as the root."""
    names = path.strip("/").split("/")
    folders = [os.path.join(root, *names[:depth]) for depth in range(len(names), -1, -1)]
    return [quota for folder in folders if (quota := read(folder)) is not None]


def _quota_v2(folder: str) -> float | None:
    try:
        quota, period = _text(f"{folder}/cpu.max").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: str) -> float | None:
    try:
        quota, period = (int(_text(f"{folder}/cpu.cfs_{name}_us")) for name in ("quota", "period"))
        return None if quota <= 0 else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _text(path: _Path, most: int = -1) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(most)


@cache
def instruction_set() -> str:
    """Name this kind of CPU by what its int8 kernels can use.

    `x86_64-avx512_vnni`, `x86_64-avx_vnni`, `x86_64-avx2`, `aarch64-i8mm`, `aarch64-dotprod` (as from Cortex-A76),
    `aarch64-neon`; the bare architecture where none of these is seen.
    """
    machine, seen = architecture(), flags()
    return next((f"{machine}-{name}" for flag, name in _KINDS.get(machine, {}).items() if flag in seen), machine)


def saturates() -> bool:
    """Whether int8 kernels of ONNX Runtime may add up products in 16 bits here, and so clamp: x86 without VNNI."""
    return architecture() == "x86_64" and not instruction_set().endswith("vnni")


def architecture() -> str:
    """Return the machine's architecture by Linux's name, `x86_64` or `aarch64`, on every system."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


@cache
def cpu_name() -> str:
    """Name the exact CPU: the vendor's words, or implementer and part number where Arm's kernel gives no words."""
    info = _cpuinfo()
    parts = [info[key] for key in ("CPU implementer", "CPU part") if key in info]
    return info.get("model name") or "/".join(parts) or platform.processor() or architecture()


@cache
def _cpuinfo() -> dict[str, str]:
    """Read what the kernel says of the first CPU only: on a big machine all of it takes milliseconds."""
    try:
        lines = _text(_CPUINFO, 8192).split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def flags() -> set[str]:
    """Return the instruction sets of this CPU, by the names of Linux; elsewhere only those that `_KINDS` asks for."""
    if sys.platform == "darwin":
        return {flag for name, flag in _SYSCTLS.items() if _sysctl(name)}
    if sys.platform == "win32":
        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        return {flag for feature, flag in _WINDOWS_FEATURES.items() if present(feature)}
    info = _cpuinfo()
    return set((info.get("flags") or info.get("Features") or "").split())


def _sysctl(name: str) -> bool:
    value = ctypes.c_int64(0)
    size = ctypes.c_size_t(ctypes.sizeof(value))
    libc = ctypes.CDLL(None)
    return libc.sysctlbyname(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0) == 0 and value.value > 0
