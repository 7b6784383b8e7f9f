"""Budgets: what a file may say, how strictly it is read, and what is held against what."""

import pytest

from edge_benchmarks.compare.budgets import check, disturbed, limits, read_budgets
from edge_benchmarks.compare.judge import Limit
from edge_benchmarks.measurements import Measurement
from edge_runtime.errors import InputError

WHOLE = """
[latency_p50]
max = "12 ms"
max_increase = "3%"
[peak_rss]
max = "100 MiB"
[accuracy]
min = "92.5 %"
max_drop = "0.5 points"
[throughput]
max_drop = "20%"
[latency_p99]
scenario = "idle-gap/1s"
max = "0.5 s"
[variants.cpu-int8.latency_p50]
max = "3000 us"
"""


def write(tmp_path, text: str):
    path = tmp_path / "edge-budgets.toml"
    path.write_text(text)
    return path


def measured(metric, low, high, variant="cpu-fp32", scenario="single-stream") -> Measurement:
    return Measurement("insects", variant, scenario, metric, low, low, high, 9)


def test_units_are_turned_into_the_metrics_own(tmp_path):
    found = {(one.metric, one.variant): one for one in read_budgets(write(tmp_path, WHOLE))}
    assert found["latency_p50", None].bound == 12.0
    assert found["latency_p50", None].change == pytest.approx(0.03)
    assert found["peak_rss", None].bound == 100 * 2**20
    assert found["accuracy", None].bound == pytest.approx(0.925)
    assert found["accuracy", None].change == pytest.approx(0.005)
    assert found["throughput", None].change == pytest.approx(0.25)  # a fifth less is a quarter more time
    assert found["latency_p99", None].bound == 500.0
    assert found["latency_p50", "cpu-int8"].bound == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[latency_p51]\nmax = '1 ms'", r"\[latency_p51\]: no such metric; there are latency_p50"),
        ("[latency_p50]\nmaximum = '1 ms'", r"no key 'maximum' here; this metric has max, max_increase, scenario"),
        ("[latency_p50]\nmin = '1 ms'", "no key 'min'"),
        (
            "[latency_p99]\nmax_increase = '3%'",
            "changes of it are not judged, so max_increase would do nothing; give max",
        ),
        ("[latency_p50]\nmax = 12", "max = 12: a number with one of us, ms, s is expected"),
        ("[latency_p50]\nmax = '12'", "a number with one of us, ms, s"),
        ("[latency_p50]\nmax = '12 MB'", "a number with one of us, ms, s"),
        ("[latency_p50]\nmax = '-1 ms'", "a number with one of"),
        ("[latency_p50]\nmax_increase = '3 points'", "a number with one of %"),
        ("[accuracy]\nmax_drop = '1%'", "a number with one of points"),
        ("[latency_p50]", "says nothing; give max or max_increase"),
        ("latency_p50 = '12 ms'", "a table is expected"),
        ("[latency_p50]\nmax = '1 ms'\nscenario = 3", "scenario = 3"),
        ("variants = 3", "a table for each variant"),
        ("[variants.cpu]\nlatency_p50 = 3", "a table is expected"),
        ("", "holds no budget"),
        ("[latency_p50", "is no TOML"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_budgets(write(tmp_path, text))


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_budgets(tmp_path / "none.toml")


@pytest.mark.parametrize(("low", "high", "over"), [(9.0, 11.9, False), (12.1, 13.0, True), (11.0, 13.0, None)])
def test_only_a_whole_interval_is_over_or_within(tmp_path, low, high, over):
    budgets = read_budgets(write(tmp_path, "[latency_p50]\nmax = '12 ms'"))
    found = check(budgets, [measured("latency_p50", low, high)])
    assert [one.over for one in found] == [over]


@pytest.mark.parametrize(("low", "high", "over"), [(0.93, 0.95, False), (0.80, 0.91, True), (0.90, 0.93, None)])
def test_where_more_is_better_the_bound_is_from_below(tmp_path, low, high, over):
    budgets = read_budgets(write(tmp_path, "[accuracy]\nmin = '92 %'"))
    assert [one.over for one in check(budgets, [measured("accuracy", low, high)])] == [over]


def test_a_budget_that_nothing_was_held_against_is_no_pass(tmp_path):
    budgets = read_budgets(write(tmp_path, "[accuracy]\nmin = '92 %'\n[latency_p50]\nmax = '9 ms'"))
    unresolved = Measurement("insects", "cpu", "single-stream", "latency_p50", None, None, None, 3)
    found = check(budgets, [unresolved])
    assert [(one.budget.metric, one.over) for one in found] == [("accuracy", None), ("latency_p50", None)]
    assert all(one.reason for one in found)


def test_the_budget_of_a_variant_or_a_scenario_replaces_the_general_one(tmp_path):
    budgets = read_budgets(write(tmp_path, WHOLE))
    values = [measured("latency_p50", 5.0, 6.0), measured("latency_p50", 5.0, 6.0, "cpu-int8")]
    found = {one.measurement.variant: one.over for one in check(budgets, values) if one.budget.metric == "latency_p50"}
    assert found == {"cpu-fp32": False, "cpu-int8": True}
    tails = [measured("latency_p99", 600, 700), measured("latency_p99", 600, 700, scenario="idle-gap/1s")]
    assert [one.over for one in check(budgets, tails) if one.budget.metric == "latency_p99"] == [True]


def test_allowed_changes_become_limits_of_their_benchmarks(tmp_path):
    values = [measured("latency_p50", 5.0, 6.0), measured("peak_rss", 1e6, 1e6)]
    found = limits(read_budgets(write(tmp_path, WHOLE)), values)
    assert found == {values[0].key: Limit(pytest.approx(0.03), allowed=True)}


def test_a_disturbed_machine_fails_no_bound_on_a_time(tmp_path):
    budgets = read_budgets(write(tmp_path, "[latency_p50]\nmax = '9 ms'\n[bundle_size]\nmax = '1 KB'"))
    checks = check(budgets, [measured("latency_p50", 10, 11), measured("bundle_size", 2000, 2000, scenario="static")])
    assert [one.over for one in disturbed(checks, [])] == [True, True]
    found = disturbed(checks, ["the CPU was slowed 3 times for its heat; cool it"])
    assert [one.over for one in found] == [None, True]
    assert found[0].reason == "over, but the CPU was slowed 3 times for its heat; cool it"
