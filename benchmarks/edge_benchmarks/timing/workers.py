"""Processes of their own for what is timed: this one sleeps on a pipe while a worker runs its turn."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_benchmarks.timing.layout import drawn, environment
from edge_runtime.errors import (
    BundleError,
    EdgeError,
    InputError,
    IntegrityError,
    MachineError,
    SchemaError,
    SelfTestError,
)

WORKER = Path(__file__).with_name("worker.py")

WHOLE_LIST = -1
"""A turn's batch that means: all inputs as one list, from input to answer."""

START_SECONDS = 300.0
"""Longest start of a worker; a large model is read, verified and optimized within it."""

TURN_SECONDS = 300.0
"""Longest turn."""

END_SECONDS = 10.0
"""Longest time that a worker may take to end."""

_KINDS: dict[str, type[EdgeError]] = {
    kind.__name__: kind for kind in (BundleError, InputError, IntegrityError, MachineError, SchemaError, SelfTestError)
}


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker runs."""

    bundle: Path
    variant: str
    inputs: Sequence[bytes]
    """Encoded inputs, which turns are fed with one after another."""
    device: str = "cpu"
    threads: int | None = None
    python: str = sys.executable
    """The interpreter: another environment's, to measure with its ONNX Runtime."""
    files: Sequence[Path] = ()
    """Where they are on disk, to be read at each call; without these, inputs are in memory."""
    slowdown: float = 0.0
    """Share by which every call is really made longer: 0.1 is what a gate should find. For testing a gate."""


@dataclass(frozen=True)
class Started:
    """What a fresh worker said of itself."""

    first_label_ns: int
    """From before the process was started until its first answer, Python's own start included."""
    call_ns: float
    """Median of a call, from input to answer, once it is warm."""
    content_id: str
    provider: str
    """Execution provider that really runs."""
    golden_cases: int
    """Golden vectors that gave the right answer; 0 where they were not asked for."""
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Memory:
    """Resident bytes of a worker at its end; None where the system does not tell."""

    peak_rss_bytes: int | None
    steady_rss_bytes: int | None


@dataclass(frozen=True)
class Turn:
    """Nanoseconds of each call of one turn."""

    whole_ns: list[int]
    """From encoded input to answer."""
    infer_ns: list[int]
    """The model alone."""
    stages_ns: dict[str, list[int]]
    """The other stages: `read`, `decode`, `preprocess`, `postprocess`; empty in turns of the model alone."""


class Worker:
    """One running process. Use `running`, which ends it in every case."""

    def __init__(self, spec: WorkerSpec, process: subprocess.Popen[bytes], errors: Any) -> None:
        self._spec, self._process, self._errors = spec, process, errors

    def start(self, started_ns: int, warmup_seconds: float, check: bool) -> Started:
        """Hand over the request and wait until the worker is warm."""
        spec = self._spec
        request = {
            "bundle": str(spec.bundle), "variant": spec.variant, "device": spec.device, "threads": spec.threads,
            "slowdown": spec.slowdown, "warmup_seconds": warmup_seconds, "check": check,
            "inputs": [] if spec.files else [len(data) for data in spec.inputs],
            "files": [str(file) for file in spec.files],
        }  # fmt: skip
        answer = self._ask(request, START_SECONDS, b"" if spec.files else b"".join(spec.inputs))
        return Started(first_label_ns=answer.pop("answered_at_ns") - started_ns, **answer)

    def turn(self, calls: int, which: int, batch: int = 0) -> Turn:
        """Run `calls` calls of input number `which`, after one that is not measured.

        Args:
            calls: How many.
            which: Input; they take turns.
            batch: 0 for the whole path, `WHOLE_LIST` for all inputs at once, else the model alone on so many copies of
                the input.
        """
        turn = {"calls": calls, "input": which % len(self._spec.inputs), "batch": batch}
        return Turn(**self._ask(turn, TURN_SECONDS))

    def end(self) -> Memory:
        """Let the worker say what memory it took, and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with self._at_most(END_SECONDS):
            memory = Memory(**self._answer())
        self._process.wait(END_SECONDS)
        return memory

    def _ask(self, question: dict[str, Any], seconds: float, payload: bytes = b"") -> dict[str, Any]:
        assert self._process.stdin is not None
        with self._at_most(seconds):
            # Where it died, what it left behind says more than a broken pipe.
            with suppress(OSError):
                self._process.stdin.write(json.dumps(question).encode() + b"\n" + payload)
                self._process.stdin.flush()
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Sleep until the worker answers."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MachineError(f"{self._name} died: {self._last_words()}; {self._advice}")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError as error:
            said = line[:80].decode(errors="replace").strip()
            raise MachineError(f"{self._name} said {said!r}; {self._spec.python} should be a Python") from error
        if "error" in answer:
            raise _KINDS.get(answer["kind"], InputError)(answer["error"])
        return answer

    @contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """End the worker when time is over, which wakes this process from the pipe it sleeps on."""
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except MachineError as error:
            if late.is_set():
                raise MachineError(
                    f"{self._name} gave no answer in {seconds:g} s and was ended; try `edge run` with it"
                ) from error
            raise
        finally:
            timer.cancel()

    @property
    def _name(self) -> str:
        return f"the process that ran {self._spec.variant} of {self._spec.bundle.name}"

    @property
    def _advice(self) -> str:
        if self._spec.python != sys.executable:
            return f"{self._spec.python} needs edge-runtime and ONNX Runtime installed"
        return "try `edge run` with the same bundle"

    def _last_words(self) -> str:
        code = self._process.wait(END_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"signal {-code}" if code < 0 else f"exit code {code}, no message"


@contextmanager
def running(
    spec: WorkerSpec, *, warmup_seconds: float, check: bool = False, layout: int | None = None
) -> Iterator[tuple[Worker, Started]]:
    """Start a worker, wait until it is warm, and end it whatever happens.

    Args:
        spec: What it runs.
        warmup_seconds: How long it calls before it reports as ready.
        check: Also run the golden vectors.
        layout: Decides where its memory lies, as `edge_benchmarks.timing.layout` says; None leaves it to the kernel.

    Raises:
        SelfTestError: a golden vector fails there.
        InputError: no such bundle or variant.
        BundleError: the bundle cannot be read there.
        MachineError: the interpreter cannot be started, or the process died or hung.
    """
    with tempfile.TemporaryFile() as errors:
        started_ns = time.time_ns()
        try:
            with drawn(layout):
                process = subprocess.Popen(
                    [spec.python, str(WORKER)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=environment(layout),
                )
        except OSError as error:
            raise MachineError(f"{spec.python}: cannot be started ({error.strerror}); give a Python") from error
        with process:
            try:
                worker = Worker(spec, process, errors)
                yield worker, worker.start(started_ns, warmup_seconds, check)
            finally:
                process.kill()
                with suppress(OSError):  # what it could no longer read
                    process.stdin.close()  # type: ignore[union-attr]
