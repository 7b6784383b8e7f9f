"""Verdicts on planted samples: how often they are false, what they find, and what they do with everything else."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_benchmarks.accuracy.paired import Paired
from edge_benchmarks.compare.effects import Shares, Student, of_exact, of_pairs
from edge_benchmarks.compare.judge import FALSE_ALARMS, Limit, Outcome, Question, exit_code, judge
from edge_benchmarks.measurements import METRICS, Measurement
from edge_runtime.errors import ExitCode

PAIRS = 8


def measured(metric: str = "latency_p50", variant: str = "cpu", value: float = 5.0) -> Measurement:
    return Measurement("insects", variant, "single-stream", metric, value, value, value, 100)


def question(effect, metric: str = "latency_p50", variant: str = "cpu", **more) -> Question:
    return Question(measured(metric, variant), measured(metric, variant), effect, **more)


def outcomes(rng, change: float, spread: float, runs: int, benchmarks: int = 1, draw=None) -> list[list[Outcome]]:
    """Verdicts of `runs` comparisons whose pairs vary by `spread` around a true change."""
    draw = draw or rng.standard_normal
    found = []
    for logs in math.log1p(change) + spread * draw((runs, benchmarks, PAIRS)):
        asked = [question(of_pairs(one), variant=str(at)) for at, one in enumerate(logs)]
        found.append([one.outcome for one in judge(asked)])
    return found


def share(found, *wanted: Outcome) -> float:
    return float(np.mean([any(one in wanted for one in run) for run in found]))


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.2])
@pytest.mark.parametrize("benchmarks", [1, 20])
def test_equal_builds_seldom_alarm_however_many_benchmarks_and_however_noisy(spread, benchmarks):
    found = outcomes(np.random.default_rng(1), 0.0, spread, 150 if benchmarks == 20 else 1500, benchmarks)
    assert share(found, Outcome.BETTER, Outcome.WORSE) <= 2 * FALSE_ALARMS


def test_heavy_tails_and_bursts_do_not_raise_the_rate_of_alarms():
    rng = np.random.default_rng(2)

    def bursts(shape):
        return 0.01 * rng.standard_normal(shape) + (rng.random(shape) < 0.1) * rng.normal(0, 0.3, shape)

    found = outcomes(rng, 0.0, 1.0, 2000, draw=bursts)
    assert share(found, Outcome.BETTER, Outcome.WORSE) <= FALSE_ALARMS


def test_starts_that_something_else_delayed_move_no_verdict():
    rng = np.random.default_rng(6)

    def verdicts(change: float) -> list[Outcome]:
        found = []
        for _ in range(400):
            starts = 0.02 * rng.standard_normal((2, PAIRS)) + 0.3 * (rng.random((2, PAIRS)) < 0.15)
            effect = of_pairs(math.log1p(change) + starts[1] - starts[0], trim=0.25)
            found.append(judge([question(effect, "first_label")])[0].outcome)
        return found

    equal, longer = verdicts(0.0), verdicts(0.5)
    assert np.mean([one is Outcome.SAME for one in equal]) > 0.8
    assert np.mean([one in (Outcome.BETTER, Outcome.WORSE) for one in equal]) <= FALSE_ALARMS
    assert np.mean([one is Outcome.WORSE for one in longer]) > 0.8


def test_a_trimmed_interval_covers_what_it_says():
    rng = np.random.default_rng(7)
    ends = [of_pairs(rng.normal(0.1, 0.03, PAIRS), trim=0.25).interval() for _ in range(3000)]
    assert 0.935 <= np.mean([low <= 0.1 <= high for low, high in ends]) <= 0.97
    assert of_pairs([1.0, 2.0, 3.0, 9.0], trim=0.25).estimate == of_pairs([0.0, 2.0, 3.0, 4.0], trim=0.25).estimate


def test_a_tenth_slower_is_found_and_equal_is_called_the_same():
    rng = np.random.default_rng(3)
    assert share(outcomes(rng, 0.10, 0.02, 300), Outcome.WORSE) >= 0.95
    assert share(outcomes(rng, -0.10, 0.02, 300), Outcome.BETTER) >= 0.95
    assert share(outcomes(rng, 0.0, 0.02, 300), Outcome.SAME) >= 0.95
    assert share(outcomes(rng, 0.10, 0.02, 300, benchmarks=10), Outcome.WORSE) >= 0.95


def test_a_change_at_the_margin_is_not_called_the_same():
    assert share(outcomes(np.random.default_rng(4), 0.05, 0.02, 300), Outcome.SAME) <= 0.04


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=12), st.sampled_from(sorted(METRICS)))
def test_exchanging_the_sides_turns_the_sign_and_keeps_the_size(logs, metric):
    turned = {Outcome.BETTER: Outcome.WORSE, Outcome.WORSE: Outcome.BETTER}
    there, back = (judge([question(of_pairs(values), metric)])[0] for values in (logs, [-one for one in logs]))
    assert there.p_value == back.p_value
    assert there.outcome is turned.get(back.outcome, back.outcome)
    assert there.question.effect.interval() == tuple(-end for end in reversed(back.question.effect.interval()))


def test_the_interval_covers_what_it_says():
    rng = np.random.default_rng(5)
    ends = [of_pairs(rng.normal(0.1, 0.03, PAIRS)).interval() for _ in range(3000)]
    assert 0.935 <= np.mean([low <= 0.1 <= high for low, high in ends]) <= 0.965


@pytest.mark.parametrize(
    ("metric", "base", "new", "outcome"),
    [
        ("bundle_size", 1000.0, 1000.0, Outcome.SAME),
        ("bundle_size", 1000.0, 1005.0, Outcome.SAME),
        ("bundle_size", 1000.0, 1020.0, Outcome.WORSE),
        ("bundle_size", 1000.0, 900.0, Outcome.BETTER),
        ("bundle_size", 0.0, 900.0, Outcome.WORSE),
    ],
)
def test_sizes_have_no_chance_in_them(metric, base, new, outcome):
    found = judge([question(of_exact(base, new), metric)])[0]
    assert found.outcome is outcome and found.p_value is None


def test_sizes_do_not_weaken_the_test_of_what_varies():
    noisy = question(of_pairs([0.08, 0.10, 0.09, 0.12, 0.07, 0.11, 0.10, 0.06]))
    sizes = [question(of_exact(1000, 1000), "bundle_size", str(at)) for at in range(500)]
    assert judge([noisy, *sizes])[0].outcome is Outcome.WORSE


@pytest.mark.parametrize(
    ("worse", "better", "n", "outcome"),
    [
        (0, 0, 2000, Outcome.SAME),
        (60, 2, 1000, Outcome.WORSE),
        (2, 60, 1000, Outcome.BETTER),
        (3, 0, 60, Outcome.INCONCLUSIVE),
    ],
)
def test_accuracy_is_judged_on_the_same_items_in_points(worse, better, n, outcome):
    losses = np.zeros(n, dtype=np.int64)
    losses[:worse], losses[worse : worse + better] = 1, -1
    effect = Shares(Paired(losses))
    assert judge([question(effect, "accuracy")])[0].outcome is outcome
    assert effect.interval()[0] <= effect.estimate <= effect.interval()[1]


def test_throughput_that_falls_is_worse():
    assert judge([question(of_pairs([-0.2, -0.21, -0.2, -0.22]), "throughput")])[0].outcome is Outcome.WORSE


def test_what_cannot_be_judged_says_why():
    same = of_pairs([0.0, 0.001, -0.001, 0.0, 0.002])
    asked = [
        Question(measured(variant="gone"), None),
        Question(None, measured(variant="fresh")),
        question(same, variant="moved", problem="the ratio moved"),
        question(None, variant="stored", doubt="no calibration"),
        question(same, variant="fine"),
    ]
    found = judge(asked)
    assert [one.outcome.value for one in found] == ["missing", "added", "invalid", "inconclusive", "same"]
    assert [bool(one.reason) for one in found] == [True, True, True, True, False]


def test_one_pair_bounds_nothing():
    assert judge([question(of_pairs([0.0]))])[0].outcome is Outcome.INCONCLUSIVE


def test_exit_codes_put_bad_news_before_doubt():
    fine = judge([question(of_pairs([0.0, 0.001, -0.001, 0.0]))])[0]
    codes = {
        ExitCode.OK: [Outcome.SAME, Outcome.BETTER, Outcome.ADDED],
        ExitCode.INCONCLUSIVE: [Outcome.SAME, Outcome.INCONCLUSIVE],
        ExitCode.INVALID: [Outcome.INVALID, Outcome.INCONCLUSIVE],
        ExitCode.REFUSED: [Outcome.WORSE, Outcome.INVALID, Outcome.INCONCLUSIVE],
    }
    for code, given_ in codes.items():
        assert exit_code([replace(fine, outcome=one) for one in given_]) is code
    assert exit_code([replace(fine, outcome=Outcome.MISSING)]) is ExitCode.REFUSED
    assert exit_code([fine], over=[True, None]) is ExitCode.REFUSED
    assert exit_code([fine], over=[None]) is ExitCode.INCONCLUSIVE
    assert exit_code([]) is ExitCode.INVALID


@pytest.mark.parametrize(
    ("change", "outcome"),
    [(0.0, Outcome.SAME), (0.02, Outcome.SAME), (0.025, Outcome.INCONCLUSIVE), (0.033, Outcome.INCONCLUSIVE),
     (0.08, Outcome.WORSE), (-0.1, Outcome.BETTER)],
)  # fmt: skip
def test_an_allowed_change_fails_only_what_is_surely_over_it(change, outcome):
    logs = math.log1p(change) + 0.008 * np.array([-1, 1, -1, 1, 0.5, -0.5])
    asked = question(of_pairs(logs))
    assert judge([asked], {asked.shown.key: Limit(0.03, allowed=True)})[0].outcome is outcome


def test_without_spread_a_margin_does_not_excuse_a_sure_change_over_it():
    assert judge([question(Student(0.2, 0.0, 7, 8))])[0].outcome is Outcome.WORSE
