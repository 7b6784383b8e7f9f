"""Ask the golden vectors on a CPU that this machine is not, where an emulator of it is installed."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import edge_runtime
from edge_export.targets import Target
from edge_export.verified import note_verified
from edge_runtime.bundle import canonical_archive
from edge_runtime.errors import RefusedError
from edge_runtime.manifest import Manifest

DEVICES = "EDGE_DEVICES"
"""Environment variable: the folder with Pythons of other CPUs. `arm64/` in it is a root file system with a Python, and
`site/` holds ONNX Runtime, numpy and Pillow for it; `tests/devices/install.sh FOLDER` makes one on Debian."""

SECONDS = 600
"""An emulator is some hundred times slower than the machine."""

CHILD = """
import json, sys, warnings
from edge_runtime import cpus
# The emulator shows programs the host's /proc/cpuinfo, so the emulated CPU's kind is said here.
cpus.instruction_set = lambda: sys.argv[1]
warnings.simplefilter("ignore")
from edge_runtime.golden import selftest
failures = selftest(sys.argv[2], threads=1).failures
import onnxruntime
print(json.dumps({"failures": failures, "onnxruntime": onnxruntime.__version__}))
"""


@dataclass(frozen=True)
class Emulator:
    """A Python that runs as on another CPU."""

    python: tuple[str, ...]
    instruction_set: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    manifest: Manifest
    """With the instruction set and the ONNX Runtime that the variants were verified on, where they were."""
    note: str = ""
    """One sentence for the report: what was verified, or why nothing was; empty where the target is this machine."""


def _haswell() -> Emulator | str:
    """x86-64 without VNNI, by the Python that runs this."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"this machine is {platform.machine()}, and its Python runs on no emulated x86-64"
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        return "no qemu-x86_64 here; install qemu-user"
    return Emulator((qemu, "-cpu", "Haswell", sys.executable), "x86_64-avx2")


def _cortex_a76() -> Emulator | str:
    """ARM64 with dot-product instructions (Raspberry Pi 5), by a Python of its own."""
    qemu, devices = shutil.which("qemu-aarch64"), os.environ.get(DEVICES)
    if qemu is None:
        return "no qemu-aarch64 here; install qemu-user"
    if not devices:
        return f"{DEVICES} names no folder with an ARM64 Python"
    root = Path(devices).absolute() / "arm64"
    python = next(iter(sorted((root / "usr" / "bin").glob("python3.*[0-9]"))), None)
    if python is None:
        return f"{DEVICES}={devices} holds no arm64/usr/bin/python3.*"
    command = (qemu, "-cpu", "cortex-a76", "-L", str(root), str(python))
    return Emulator(command, "aarch64-dotprod", {"PYTHONPATH": str(root.parent / "site")})


EMULATORS: dict[str, Callable[[], Emulator | str]] = {"x86-avx2": _haswell, "arm64": _cortex_a76}
"""Target to what finds its emulator, or says what is missing."""


def verify_emulated(manifest: Manifest, files: Mapping[str, bytes], target: Target) -> Verification:
    """Run a sealed bundle's self-test on the target's emulated CPU.

    Args:
        manifest: Of the bundle.
        files: Of the bundle.
        target: Where it will run.

    Raises:
        RefusedError: a golden answer is another one there.
    """
    if target.is_here or target.name not in EMULATORS:
        return Verification(manifest)
    emulator = EMULATORS[target.name]()
    if isinstance(emulator, str):
        return _unverified(manifest, target, emulator)
    found = _ask(emulator, files)
    if isinstance(found, str):
        return _unverified(manifest, target, found)
    failures, version = found
    if failures:
        raise RefusedError(f"on an emulated {target.name}: {failures[0]}; not shipped")
    variants = tuple(note_verified(one, emulator.instruction_set, version) for one in manifest.variants)
    note = f"self-test passed on an emulated {emulator.instruction_set} with ONNX Runtime {version}"
    return Verification(replace(manifest, variants=variants), note)


def _unverified(manifest: Manifest, target: Target, reason: str) -> Verification:
    return Verification(
        manifest, f"not verified on {target.name}: {reason}; run `edge-bench prove` on the device before you trust it"
    )


def _ask(emulator: Emulator, files: Mapping[str, bytes]) -> tuple[list[str], str] | str:
    """Return the failures of the self-test and the ONNX Runtime that ran it, or why it did not run."""
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        bundle = Path(folder) / "bundle.edge"
        bundle.write_bytes(canonical_archive(files))
        # The runtime alone: what else is installed beside it was built for this machine.
        source = Path(edge_runtime.__file__).parent
        shutil.copytree(source, Path(folder) / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        paths = [folder, *filter(None, [emulator.environment.get("PYTHONPATH")])]
        environment = os.environ | emulator.environment | {"PYTHONPATH": os.pathsep.join(paths)}
        command = [*emulator.python, "-c", CHILD, emulator.instruction_set, str(bundle)]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"the self-test did not end in {SECONDS} seconds under {Path(emulator.python[0]).name}"
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return f"the self-test did not run under {Path(emulator.python[0]).name} ({reason})"
    answer = json.loads(done.stdout)
    return answer["failures"], answer["onnxruntime"]
