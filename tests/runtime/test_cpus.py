"""The kind of CPU is named alike on every system, from what its kernel tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import cpus


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Lets the kernel tell another text of another machine."""

    def tell(machine: str, text: str) -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr("platform.machine", lambda: machine)
        monkeypatch.setattr(cpus, "_CPUINFO", path)
        _forget()

    yield tell
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for cached in (cpus.instruction_set, cpus.cpu_name, cpus._cpuinfo):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("machine", "line", "name", "saturates"),
    [
        ("x86_64", "flags\t\t: fpu avx2 avx512_vnni", "x86_64-avx512_vnni", False),
        ("AMD64", "flags\t\t: avx2 avx_vnni", "x86_64-avx_vnni", False),
        ("x86_64", "flags\t\t: sse4_2 avx2", "x86_64-avx2", True),
        ("x86_64", "flags\t\t:", "x86_64", True),
        ("arm64", "Features\t: fp asimd asimddp", "aarch64-dotprod", False),
        ("aarch64", "Features\t: asimd asimddp i8mm", "aarch64-i8mm", False),
        ("aarch64", "Features\t: asimd", "aarch64-neon", False),
        ("riscv64", "isa\t: rv64imafdc", "riscv64", False),
    ],
)
def test_the_kind_of_cpu_is_named_by_its_best_int8_instructions(
    told: Any, machine: str, line: str, name: str, saturates: bool
) -> None:
    told(machine, f"processor\t: 0\n{line}\n\nprocessor\t: 1\nflags : avx512_vnni\nFeatures : i8mm\n")
    assert cpus.instruction_set() == name
    assert cpus.saturates() is saturates


def test_the_exact_cpu_is_named_by_the_vendor_or_by_its_part(told: Any) -> None:
    told("x86_64", "processor\t: 0\nmodel name\t: AMD EPYC\n")
    assert cpus.cpu_name() == "AMD EPYC"
    told("aarch64", "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n")
    assert cpus.cpu_name() == "0x41/0xd0b"


def test_a_system_that_tells_nothing_still_has_a_name(
    told: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told("x86_64", "")
    monkeypatch.setattr(cpus, "_CPUINFO", tmp_path / "none")
    assert (cpus.instruction_set(), bool(cpus.cpu_name())) == ("x86_64", True)
