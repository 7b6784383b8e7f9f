"""Resident memory from run 100 to run 10,000 of mixed image and batch sizes, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from interface import Figure

from runtime.networks import small_network_bundle

RUNS = 10_000
ASKED = 1.0


def measure() -> list[Figure]:
    """Run the child once; growth is of one process, so there is no interval."""
    child = Path(__file__).parent / "memory_child.py"
    command = [sys.executable, str(child), str(small_network_bundle()), str(RUNS)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    growth = 100 * (found[str(RUNS)] / found["100"] - 1)
    how = (
        f"MobileNetV3-Small 0.5, 64 px, 1 thread; JPEG and arrays of 4 sizes, batches 1 to 32; "
        f"{found['100'] / 1e6:.1f} MB after run 100, {found[str(RUNS)] / 1e6:.1f} MB after run {RUNS}"
    )
    return [Figure("growth of resident memory, run 100 to 10,000", growth, None, None, ASKED, "at most", "%", how)]
