"""Which ONNX Runtimes load a variant and answer as this one does: found by loading it in each that the user has."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.candidates import Candidate
from edge_export.exactness import measure_exactness
from edge_export.optimize.older_opset import OLDER_OPSET, opset_of
from edge_export.sessions import predictor
from edge_runtime.cpus import saturates
from edge_runtime.errors import InputError
from edge_runtime.session import import_onnxruntime

SECONDS = 120
FLOORS = {23: "1.23"}
"""Opset to the first ONNX Runtime that loads it: opset 23 failed on 1.22.1 and loaded on 1.23.2."""
ROUNDED = 0.01
"""Of the largest logit, for int8 with float operators between: a last bit that differs there turns codes over, one step
of 255 each. MiniLM's moved by 0.2 % between 1.22.1 and 1.32.0; what int8 itself does to logits is some 5 %."""
OLDEST = "1.22"
"""The oldest that `edge-runtime` takes."""

CHILD = """
import json, sys
import numpy, onnxruntime
folder, options = sys.argv[1], json.loads(sys.argv[2])
settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads, settings.log_severity_level = 1, 4
for name, value in options.items():
    settings.add_session_config_entry(name, value)
answer = {"version": onnxruntime.__version__, "problem": ""}
try:
    session = onnxruntime.InferenceSession(folder + "/model.onnx", settings, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0].name
    inputs = numpy.load(folder + "/inputs.npz")
    numpy.savez(folder + "/outputs.npz", **{one: session.run(None, {feed: inputs[one]})[0] for one in inputs.files})
except Exception as error:
    answer["problem"] = " ".join(str(error).split())
print(json.dumps(answer))
"""


@dataclass(frozen=True)
class Loaded:
    """What came of one variant."""

    here: str
    """The ONNX Runtime of this process, which answered everything."""
    floor: str
    """The first ONNX Runtime that could load it, derived from its opset and not tried; empty where nobody knows."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Version of each other ONNX Runtime to why it does not do; empty where it answers as this one does."""
    moved: float = 0.0
    """Largest difference of a logit where one does."""

    @property
    def oldest(self) -> str:
        """The oldest version that was seen to answer, and above which none was seen to fail."""
        best = self.here
        for version in sorted(self.problems, key=_numbers, reverse=True):
            if _numbers(version) > _numbers(self.here):
                continue
            if self.problems[version]:
                break
            best = version
        return best

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        tried = {self.here: "", **self.problems}
        return {"oldest": self.oldest, "tried": tried, "moved": self.moved, "derived_floor": self.floor}


def load_elsewhere(candidate: Candidate, inputs: Sequence[NDArray[Any]], pythons: Sequence[Path]) -> Loaded:
    """Load a variant in other ONNX Runtimes, and hold its answers against those of this one.

    Args:
        candidate: The variant, for the CPU.
        inputs: Batches of one that it answers.
        pythons: Interpreters with ONNX Runtime and numpy, which need nothing else.

    Raises:
        InputError: an interpreter cannot be run, or has no ONNX Runtime.
    """
    import onnx

    here = str(import_onnxruntime().__version__)
    opset = opset_of(onnx.load_from_string(candidate.model))
    floor = OLDEST if opset <= OLDER_OPSET else FLOORS.get(opset, "")
    if not pythons or candidate.device != "cpu":
        return Loaded(here, floor)
    answer = predictor(candidate.model, threads=1, options=candidate.session)
    expected = [answer(one) for one in inputs]
    allowed = _allowed(candidate, inputs, max(float(np.abs(one).max()) for one in expected))
    problems, moved = {}, 0.0
    for python in pythons:
        version, problem, seen = _ask(python, candidate, inputs)
        if not problem:
            gap = max(float(np.abs(one - known).max()) for one, known in zip(seen, expected, strict=True))
            problem = "" if gap <= allowed else f"logits differ by {gap:.3g}, allowed {allowed:.3g}"
            moved = moved if problem else max(moved, gap)
        problems[version] = problem
    return Loaded(here, floor, problems, moved)


def _allowed(candidate: Candidate, inputs: Sequence[NDArray[Any]], largest: float) -> float:
    """Return how far logits may be from this ONNX Runtime's."""
    found = [measure_exactness(candidate, one) for one in inputs]
    if all(one.exact for one in found):
        return 0.0
    rounded = ROUNDED * largest if candidate.precision == "int8" else 0.0
    return max(rounded, *(one.tolerance for one in found))


def loaded_note(name: str, loaded: Loaded) -> str:
    """Say it in one sentence."""
    refused = "; ".join(f"not on {version}" for version, problem in loaded.problems.items() if problem)
    if loaded.problems:
        return f"{name}: seen to load and answer on ONNX Runtime {loaded.oldest}" + (f", {refused}" if refused else "")
    derived = f"; {loaded.floor} would do by its opset, untried" if loaded.floor else ""
    return f"{name}: loaded on ONNX Runtime {loaded.here} alone{derived}"


def _ask(python: Path, candidate: Candidate, inputs: Sequence[NDArray[Any]]) -> tuple[str, str, list[NDArray[Any]]]:
    """Return the other ONNX Runtime's version, why it does not do, and its answers."""
    options = dict(candidate.session) | ({"session.x64quantprecision": "1"} if saturates() else {})
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        (Path(folder) / "model.onnx").write_bytes(candidate.model)
        np.savez(Path(folder) / "inputs.npz", *inputs)
        command = [str(python), "-c", CHILD, folder, json.dumps(options)]
        # Packages of this process are not that interpreter's.
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        environment["ORT_DISABLE_TELEMETRY"] = "1"
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"--onnxruntime {python}: cannot be run ({error}); give a Python interpreter") from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise InputError(f"--onnxruntime {python}: {reason}; install onnxruntime and numpy there")
        found = json.loads(done.stdout.splitlines()[-1])
        if found["problem"]:
            return found["version"], found["problem"][:200], []
        with np.load(Path(folder) / "outputs.npz") as outputs:
            return found["version"], "", [outputs[f"arr_{at}"] for at in range(len(inputs))]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
