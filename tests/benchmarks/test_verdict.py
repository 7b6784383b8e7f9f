"""Verdicts beyond the plain one: groups, macro F1, single classes, frames without labels."""

import numpy as np
import pytest

from edge_benchmarks.accuracy import Answers, ClassVerdict, expect_bound, judge_accuracy, judge_classes
from edge_benchmarks.statistics.clusters import clustered_p_value, clustered_upper_bound, design_effect
from edge_benchmarks.statistics.many import holm
from edge_benchmarks.statistics.proportions import drop_p_value, tango_upper_bound
from edge_benchmarks.verdicts import Accuracy
from edge_runtime.errors import InputError

NAMES = ("a", "b", "c")


def answers(labels: np.ndarray, wrong: np.ndarray) -> Answers:
    """The baseline has every item right, the candidate all but `wrong`."""
    classes = len(NAMES)
    right = np.eye(classes, dtype=np.float32)[labels]
    said = np.where(wrong, (labels + 1) % classes, labels)
    logits = {"cpu-fp32": right, "cpu-int8": np.eye(classes, dtype=np.float32)[said]}
    return Answers(labels, logits, [None] * len(labels))


def some(n: int, wrong: int) -> Answers:
    return answers(np.arange(n) % len(NAMES), np.arange(n) < wrong)


def test_groups_that_fail_together_widen_the_bound():
    labels, wrong = np.arange(1000) % 3, np.zeros(1000, dtype=bool)
    wrong[:10] = True
    given = answers(labels, wrong)
    together = [f"{index // 10}" for index in range(1000)]
    apart = [f"{index % 100}" for index in range(1000)]
    plain = judge_accuracy(given, max_drop=0.05)
    assert judge_accuracy(given, max_drop=0.05, groups=together).drop_bound > 1.5 * plain.drop_bound
    assert judge_accuracy(given, max_drop=0.05, groups=apart).drop_bound < 1.3 * plain.drop_bound
    assert judge_accuracy(given, max_drop=0.05, groups=together).groups == 100
    with pytest.raises(InputError, match="3 groups for 1,000 items"):
        judge_accuracy(given, groups=["x"] * 3)


def test_without_a_change_a_group_counts_as_one_item():
    losses, clusters = np.zeros(1000, dtype=np.int64), np.arange(1000) // 10
    assert design_effect(losses, clusters) == 10
    assert clustered_upper_bound(losses, clusters) == pytest.approx(tango_upper_bound(0, 0, 100))


def test_few_groups_cannot_prove_what_many_can():
    losses = np.zeros(4000, dtype=np.int64)
    losses[::401] = 1
    bounds = [clustered_upper_bound(losses, np.arange(4000) % groups) for groups in (1, 2, 20, 400)]
    assert bounds[0] > 0.9 and bounds == sorted(bounds, reverse=True)
    assert tango_upper_bound(10, 0, 4000) <= bounds[-1] <= 1.2 * tango_upper_bound(10, 0, 4000)
    assert design_effect(losses, np.zeros(4000, dtype=np.int64)) == 4000


def test_one_item_a_group_is_the_plain_bound_or_a_little_more():
    losses = np.zeros(2000, dtype=np.int64)
    losses[:30], losses[30:40] = 1, -1
    bound = clustered_upper_bound(losses, np.arange(2000))
    assert tango_upper_bound(30, 10, 2000) <= bound <= 1.05 * tango_upper_bound(30, 10, 2000)


def test_frames_without_labels_decide_what_few_labels_cannot():
    few = some(100, 0)
    assert judge_accuracy(few).verdict is Accuracy.INCONCLUSIVE
    calm = judge_accuracy(few, unlabeled=some(3000, 3))
    assert calm.verdict is Accuracy.PASS
    assert calm.unlabeled == 3000
    assert judge_accuracy(few, unlabeled=some(3000, 60)).verdict is Accuracy.INCONCLUSIVE


def test_frames_of_groups_are_worth_as_few_items_as_labeled_ones():
    few, groups = some(200, 0), [f"{index // 10}" for index in range(200)]
    alone = judge_accuracy(few, unlabeled=some(3000, 0))
    grouped = judge_accuracy(few, groups=groups, unlabeled=some(3000, 0))
    assert grouped.drop_bound == pytest.approx(10 * alone.drop_bound, rel=0.01)


def test_groups_ask_for_more_items():
    given, groups = some(400, 1), [f"{index // 10}" for index in range(400)]
    plain, grouped = (judge_accuracy(given, groups=one) for one in (None, groups))
    assert plain.items_to_decide is not None and grouped.items_to_decide is not None
    assert 400 < plain.items_to_decide < grouped.items_to_decide


def test_frames_do_not_bound_macro_f1():
    given = some(300, 0)
    by_f1 = judge_accuracy(given, metric="macro-f1", unlabeled=some(3000, 0))
    assert by_f1 == judge_accuracy(given, metric="macro-f1")


def test_macro_f1_sees_a_rare_class_that_accuracy_does_not():
    labels = np.array([0] * 3000 + [1] * 3000 + [2] * 60)
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[-30:] = True
    given = answers(labels, wrong)
    assert judge_accuracy(given).verdict is Accuracy.PASS
    by_f1 = judge_accuracy(given, metric="macro-f1")
    assert by_f1.verdict is Accuracy.FAIL
    assert by_f1.measure == "macro-f1"
    # Class c: half found, all named right: F1 2/3; class a: 30 named wrong; b whole. By hand.
    assert by_f1.drop == pytest.approx(1 - (2 * 3000 / 6030 + 1 + 2 / 3) / 3, abs=1e-9)
    assert judge_accuracy(some(300, 0), metric="macro-f1").drop_bound == pytest.approx(tango_upper_bound(0, 0, 300))


def test_a_class_that_surely_loses_too_much_fails():
    labels = np.repeat(np.arange(3), 200)
    wrong = np.zeros(600, dtype=bool)
    wrong[200:240] = True
    a, b, c = judge_classes(answers(labels, wrong), NAMES, "cpu-fp32", "cpu-int8", max_drop=0.05)
    assert (a.verdict, b.verdict, c.verdict) == (Accuracy.PASS, Accuracy.FAIL, Accuracy.PASS)
    assert (b.worse, b.n, b.drop) == (40, 200, 0.2)


def test_a_protected_class_must_be_proven():
    given = some(120, 0)
    plain = judge_classes(given, NAMES, "cpu-fp32", "cpu-int8", max_drop=0.05)
    assert all(one.verdict is Accuracy.PASS for one in plain)
    guarded = judge_classes(given, NAMES, "cpu-fp32", "cpu-int8", max_drop=0.05, protected=["b"])
    assert [one.verdict for one in guarded] == [Accuracy.PASS, Accuracy.INCONCLUSIVE, Accuracy.PASS]
    assert judge_classes(some(600, 0), NAMES, "cpu-fp32", "cpu-int8", max_drop=0.05, protected=["b"])[1].verdict is (
        Accuracy.PASS
    )


def test_a_class_whose_losses_are_one_recording_is_not_surely_worse():
    labels, wrong = np.repeat(np.arange(3), 400), np.zeros(1200, dtype=bool)
    wrong[400:440] = True
    given = answers(labels, wrong)

    def judged(groups: list[str] | None, **more: object) -> ClassVerdict:
        return judge_classes(given, NAMES, "cpu-fp32", "cpu-int8", max_drop=0.05, groups=groups, **more)[1]

    together, apart = ([f"{of(index)}" for index in range(1200)] for of in (lambda at: at // 40, lambda at: at % 40))
    assert judged(None).verdict is judged(apart).verdict is Accuracy.FAIL
    assert judged(together).verdict is Accuracy.PASS, "one recording of ten may be bad luck"
    assert judged(together).drop_bound > 1.5 * judged(None).drop_bound
    assert judged(together, scale=20.0).verdict is Accuracy.FAIL, "as many of two hundred are not"
    with pytest.raises(InputError, match="1 groups for 1,200 items"):
        judged(["x"])


def test_another_set_is_bounded_by_its_own_size():
    given, groups = some(400, 4), [f"{index // 4}" for index in range(400)]
    for more in ({}, {"groups": groups}, {"metric": "macro-f1"}):
        same, larger = (expect_bound(given, "cpu-fp32", "cpu-int8", items=items, **more) for items in (400, 4000))
        assert same == pytest.approx(judge_accuracy(given, **more).drop_bound)
        assert 0.01 < larger < 0.8 * same
    framed = expect_bound(some(400, 0), "cpu-fp32", "cpu-int8", items=100, frames=3000)
    assert framed == pytest.approx(judge_accuracy(some(100, 0), unlabeled=some(3000, 0)).drop_bound)


def test_holm_rejects_step_by_step():
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([0.04]) == [True]
    assert holm([]) == []


def test_the_p_value_is_the_bound_turned_round():
    for worse, better, n in ((30, 10, 1000), (5, 0, 400), (80, 60, 2000)):
        bound = -tango_upper_bound(better, worse, n)
        if better:
            assert drop_p_value(worse, better, n, bound) == pytest.approx(0.05, abs=1e-6)
        assert drop_p_value(worse, better, n, bound - 0.01) < 0.05 < drop_p_value(worse, better, n, bound + 0.01)


def cluster_coverage(clusters: int, size: int, alike: float, draws: int, seed: int) -> float:
    """Share of draws whose bound holds the true drop, where items of a cluster fail together at the rate `alike`."""
    rng = np.random.default_rng(seed)
    rate, held = 0.02, 0
    places = np.repeat(np.arange(clusters), size)
    for _ in range(draws):
        shared = rng.random(clusters)[places] < rate
        own = rng.random(clusters * size) < rate
        lost = np.where(rng.random(clusters * size) < alike, shared, own)
        held += clustered_upper_bound(lost.astype(np.int64), places) >= rate
    return held / draws


@pytest.mark.slow
@pytest.mark.parametrize(
    "clusters, size, alike", [(2, 1000, 0.3), (10, 50, 0.3), (100, 10, 0.2), (200, 5, 0.3), (300, 10, 0.1)]
)
def test_coverage_of_clustered_bounds(clusters: int, size: int, alike: float):
    assert cluster_coverage(clusters, size, alike, 1000, seed=1) >= 0.93


@pytest.mark.slow
def test_classes_of_clustered_items_rarely_fail_by_luck():
    rng, alarms = np.random.default_rng(3), 0
    clusters = np.repeat(np.arange(60), 10)
    for _ in range(400):
        shared = rng.random(60)[clusters] < 0.05
        lost = np.where(rng.random(600) < 0.5, shared, rng.random(600) < 0.05)
        alarms += clustered_p_value(lost.astype(np.int64), clusters, 0.05) <= 0.05
    assert alarms <= 0.05 * 400
