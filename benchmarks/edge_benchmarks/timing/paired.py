"""Several arms, each in fresh processes of its own: the paired timer where pools, caches or environments would mix.

Two processes that run the same bytes can differ for their whole life, by where their memory lies. No number of calls
averages that away, so several pairs of fresh processes are measured, and the pair is the unit whose ratios are
compared. Both processes of a pair share their layout, see `edge_benchmarks.timing.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from edge_benchmarks.timing.in_process import timer_cost
from edge_benchmarks.timing.interleaved import InterleavedTimings
from edge_benchmarks.timing.workers import Memory, Started, Turn, Worker, WorkerSpec, running
from edge_runtime.errors import InputError

TURN_SECONDS = 0.005
"""About how long a turn lasts: long beside the wake-up of a process, short beside the changes of a busy machine. On one
where other programs ran, turns of 20 ms gave ratios that varied twice as much as turns of one call of 3 ms."""

MOST_CALLS = 1_000
"""Of one turn, for models that take microseconds."""

LEAST_BLOCKS = 4
"""Blocks of each pair, however slow the model is."""

WARMUP_SECONDS = 0.05
"""Of each fresh process, after its first call."""

PAIRS = 8
"""Fresh processes of each arm, by default. Fewer than 6 give t quantiles that drown a change of 10 %."""


@dataclass(frozen=True)
class ProcessPair:
    """What one pair of fresh processes gave, by arm."""

    whole: InterleavedTimings
    """From encoded input to answer."""
    model: InterleavedTimings
    """The model alone, of the same calls."""
    started: Mapping[str, Started]
    memory: Mapping[str, Memory]


class InterruptedPairs(KeyboardInterrupt):
    """Ctrl-C came while pairs were being measured; the whole pairs are not lost."""

    def __init__(self, pairs: tuple[ProcessPair, ...]) -> None:
        super().__init__()
        self.pairs = pairs
        """Those that were done, perhaps none."""


def measure_pairs(
    arms: Mapping[str, WorkerSpec],
    *,
    pairs: int = PAIRS,
    seconds: float = 4.0,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> tuple[ProcessPair, ...]:
    """Measure two arms, or one or more, in fresh processes, pair by pair, in turns of balanced order (ABBA or BAAB).

    Which arm's process starts first is balanced too. How many calls a turn has and how many blocks a pair has is
    settled by the warm-up, so that no result can decide when to stop.

    Args:
        arms: Name to what its processes run.
        pairs: Fresh processes of each arm.
        seconds: About how long calls are measured in all; starting the processes comes on top.
        seed: Of the random orders.
        say: Called with a line before each pair.

    Raises:
        InputError: no arm, or nothing to measure.
        InterruptedPairs: interrupted by Ctrl-C; it is a KeyboardInterrupt that holds the pairs done so far.
        EdgeError: as `edge_benchmarks.timing.workers.running`.
    """
    if not arms or pairs < 1 or seconds <= 0:
        raise InputError(f"{len(arms)} arms, {pairs} pairs, {seconds} s: an arm, a pair and some time are needed")
    rng = np.random.default_rng(seed)
    first_is_first = rng.permutation(np.arange(pairs) % 2 == 0)
    done: list[ProcessPair] = []
    try:
        for number, as_given in enumerate(first_is_first.tolist()):
            say(f"timing: pair {number + 1} of {pairs}")
            starting = list(arms) if as_given else list(arms)[::-1]
            done.append(_measure_pair(arms, starting, seconds / pairs, int(rng.integers(2**32))))
    except KeyboardInterrupt as interrupt:
        raise InterruptedPairs(tuple(done)) from interrupt
    return tuple(done)


def _measure_pair(arms: Mapping[str, WorkerSpec], starting: list[str], seconds: float, seed: int) -> ProcessPair:
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        started: dict[str, Started] = {}
        # One after the other, since the start is measured too.
        for name in starting:
            workers[name], started[name] = stack.enter_context(
                running(arms[name], warmup_seconds=WARMUP_SECONDS, layout=seed)
            )
        calls, blocks = _plan([one.call_ns / 1e9 for one in started.values()], seconds)
        turns: dict[str, list[Turn]] = {name: [] for name in arms}
        for block, order in enumerate(_orders(list(arms), blocks, np.random.default_rng(seed))):
            for name in order:
                turns[name].append(workers[name].turn(calls, block))
        memory = {name: worker.end() for name, worker in workers.items()}
    timer_ns = timer_cost()

    def timings(field: str) -> InterleavedTimings:
        samples = {name: np.concatenate([getattr(turn, field) for turn in mine]) for name, mine in turns.items()}
        return InterleavedTimings(samples, timer_ns, seed, calls)

    return ProcessPair(timings("whole_ns"), timings("infer_ns"), started, memory)


def _plan(call_seconds: list[float], seconds: float) -> tuple[int, int]:
    """Return calls a turn and blocks a pair; every turn has one call more, which is not measured."""
    mean = max(sum(call_seconds) / len(call_seconds), 1e-7)
    calls = min(max(round(TURN_SECONDS / mean), 1), MOST_CALLS)
    return calls, max(round(seconds / (2 * len(call_seconds) * (calls + 1) * mean)), LEAST_BLOCKS)


def _orders(names: list[str], blocks: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Yield the turns of each block: ABBA or BAAB, as often the one as the other."""
    for forward in rng.permutation(np.arange(blocks) % 2 == 0).tolist():
        yield names + names[::-1] if forward else names[::-1] + names
