"""A process that runs one variant for a parent which asks for turns of calls; started as a file, it needs the runtime.

Protocol: the parent writes one line of JSON (`bundle`, `variant`, `device`, `threads`, `warmup_seconds`, `slowdown`,
`check`, and `files` to read at each call or `inputs`, the sizes of those whose bytes follow the line). Every answer is
one line of JSON. After the first answer each line `{"calls": k, "input": i, "batch": n}` is a turn: of the whole path
where `n` is 0, of all inputs as one list where it is -1, else of the model alone on `n` copies of the input. When the
parent closes the pipe, or dies, the worker says what memory it took and ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import time
from typing import IO, Any

LEAST_WARMUP_CALLS = 3
"""The first call allocates, the second still tunes."""


def main() -> None:
    """Serve one parent."""
    # Ctrl-C reaches the whole group; the parent decides what it means, and an orphan ends by its closed pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The file's own folder would shadow packages of the same names.
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
    asked = sys.stdin.buffer
    # Whatever a library prints must not land between two answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    from edge_runtime.errors import EdgeError

    try:
        _serve(asked, answers)
    except BrokenPipeError:
        return
    except EdgeError as error:
        _say(answers, {"error": str(error), "kind": type(error).__name__})


def _serve(asked: IO[bytes], answers: IO[str]) -> None:
    request = json.loads(asked.readline())
    inputs = request["files"] or [asked.read(size) for size in request["inputs"]]
    call, alone, ready = _ready(request, inputs[0])
    gc.collect()
    gc.disable()
    ready["call_ns"] = _warm_up(call, inputs[0], request["warmup_seconds"])
    _say(answers, ready)
    for line in asked:
        turn = json.loads(line)
        data = inputs[turn["input"]]
        timed = call if turn["batch"] == 0 else alone(data if turn["batch"] > 0 else tuple(inputs), turn["batch"])
        timed(data)  # a process that slept is cold
        samples = [timed(data) for _ in range(turn["calls"])]
        whole, infer, *stages = zip(*samples)  # noqa: B905 - this file is started by Pythons of any age
        names = ("read", "decode", "preprocess", "postprocess")
        _say(answers, {"whole_ns": whole, "infer_ns": infer, "stages_ns": dict(zip(names, stages))})  # noqa: B905
    peak, steady = _memory()
    _say(answers, {"peak_rss_bytes": peak, "steady_rss_bytes": steady})


def _ready(request: dict[str, Any], data: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Load the variant, answer once, and return the timed calls and what the parent should know."""
    import numpy as np

    import edge_runtime

    asked = {key: request[key] for key in ("device", "variant", "threads")}
    model = edge_runtime.load(request["bundle"], **asked)
    call = _timed_call(model, request["slowdown"])
    call(data)
    answered = time.time_ns()
    cases = 0
    if request["check"]:
        report = edge_runtime.selftest(model)
        report.raise_for_failures()
        cases = report.cases
    from edge_runtime.session import import_onnxruntime

    versions = {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "onnxruntime": import_onnxruntime().__version__,
        "edge-runtime": edge_runtime.__version__,
    }
    return (
        call,
        _model_calls(model),
        {
            "answered_at_ns": answered,
            "golden_cases": cases,
            "content_id": model.content_id,
            "provider": model.session.get_providers()[0],
            "versions": versions,
        },
    )


def _timed_call(model: Any, slowdown: float) -> Any:
    """Return a call that answers an input and returns its nanoseconds: whole, and the model alone.

    A `slowdown` of 0.1 makes every call really last a tenth longer, by spinning: a known change that a gate must find.
    """
    import numpy as np

    clock, factor = time.perf_counter_ns, 1 + slowdown

    def call(data: Any) -> tuple[int, ...]:
        start = clock()
        plain = data if isinstance(data, bytes) else _read(data)
        read = clock()
        image = model.decode(plain)
        decoded = clock()
        tensor = model.preprocess(image)
        fed = clock()
        logits = model.infer(tensor[np.newaxis])
        inferred = clock()
        model.postprocess(logits, (image,))
        end = clock()
        return end - start, inferred - fed, read - start, decoded - read, fed - decoded, end - inferred

    def slower(data: bytes) -> tuple[int, int]:
        start = clock()
        image = model.decode(data)
        tensor = model.preprocess(image)
        fed = clock()
        logits = model.infer(tensor[np.newaxis])
        inferred = clock()
        delayed = spin(fed + (inferred - fed) * factor)
        model.postprocess(logits, (image,))
        return spin(start + (clock() - start - (delayed - inferred)) * factor) - start, delayed - fed

    def spin(until: float) -> int:
        while (now := clock()) < until:
            pass
        return now

    return slower if slowdown else call


def _model_calls(model: Any) -> Any:
    """Return what makes, for an input and a batch size, a call of the model alone that returns its nanoseconds.

    A batch size of -1 makes the whole path of the inputs as one list.
    """
    import numpy as np

    made: dict[tuple[Any, int], Any] = {}
    clock = time.perf_counter_ns

    def alone(data: Any, batch: int) -> Any:
        if batch < 0:
            return listed(list(data))
        if (data, batch) not in made:
            plain = data if isinstance(data, bytes) else _read(data)
            made[data, batch] = np.repeat(model.preprocess(model.decode(plain))[np.newaxis], batch, axis=0)
        stacked = made[data, batch]

        def call(_: Any) -> tuple[int, int]:
            start = clock()
            model.infer(stacked)
            took = clock() - start
            return took, took

        return call

    def listed(items: Any) -> Any:
        def call(_: Any) -> tuple[int, int]:
            start = clock()
            model.predict(items)
            took = clock() - start
            return took, took

        return call

    return alone


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()


def _warm_up(call: Any, data: Any, seconds: float) -> float:
    """Call until `seconds` are over; return the median nanoseconds of the later half."""
    durations: list[int] = []
    end = time.perf_counter() + seconds
    while len(durations) < LEAST_WARMUP_CALLS or time.perf_counter() < end:
        durations.append(call(data)[0])
    later = sorted(durations[len(durations) // 2 :])
    return float(later[len(later) // 2])


def _memory() -> tuple[int | None, int | None]:
    """Return peak and present resident bytes; None where the system does not tell."""
    # VmHWM, since the resource module's figure is inherited from the parent.
    with contextlib.suppress(OSError, KeyError), open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        fields = dict(line.split(":", 1) for line in status)
        peak, steady = (int(fields[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS"))
        return peak, steady
    with contextlib.suppress(ImportError):
        import psutil

        info = psutil.Process().memory_info()
        return getattr(info, "peak_wset", info.rss), info.rss
    return None, None


def _say(answers: IO[str], document: dict[str, Any]) -> None:
    answers.write(json.dumps(document) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
