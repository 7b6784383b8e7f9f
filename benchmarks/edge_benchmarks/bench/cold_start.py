"""From nothing to the first label, and the memory it takes: measured in fresh processes that hold the runtime alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import MachineError

TIMEOUT_SECONDS = 300.0

# Peak memory is read as VmHWM where Linux gives it: the resource module's figure is inherited from the parent there.
_BEGIN = """
import sys, time
import json
request = json.loads(sys.argv[1])
data = sys.stdin.buffer.read()
first = time.perf_counter_ns()
import edge_runtime
from edge_runtime.session import import_onnxruntime
import_onnxruntime()
imported = time.perf_counter_ns()
"""

_BUNDLE = """
from edge_runtime import model as loading
prepare, session_ns = loading.prepare_session, 0
def timed(*arguments, **options):
    make = prepare(*arguments, **options)
    def made():
        global session_ns
        begin = time.perf_counter_ns()
        session = make()
        session_ns = time.perf_counter_ns() - begin
        return session
    return made
loading.prepare_session = timed
model = edge_runtime.load(request["bundle"], device=request["device"], variant=request["variant"],
                          threads=request["threads"])
loaded = time.perf_counter_ns()
answer = lambda: model.predict(data)
answer()
verify_ns = loaded - imported - session_ns
"""

_PLAIN = """
import io
import numpy
feeds = dict(numpy.load(io.BytesIO(data)))
begin = time.perf_counter_ns()
from edge_runtime.session import create_session
with open(request["bundle"], "rb") as file:
    session = create_session(file.read(), device=request["device"], threads=request["threads"])
loaded = time.perf_counter_ns()
session_ns, verify_ns = loaded - begin, None
answer = lambda: session.run(None, feeds)
answer()
"""

_END = """
answered, wall = time.perf_counter_ns(), time.time_ns()
def memory():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return [int(fields[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS")]
    except (OSError, KeyError):
        import psutil
        info = psutil.Process().memory_info()
        return [getattr(info, "peak_wset", info.rss), info.rss]
for _ in range(request["more_runs"]):
    answer()
peak, steady = memory()
print(json.dumps({"import_ns": imported - first, "verify_ns": verify_ns,
                  "session_ns": session_ns, "first_run_ns": answered - loaded,
                  "answered_at": wall, "peak_rss_bytes": peak, "steady_rss_bytes": steady}))
"""


PARTS = ("total", "import", "verify", "session", "first_run")
"""What a fresh process spends its time on; the rest of `total` is Python's own start."""


@dataclass(frozen=True)
class ColdStart:
    """One fresh process."""

    import_ns: int
    """Importing the runtime, numpy and ONNX Runtime."""
    verify_ns: int | None
    """Reading the bundle and hashing every file of it; None for a plain ONNX file, which nothing vouches for."""
    session_ns: int
    """Making ONNX Runtime's session: parsing, fusing and packing the weights."""
    first_run_ns: int
    total_ns: int
    """From before the process was started until its first label, Python's own start included."""
    peak_rss_bytes: int
    """Largest resident memory, after `MORE_RUNS` further runs."""
    steady_rss_bytes: int
    """Resident memory at the end."""


MORE_RUNS = 20
"""Runs after the first one, until memory has settled."""


def measure_cold_start(
    bundle: Path, variant: str, data: bytes, *, device: str = "cpu", threads: int | None = None, plain: bool = False
) -> ColdStart:
    """Start one process that loads a variant and answers one input; this process sleeps meanwhile.

    Args:
        bundle: The bundle's path, or a plain ONNX file's.
        variant: Name of the variant.
        data: An encoded input; for a plain file its inputs as numpy's `savez` writes them.
        device: As in `edge_runtime.load`.
        threads: As in `edge_runtime.load`.
        plain: Whether it is a plain ONNX file.

    Raises:
        MachineError: the process failed.
    """
    request = {
        "bundle": str(bundle), "variant": variant, "device": device, "threads": threads, "more_runs": MORE_RUNS,
    }  # fmt: skip
    child = _BEGIN + (_PLAIN if plain else _BUNDLE) + _END
    started = time.time_ns()
    result = subprocess.run(
        [sys.executable, "-c", child, json.dumps(request)],
        input=data,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        reason = (result.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise MachineError(f"a fresh process could not run {variant}: {reason}; try `edge run` with the same bundle")
    fields: dict[str, Any] = json.loads(result.stdout)
    return ColdStart(total_ns=fields.pop("answered_at") - started, **fields)
