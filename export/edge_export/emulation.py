"""Ask the golden vectors on a CPU that this machine is not, where an emulator of it is installed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edge_export.targets import Target
from edge_runtime.bundle import canonical_archive
from edge_runtime.errors import RefusedError
from edge_runtime.manifest import Manifest

SECONDS = 600
"""An emulator is some hundred times slower than the machine."""

CHILD = """
import json, sys, warnings
from edge_runtime import cpus
# The emulator shows programs the host's /proc/cpuinfo, so the emulated CPU's kind is said here.
cpus.instruction_set = lambda: sys.argv[1]
warnings.simplefilter("ignore")
from edge_runtime.golden import selftest
print(json.dumps(selftest(sys.argv[2], threads=1).failures))
"""


@dataclass(frozen=True)
class Emulator:
    """A program that runs this Python as another CPU would."""

    command: tuple[str, ...]
    machine: str
    """What `os.uname().machine` must be, since the Python that runs is this one."""
    instruction_set: str


EMULATORS: dict[str, Emulator] = {
    "x86-avx2": Emulator(("qemu-x86_64", "-cpu", "Haswell"), "x86_64", "x86_64-avx2"),
}
"""Target to its emulator. ARM64 needs a Python of its own; tests/devices has one."""


def find_emulator(target: Target) -> Emulator | None:
    """Return the target's emulator, where it is installed and needed."""
    emulator = EMULATORS.get(target.name)
    usable = emulator is not None and not target.is_here and os.uname().machine == emulator.machine
    return emulator if usable and emulator and shutil.which(emulator.command[0]) else None


def verify_emulated(manifest: Manifest, files: Mapping[str, bytes], target: Target) -> Manifest:
    """Run a sealed bundle's self-test on the target's emulated CPU, and note in the manifest that it passed.

    Args:
        manifest: Of the bundle; returned as it is where there is no emulator.
        files: Of the bundle.
        target: Where it will run.

    Raises:
        RefusedError: a golden answer is another one there.
    """
    emulator = find_emulator(target)
    if emulator is None:
        return manifest
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        bundle = Path(folder) / "bundle.edge"
        bundle.write_bytes(canonical_archive(files))
        command = [*emulator.command, sys.executable, "-c", CHILD, emulator.instruction_set, str(bundle)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RefusedError(f"{' '.join(emulator.command)}: the self-test did not run ({reason}); not shipped")
    if failures := json.loads(done.stdout):
        raise RefusedError(f"on an emulated {target.name}: {failures[0]}; not shipped")
    variants = (replace(one, verified_on=(*one.verified_on, emulator.instruction_set)) for one in manifest.variants)
    return replace(manifest, variants=tuple(variants))
