"""What slows the CPU for heat or for lack of power, where the system tells."""

from __future__ import annotations

from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_COOLING = Path("/sys/class/thermal")
_FIRMWARE = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
"""Raspberry Pi's word of bits; the lowest four say what slows the CPU now."""
_SLOWED_NOW = 0xF

_CPU_COOLERS = ("processor", "cpufreq", "thermal-cpufreq", "cpu-cluster")
"""How Linux's drivers call what cools by slowing the CPU; a fan is none of them."""


def throttle_count() -> int | None:
    """Return how often the kernel saw cores slowed for heat since it started; None where it does not count."""
    counts = [system_text(file) for file in _CPUS.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")]
    known = [int(count) for count in counts if count and count.isdigit()]
    return sum(known) if known else None


def cooling_state() -> int | None:
    """Return how far the system slows the CPU to cool it, 0 for not at all; None where it has no such device."""
    states = [
        system_text(device / "cur_state")
        for device in _COOLING.glob("cooling_device*")
        if (system_text(device / "type") or "").lower().startswith(_CPU_COOLERS)
    ]
    return max((int(state) for state in states if state and state.isdigit()), default=None)


def firmware_throttled() -> bool | None:
    """Return whether a Raspberry Pi's firmware slows the CPU now; None on other boards."""
    word = system_text(_FIRMWARE)
    try:
        return None if word is None else bool(int(word, 16) & _SLOWED_NOW)
    except ValueError:
        return None


def system_text(path: Path) -> str | None:
    """Return a small system file's text, or None where it is not there or not for us."""
    try:
        return path.read_text(encoding="utf-8").strip().strip("\0") or None
    except (OSError, UnicodeDecodeError):
        return None
