"""What makes a run invalid: planted series and planted conditions are each seen, clean ones are left alone."""

import math
from itertools import count

import numpy as np
import pytest

from edge_benchmarks.machine.validity import SMALLEST_SHIFT, condition_problems, unsteady
from edge_benchmarks.statistics.levels import find_stretch
from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_benchmarks.timing.warm_up import is_settled

PLANTED = {
    "warm-up": lambda t: np.log(1 + 0.6 * np.exp(-6 * t)),
    "step": lambda t: np.where(t > 0.6, math.log(1.25), 0.0),
    "step down": lambda t: np.where(t > 0.3, -math.log(1.25), 0.0),
    "drift": lambda t: np.log(1 + 0.35 * t),
    "throttle": lambda t: np.where(t > 0.5, math.log(1.4) + 0.15 * np.sign(np.sin(80 * t)), 0.0),
    "throttle and recover": lambda t: np.where((t > 0.4) & (t < 0.6), math.log(1.3), 0.0),
    "throttle again and again": lambda t: np.where((6 * t) % 1 > 0.5, math.log(1.3), 0.0),
}


def noise(rng: np.random.Generator, n: int, correlation: float, kind: str) -> np.ndarray:
    """Logarithms of clean durations: AR(1), plain, skewed as latencies are, or with a tail of slow calls."""
    steps = rng.standard_normal(n + 50) * math.sqrt(1 - correlation**2)
    series = np.empty(n + 50)
    series[0] = steps[0]
    for place in range(1, n + 50):
        series[place] = correlation * series[place - 1] + steps[place]
    series = series[50:]
    if kind == "skewed":
        return np.log1p(0.03 * np.exp(1.2 * series))
    slow = np.where(rng.random(n) < 0.03, rng.exponential(0.7, n), 0.0) if kind == "tail" else 0.0
    return 0.05 * series + slow


def timings(**logs: np.ndarray) -> InterleavedTimings:
    return InterleavedTimings({name: (5e6 * np.exp(log)).astype(np.int64) for name, log in logs.items()}, 50.0, 0)


def test_half_a_thousand_clean_series_are_called_valid():
    called = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        n = int(rng.choice([40, 120, 400, 1500]))
        clean = noise(rng, n, float(rng.choice([0.0, 0.3, 0.5])), str(rng.choice(["plain", "skewed", "tail"])))
        called += bool(unsteady(timings(a=clean), "a"))
    assert called <= 10  # 2 %


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "skewed", "tail"])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5])
def test_no_kind_of_clean_series_is_called_invalid_more_often(kind, correlation):
    for n in (40, 120, 400, 1500):
        called = sum(
            bool(unsteady(timings(a=noise(np.random.default_rng(seed), n, correlation, kind)), "a"))
            for seed in range(500)
        )
        assert called <= 10, n


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.parametrize("kind", ["plain", "tail"])
def test_a_planted_change_is_seen(what, kind):
    n = 800  # rounds; 400 blocks
    planted = PLANTED[what](np.arange(n) / n)
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        problems = unsteady(timings(a=noise(rng, n, 0.3, kind) + planted, b=noise(rng, n, 0.3, kind) + planted), "b")
        found += any(line.startswith("a: latency moved") for line in problems)
    assert found >= 19


def test_a_change_says_where_it_is_and_how_large():
    rng = np.random.default_rng(0)
    (line,) = unsteady(timings(a=noise(rng, 400, 0.0, "plain") + PLANTED["step"](np.arange(400) / 400)), "a")
    size, start = (int(part) for part in (line.split("moved by ")[1].split("%")[0], line.split("call ")[1].split()[0]))
    assert 20 <= size <= 30 and 220 <= start <= 260, line


def test_what_is_small_or_short_is_left_to_the_percentiles():
    rng = np.random.default_rng(1)
    clean = noise(rng, 1000, 0.0, "plain")
    threshold = math.log1p(SMALLEST_SHIFT)
    assert find_stretch(clean + PLANTED["step"](np.arange(1000) / 1000) / 4, threshold) is None
    assert find_stretch(clean + np.where(np.arange(1000) // 30 == 20, 1.0, 0.0), threshold) is None
    assert find_stretch(np.ones(200), threshold) is None
    assert find_stretch(clean[:11], threshold) is None


class Planted:
    """A clock, and a call that takes as long on it as was planted."""

    def __init__(self, duration_ms) -> None:
        self.now, self.calls, self.duration_ms = 0, count(), duration_ms

    def __call__(self) -> None:
        self.now += int(1e6 * self.duration_ms(next(self.calls)))

    def clock(self) -> int:
        return self.now


def test_a_planted_warm_up_is_over_before_the_first_sample():
    # Half a second is over after about 250 calls, when this one still takes a third longer than it will.
    call = Planted(lambda index: 2.0 * (1 + np.exp(-index / 200)))
    found = interleave({"a": call}, seconds=1.0, warmup_seconds=0.5, clock=call.clock)
    assert found.samples_ns["a"].max() < 2.0e6 * 1.02


def test_a_warm_up_that_does_not_end_makes_the_run_invalid():
    call = Planted(lambda index: 2.0 * (1 + np.exp(-index / 3000)))
    found = interleave({"a": call}, seconds=10.0, warmup_seconds=0.1, clock=call.clock)
    assert unsteady(found, "a")


def test_a_warm_up_ends_at_once_where_nothing_changes():
    call = Planted(lambda index: 2.0)
    interleave({"a": call}, seconds=0.1, min_rounds=2, warmup_seconds=0.5, clock=call.clock)
    assert next(call.calls) < 250 + 60
    assert is_settled([5, 5, 5, 5, 5, 5]) and not is_settled([9, 9, 9, 9, 7, 7])


QUIET = {
    "governor": "schedutil", "throttle_count": 3, "frequency_mhz": 1800.0, "temperature_celsius": 60.0,
    "cooling_state": 0, "firmware_throttled": False, "others_cpus": 0.1, "steal_cpus": 0.0,
}  # fmt: skip
HOT = [QUIET | {"frequency_mhz": 1800.0 - 60.0 * look} for look in range(12)]
STEADY = [QUIET | {"frequency_mhz": 1800.0 - 5.0 * (look % 3)} for look in range(12)]


def test_a_quiet_machine_has_no_problem():
    # Another phase may run at another clock: with more threads, or beside others.
    slower = [one | {"frequency_mhz": one["frequency_mhz"] / 2} for one in STEADY]
    assert condition_problems(QUIET, QUIET | {"temperature_celsius": 71.0}, [STEADY, slower], 2, 4) == []


def test_a_system_that_tells_nothing_has_no_problem():
    silent = dict.fromkeys(QUIET)
    assert condition_problems(silent, silent, [[silent] * 12], 2, 4) == []


@pytest.mark.parametrize(
    ("after", "looks", "said"),
    [
        ({}, HOT, "clock fell from 1710 to 1230 MHz"),
        ({"throttle_count": 5}, STEADY, "slowed 2 times for its heat"),
        ({}, [*STEADY, QUIET | {"cooling_state": 2}], "cooling state 2"),
        ({}, [*STEADY, QUIET | {"firmware_throttled": True}], "firmware slowed the CPU"),
        ({"governor": "powersave"}, STEADY, "from schedutil to powersave"),
        ({"steal_cpus": 0.4}, STEADY, "guests of the host took 0.40 CPUs"),
        ({"others_cpus": 2.9}, STEADY, "other programs used 2.9 of 4 CPUs"),
    ],
)
def test_a_planted_condition_is_named(after, looks, said):
    (problem,) = condition_problems(QUIET, QUIET | after, [STEADY, looks], 2, 4)
    assert said in problem
