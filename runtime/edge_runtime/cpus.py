"""How many CPUs this process may use: the host's count is wrong in a container, where a quota rules."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def available_cpus() -> int:
    """Return the smaller of the CPUs in the affinity mask and the whole CPUs of the cgroup's quota, at least 1."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return count if quota is None else max(1, min(count, int(quota)))


def cgroup_quota(membership: Path = _MEMBERSHIP, root: Path = _CGROUPS) -> float | None:
    """Return the CPUs that cgroup v1 or v2 grants this process, the tightest of its ancestors', or None."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            quotas += _along(root, path, _quota_v2)
        elif "cpu" in controllers.split(","):
            for name in (controllers, "cpu"):
                quotas += _along(root / name, path, _quota_v1)
    return min(quotas, default=None)


def _along(root: Path, path: str, read: Callable[[Path], float | None]) -> list[float]:
    """Read the quota of a group and of each group above it; a container may see its own group as the root."""
    group = root / path.strip("/")
    groups = [group, *(parent for parent in group.parents if parent.is_relative_to(root))]
    return [quota for folder in groups if (quota := read(folder)) is not None]


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return None if quota <= 0 else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return None
