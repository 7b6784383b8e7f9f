"""MLPerf's server: calls come at random, as users send them, and one model in one process answers several at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.arms import Arm
from edge_benchmarks.bench.scenarios.attempts import measure_steadily
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, Rate, State
from edge_benchmarks.timing import InterleavedTimings, timer_cost
from edge_benchmarks.timing.warm_up import warm_up

NAME = "server"

SHARE = 0.5
"""Of the run's seconds, for each arm."""

FEWEST_CALLS = 8

MOST_LATE_CALLS = 2
"""For each caller: calls still unanswered when the last one comes, of which one is being answered and one waits."""

MOST_LATE_SHARE = 0.05
"""Or this share of all calls, if that is more; a queue that holds more has been growing."""

OVERTIME = 2.0
"""Times as long as calls keep coming after which nobody waits for the rest: the queue has grown long."""

CALLERS_START = 1.0
"""Seconds granted on top, for short measurements."""

_POLL = 0.2
"""Seconds between two looks at whether the callers are done; Ctrl-C is seen at once."""


def measure(plan: Plan, state: State) -> None:
    """Answer Poisson arrivals with `plan.callers` threads that share one model, one arm after the other."""
    seconds = plan.seconds * SHARE
    said = f"{NAME}, {plan.qps:g} calls a second to {plan.callers} callers, for {seconds:g} s and variant"
    measure_steadily(plan, state, said, lambda number: _phase(plan, seconds, number))


def arrivals(qps: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """Return when calls come, in seconds from the start: gaps are exponential, so that calls come as from many users.

    Args:
        qps: Calls a second, on average.
        seconds: About how long they keep coming; at least `FEWEST_CALLS` come.
        seed: Of the gaps; every arm gets the same ones.
    """
    count = 2 * max(round(qps * seconds / 2), FEWEST_CALLS // 2)
    times: NDArray[np.float64] = np.cumsum(np.random.default_rng(seed).exponential(1.0 / qps, count))
    return times


def _phase(plan: Plan, seconds: float, number: int) -> tuple[Phase, bool]:
    due = arrivals(plan.qps, seconds, plan.seed + number)
    arms = plan.whole_arms or list(plan.arms)
    served: dict[str, Served] = {}
    stopped = False
    try:
        for arm in arms:
            answer = _answerer(arm, plan)
            warm_up(partial(answer, 0), plan.warmup, time.perf_counter_ns)
            served[arm.name] = serve(answer, due, plan.callers, partial(plan.watch.look, busy=False))
    except KeyboardInterrupt as interrupt:
        stopped = True
        if not served:  # a part of a later arm would be held against the whole of an earlier one
            if not isinstance(interrupt, InterruptedServing):
                raise
            served[arms[0].name] = interrupt.served
    samples = {name: one.latency_ns for name, one in served.items()}
    timings = InterleavedTimings(samples, timer_cost(), plan.seed + number)
    rates = {name: one.rate for name, one in served.items()}
    return Phase(f"{NAME}/qps={plan.qps:g}", plan.widest, timings, paired=False, rates=rates), stopped


def _answerer(arm: Arm, plan: Plan) -> Callable[[int], object]:
    """Return what answers call number `i`: from an input in memory, as a service gets it."""
    if arm.model is None:
        call = arm.model_call(plan.inputs[0].data, 1)
        return lambda index: call()
    predict, inputs = arm.model.predict, [one.data for one in plan.inputs]
    return lambda index: predict(inputs[index % len(inputs)])


@dataclass(frozen=True)
class Served:
    """How calls that came at random were answered."""

    latency_ns: NDArray[np.int64]
    """From when a call was due until it was answered, waiting for a free caller included."""
    rate: Rate


class InterruptedServing(KeyboardInterrupt):
    """Ctrl-C came; what was answered by then is not lost."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.served = served


def serve(
    answer: Callable[[int], object],
    due: NDArray[np.float64],
    callers: int,
    look: Callable[[], object] = lambda: None,
) -> Served:
    """Answer calls as they come and return how long each took.

    A call's time runs from when it was due, not from when a caller was free to take it: a slow answer delays the calls
    behind it, and they must say so ("coordinated omission" leaves that out). The wake-up of a waiting thread is in it.

    Args:
        answer: Answers call number `i`, from several threads at once.
        due: When each call comes, in seconds from the start.
        callers: Threads that answer.
        look: Called now and then meanwhile.

    Raises:
        InterruptedServing: Ctrl-C.
    """
    done = np.zeros(len(due))
    errors: list[BaseException] = []
    numbers, lock, stop = itertools.count(), threading.Lock(), threading.Event()
    start = time.perf_counter()

    def call() -> None:
        try:
            while not stop.is_set():
                with lock:
                    index = next(numbers)
                if index >= len(due) or time.perf_counter() - start > OVERTIME * due[-1] + CALLERS_START:
                    return
                wait = start + due[index] - time.perf_counter()
                if wait > 0 and stop.wait(wait):
                    return
                answer(index)
                done[index] = time.perf_counter() - start
        except BaseException as error:  # noqa: BLE001 - a thread's error is raised by the caller
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=call, daemon=True) for _ in range(callers)]
    try:
        _run(threads, look)
    except KeyboardInterrupt as interrupt:
        stop.set()
        for thread in threads:
            thread.join()
        come = max(int(np.count_nonzero(done)), 1)
        raise InterruptedServing(_served(done[:come], due[:come], callers)) from interrupt
    if errors:
        raise errors[0]
    return _served(done, due, callers)


def _run(threads: Sequence[threading.Thread], look: Callable[[], object]) -> None:
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(_POLL)
        look()


def _served(done: NDArray[np.float64], due: NDArray[np.float64], callers: int) -> Served:
    """Return what was answered before the first call that nobody came to."""
    asked = len(due)
    count = asked if done.all() else int(np.argmin(done > 0))
    last = float(due[-1])
    late = asked - int(((done > 0) & (done <= last)).sum())
    reached = late <= max(MOST_LATE_CALLS * callers, MOST_LATE_SHARE * asked)
    kept = count - count % 2
    latency = ((done[:kept] - due[:kept]) * 1e9).astype(np.int64)
    return Served(latency, Rate(asked / last, (asked - late) / last, reached))
