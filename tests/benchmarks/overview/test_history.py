"""Numbers over time: changes are found where they are, and seldom where there are none."""

import numpy as np
import pytest

from edge_benchmarks.overview.history import find_changes, make_history
from edge_benchmarks.overview.results import read_result


def noisy(generator: np.random.Generator, *levels: tuple[float, int]) -> np.ndarray:
    return np.concatenate([level * generator.lognormal(0, 0.03, count) for level, count in levels])


def test_changes_are_found_where_they_are():
    values = noisy(np.random.default_rng(0), (10.0, 15), (12.0, 15), (9.0, 15))
    found = find_changes(values)
    assert [one.index for one in found] == [15, 30]
    assert [one.after for one in found] == pytest.approx([12.0, 9.0], rel=0.03)
    assert found[0].ratio == pytest.approx(1.2, rel=0.03)


@pytest.mark.parametrize("at", [8, 11, 16])
def test_a_change_near_an_end_is_found_too(at):
    found = find_changes(noisy(np.random.default_rng(1), (10.0, at), (13.0, 24 - at)))
    assert [one.index for one in found] == [at]


def test_fourteen_results_are_enough_and_twelve_are_not():
    for half, expected in ((7, [7]), (6, [])):
        assert [one.index for one in find_changes(np.repeat([1.0, 2.0], half))] == expected


def test_one_odd_result_or_none_is_no_change():
    values = noisy(np.random.default_rng(2), (10.0, 40))
    values[17] = 40.0
    assert find_changes(values) == [] and find_changes(np.ones(40)) == [] and find_changes([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("n", [14, 40])
def test_series_without_change_are_left_alone(n):
    generator = np.random.default_rng(n)
    alarms = sum(bool(find_changes(noisy(generator, (10.0, n)), seed=at)) for at in range(2_000))
    assert alarms <= 12, "0.2 % of 2,000 are 4; 13 and more come by chance in one of 10,000 such tests"


@pytest.fixture
def stored(write_proof):
    """Twenty results of one board, a month apart, whose latency rises by a quarter at the thirteenth."""

    def write(**more):
        values = noisy(np.random.default_rng(3), (1.0, 12), (1.25, 8))
        return [
            read_result(
                write_proof(
                    f"{at:02d}.json", factor=value, created=f"20{10 + at // 12}-{1 + at % 12:02d}-01T00:00:00", **more
                )
            )
            for at, value in enumerate(values)
        ]

    return write


def test_a_history_tells_since_when_and_whether_it_is_worse(stored):
    results = stored()
    series = {one.key: one for one in make_history(reversed(results))}
    latency = series["insects/cpu-int8/single-stream/model_latency_p50"]
    assert [point.source for point in latency.points] == [f"{at:02d}.json" for at in range(20)]
    (change,) = latency.changes
    assert latency.points[change.index].created.startswith("2011-01") and latency.worse(change)
    assert series["insects/cpu-int8/static/variant_size"].changes == ()


def test_an_exact_number_needs_no_test(stored, write_proof):
    import json

    path = write_proof("changed.json", created="2030-01-01T00:00:00")
    document = json.loads(path.read_text())
    for one in document["report"]["measurements"]:
        if one["metric"] == "variant_size":
            one.update(value=one["value"] + 1, low=one["value"] + 1, high=one["value"] + 1)
    path.write_text(json.dumps(document))
    series = {one.key: one for one in make_history([*stored()[:2], read_result(path)])}
    size = series["insects/cpu-int8/static/variant_size"]
    assert [one.index for one in size.changes] == [2] and size.worse(size.changes[0])


def test_other_machines_and_invalid_runs_do_not_mix(stored, write_proof):
    more = [
        read_result(write_proof("b.json", board="Board B", factor=9.0)),
        read_result(write_proof("c.json", factor=9.0, valid=False)),
        read_result(write_proof("d.json", factor=9.0, settings={"threads": 4})),
    ]
    for series in make_history(stored() + more):
        assert len(series.points) == 20 and {point.source for point in series.points}.isdisjoint(
            {"b.json", "c.json", "d.json"}
        )
