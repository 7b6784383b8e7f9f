"""The paired timer and its verdicts: balance, symmetry, planted changes, and a clean run that stays valid."""

import gc
import json

import numpy as np
import pytest

from edge_benchmarks.statistics import find_change
from edge_benchmarks.timing import InterleavedTimings, InterruptedTiming, interleave, judge_time
from edge_benchmarks.verdicts import Time
from edge_runtime.errors import InputError


class FakeMachine:
    """A clock that moves only when an arm runs, so that a test decides what time does."""

    def __init__(self) -> None:
        self.now = 0
        self.calls: list[str] = []

    def arm(self, name: str, cost):
        def call() -> None:
            self.calls.append(name)
            self.now += round(cost(self.now))

        return call

    def clock(self) -> int:
        return self.now


def timings(candidate: np.ndarray, baseline: np.ndarray) -> InterleavedTimings:
    return InterleavedTimings({"new": candidate.astype(np.int64), "old": baseline.astype(np.int64)}, 50.0, 0)


def noisy(rng: np.random.Generator, rounds: int, level: float = 1.0, noise: float = 0.03) -> np.ndarray:
    """Latencies around `level` ms with a right tail, as real ones have."""
    return 1e6 * level * np.exp(noise * rng.standard_normal(rounds) + (rng.random(rounds) < 0.02) * rng.random(rounds))


def test_every_round_runs_each_arm_once_and_blocks_are_mirrored():
    machine = FakeMachine()
    arms = {name: machine.arm(name, lambda now: 1_000) for name in "abc"}
    result = interleave(arms, seconds=1e-3, min_rounds=40, warmup_seconds=0, clock=machine.clock)
    measured = machine.calls[-3 * result.rounds :]
    rounds = [tuple(measured[start : start + 3]) for start in range(0, len(measured), 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert all(rounds[i] == rounds[i + 1][::-1] for i in range(0, len(rounds), 2))
    assert len(set(rounds)) == 6, "every order occurs"


def test_a_machine_that_slows_down_steadily_does_not_bias_the_ratio():
    machine = FakeMachine()
    arms = {name: machine.arm(name, lambda now: 1e6 * (1 + now / 1e9)) for name in ("new", "old")}
    result = interleave(arms, seconds=0.5, min_rounds=100, warmup_seconds=0, clock=machine.clock)
    assert result.ratio("new", "old").estimate == pytest.approx(1.0, abs=2e-4)


def test_the_number_of_rounds_is_settled_before_the_first_sample():
    machine = FakeMachine()
    slow_later = {"x": machine.arm("x", lambda now: 1e6 if now < 20e6 else 50e6)}
    result = interleave(slow_later, seconds=0.1, min_rounds=10, warmup_seconds=10e-3, clock=machine.clock)
    assert result.rounds == 100


def test_the_garbage_collector_rests_and_comes_back():
    states = []
    interleave({"x": lambda: states.append(gc.isenabled())}, seconds=1e-4, min_rounds=2, warmup_seconds=0)
    assert not any(states)
    assert gc.isenabled()


def test_an_interrupt_hands_over_the_whole_blocks():
    machine = FakeMachine()

    def stop_at(now: int) -> int:
        if len(machine.calls) > 2 * 6 + 2 * 15:  # the warm-up of both arms, then in the middle of a round
            raise KeyboardInterrupt
        return 1_000

    arms = {name: machine.arm(name, stop_at) for name in "ab"}
    with pytest.raises(KeyboardInterrupt) as caught:
        interleave(arms, seconds=1e-3, min_rounds=100, warmup_seconds=0, clock=machine.clock)
    assert isinstance(caught.value, InterruptedTiming)
    kept = caught.value.timings
    assert kept.rounds == 14
    assert all((values == 1_000).all() for values in kept.samples_ns.values())


def test_every_round_of_a_block_is_prepared_with_its_number():
    blocks: list[int] = []
    interleave({"x": lambda: None}, seconds=1e-12, min_rounds=6, warmup_seconds=0, prepare=blocks.append)
    assert blocks == [0, 0, 1, 1, 2, 2]


def test_nothing_to_time_is_an_error():
    with pytest.raises(InputError, match="0 arms"):
        interleave({})
    with pytest.raises(InputError, match="no arm 'new'"):
        interleave({"x": lambda: None}, seconds=1e-4, min_rounds=2, warmup_seconds=0).ratio("new", "x")


def test_real_callables_are_told_apart():
    arms = {"one": lambda: sum(range(5_000)), "two": lambda: sum(range(10_000))}
    result = interleave(arms, seconds=0.3, min_rounds=100, warmup_seconds=0.05)
    assert result.ratio("two", "one").low > 1.2
    assert result.timer_ns < 100_000


def test_exchanging_the_arms_inverts_the_ratio_and_its_interval():
    rng = np.random.default_rng(5)
    for _ in range(50):
        result = timings(noisy(rng, 120, 0.9), noisy(rng, 120))
        one, other = result.ratio("new", "old"), result.ratio("old", "new")
        assert np.log(one.estimate) == pytest.approx(-np.log(other.estimate), abs=1e-15)
        assert np.log(one.low) == pytest.approx(-np.log(other.high), abs=1e-15)
        assert np.log(one.high) == pytest.approx(-np.log(other.low), abs=1e-15)


def test_raw_samples_survive_json():
    result = timings(noisy(np.random.default_rng(6), 40), noisy(np.random.default_rng(7), 40))
    again = InterleavedTimings.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.ratio("new", "old") == result.ratio("new", "old")


@pytest.mark.parametrize(
    ("level", "margin", "verdict"),
    [(0.9, 0.0, Time.FASTER), (1.1, 0.0, Time.SLOWER), (1.0, 0.05, Time.SAME), (1.004, 0.001, Time.INCONCLUSIVE)],
)
def test_the_verdict_follows_the_interval(level, margin, verdict):
    rng = np.random.default_rng(8)
    assert judge_time(timings(noisy(rng, 300, level), noisy(rng, 300)), "new", "old", margin).verdict is verdict


def test_too_few_rounds_are_inconclusive():
    few = timings(np.full(10, 5e5), np.full(10, 1e6))
    assert judge_time(few, "new", "old").verdict is Time.INCONCLUSIVE


def planted(kind: str, rounds: int) -> np.ndarray:
    place = np.arange(rounds) / rounds
    return {
        "step": 1 + 0.10 * (place >= 0.6),
        "drift": 1 + 0.20 * place,
        "warm-up": 1 + 0.5 * np.exp(-place * 5),
    }[kind]


@pytest.mark.parametrize("kind", ["step", "drift", "warm-up"])
def test_a_ratio_that_moves_is_invalid(kind):
    rng = np.random.default_rng(9)
    verdicts = [
        judge_time(timings(noisy(rng, 200) * planted(kind, 200), noisy(rng, 200)), "new", "old") for _ in range(20)
    ]
    assert all(verdict.verdict is Time.INVALID and "moved" in verdict.reason for verdict in verdicts)


def test_throttling_that_hits_both_arms_alike_leaves_the_ratio_valid():
    rng = np.random.default_rng(10)
    throttle = 1 + 0.8 * (np.arange(200) > 120)
    verdict = judge_time(timings(noisy(rng, 200, 0.5) * throttle, noisy(rng, 200) * throttle), "new", "old")
    assert verdict.verdict is Time.FASTER


def test_clean_runs_are_seldom_called_invalid_or_different():
    rng = np.random.default_rng(11)
    verdicts = [
        judge_time(timings(noisy(rng, 120, noise=0.1), noisy(rng, 120, noise=0.1)), "new", "old").verdict
        for _ in range(500)
    ]
    assert np.mean([verdict is Time.INVALID for verdict in verdicts]) <= 0.02
    # The interval is nominally 95 %: one in twenty equal pairs looks unequal, and not many more.
    assert np.mean([verdict in (Time.FASTER, Time.SLOWER) for verdict in verdicts]) <= 0.08


def test_a_step_is_placed_where_it_is():
    rng = np.random.default_rng(12)
    series = rng.standard_normal(300) + 3 * (np.arange(300) >= 200)
    change = find_change(series)
    assert change is not None and abs(change.index - 200) <= 5
    assert find_change(series[:200]) is None
