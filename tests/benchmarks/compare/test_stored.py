"""Stored reports: what makes them incomparable, how drift between runs counts, and what is missing."""

import copy
import json

import numpy as np
import pytest

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.compare.stored import compare_stored, read_stored
from edge_runtime.errors import ExitCode, InputError


def outcomes(report) -> dict[str, str]:
    return {one.question.shown.metric: one.outcome.value for one in report.judged}


def test_without_a_calibration_only_what_does_not_drift_is_decided(store, document, values):
    report = compare_stored(store(document(values)), store(document(values)))
    assert outcomes(report) == {
        "latency_p50": "inconclusive",
        "first_label": "inconclusive",
        "peak_rss": "inconclusive",
        "bundle_size": "same",
    }
    assert report.exit_code is ExitCode.INCONCLUSIVE
    assert "--run" in report.judged[0].reason


def test_the_calibrated_drift_decides(store, document, values, calibration):
    base = store(document(values))
    slower = store(document(values | {"single-stream/latency_p50": 6.5}))
    assert outcomes(compare_stored(base, slower, calibration=calibration))["latency_p50"] == "worse"
    assert outcomes(compare_stored(slower, base, calibration=calibration))["latency_p50"] == "better"
    drifted = store(document(values | {"single-stream/latency_p50": 5.2}))
    assert outcomes(compare_stored(base, drifted, calibration=calibration))["latency_p50"] == "inconclusive"


def test_runs_of_identical_code_that_drift_as_calibrated_seldom_alarm(store, document, values, calibration):
    rng = np.random.default_rng(0)
    verdicts = []
    for _ in range(150):
        levels = [values | {"single-stream/latency_p50": 5.0 * np.exp(0.02 * rng.standard_normal())} for _ in range(2)]
        report = compare_stored(*(store(document(one)) for one in levels), calibration=calibration)
        verdicts.append(outcomes(report)["latency_p50"])
    assert np.mean([one in ("better", "worse") for one in verdicts]) <= 0.02


def test_unlike_machines_or_inputs_are_incomparable_unless_forced(store, document, values, calibration):
    base = store(document(values))
    other = document(values)
    other["environment"]["identity"] |= {"cpu": "Cortex-A72", "affinity": 2}
    other["settings"]["inputs"] = [{"sha256": "2"}]
    report = compare_stored(base, store(other), calibration=calibration)
    assert report.exit_code is ExitCode.INVALID
    assert {one.field for one in report.differences} == {"cpu", "affinity", "inputs"}
    assert "incomparable: cpu, affinity, inputs differ" in report.judged[0].reason
    assert outcomes(report)["bundle_size"] == "same"
    forced = compare_stored(base, store(other), calibration=calibration, force=True)
    assert outcomes(forced)["latency_p50"] != "invalid"
    assert forced.to_dict()["settings"]["force"]


def test_versions_are_told_and_do_not_forbid(store, document, values, calibration):
    other = document(values)
    other["environment"]["versions"]["onnxruntime"] = "1.33.0"
    report = compare_stored(store(document(values)), store(other), calibration=calibration)
    assert [(one.kind, one.field, one.new) for one in report.differences] == [("versions", "onnxruntime", "1.33.0")]
    assert "invalid" not in outcomes(report).values()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid": False, "problems": ["latency moved"]}, "NEW is invalid: latency moved"),
        ({"partial": True}, "NEW was interrupted: it is partial"),
    ],
)
def test_what_is_invalid_or_partial_decides_nothing_that_is_timed(
    store, document, values, calibration, changes, reason
):
    broken = {name: value for name, value in values.items() if "rss" not in name}
    report = compare_stored(store(document(values)), store(document(broken, **changes)), calibration=calibration)
    assert report.exit_code is ExitCode.INVALID
    assert {one.reason for one in report.judged if one.outcome.value == "invalid"} == {reason}
    assert outcomes(report)["peak_rss"] == "invalid", "what a broken report lacks is not missing"


def test_what_new_lacks_is_missing_tails_too(store, document, values, calibration):
    less = {name: value for name, value in values.items() if "p99" not in name}
    report = compare_stored(store(document(values)), store(document(less)), calibration=calibration)
    assert outcomes(report)["latency_p99"] == "missing"
    assert report.exit_code is ExitCode.REFUSED
    more = compare_stored(store(document(less)), store(document(values)), calibration=calibration)
    assert outcomes(more)["latency_p99"] == "added"


def test_a_renamed_bundle_is_still_the_one_to_compare(store, document, values, calibration):
    renamed = document(values)
    for one in renamed["measurements"]:
        one["bundle"] = "insects-2"
    report = compare_stored(store(document(values)), store(renamed), calibration=calibration)
    assert not {"missing", "added"} & set(outcomes(report).values())


def test_what_was_not_resolved_is_inconclusive(store, document, values, calibration):
    unresolved = values | {"single-stream/latency_p50": None}
    report = compare_stored(store(document(values)), store(document(unresolved)), calibration=calibration)
    assert outcomes(report)["latency_p50"] == "inconclusive"


def test_accuracies_of_equal_bundles_are_the_same_and_of_others_widely_bounded(store, document, values):
    known = values | {"static/accuracy": 0.9}
    assert outcomes(compare_stored(store(document(known)), store(document(known))))["accuracy"] == "same"
    other = document(values | {"static/accuracy": 0.89})
    other["variants"][0]["content_id"] = "sha256:bb"
    assert outcomes(compare_stored(store(document(known)), store(other)))["accuracy"] == "inconclusive"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda one: "{", "is no JSON"),
        (lambda one: json.dumps([1]), "holds no JSON object"),
        (lambda one: json.dumps(one | {"kind": "compare"}), "kind 'compare'"),
        (lambda one: json.dumps(one | {"schema": 1}), "schema 1, 2 is read"),
        (lambda one: json.dumps({key: one[key] for key in one if key != "environment"}), "'environment'"),
        (lambda one: json.dumps(one | {"measurements": [{}]}), "no field 'bundle'"),
        (lambda one: json.dumps(one | {"variants": None}), "of another type"),
    ],
)
def test_what_is_no_report_is_one_line(tmp_path, document, values, spoil, message):
    path = tmp_path / "report.json"
    path.write_text(spoil(copy.deepcopy(document(values))))
    with pytest.raises(InputError, match=message):
        read_stored(path)


def test_the_command_compares_stored_reports(tmp_path, document, values, capsys):
    paths = [tmp_path / "base.json", tmp_path / "new.json"]
    for path in paths:
        path.write_text(json.dumps(document(values)))
    assert run_command(edge_bench, ["compare", *map(str, paths), "--json"]) == ExitCode.INCONCLUSIVE
    assert json.loads(capsys.readouterr().out)["mode"] == "stored"
    assert run_command(edge_bench, ["compare", str(paths[0])]) == ExitCode.USAGE
    assert "1 paths; BASE and NEW are expected" in capsys.readouterr().err


def test_bundles_without_run_are_told_of_it(tmp_path, capsys):
    paths = [str(tmp_path / name) for name in ("base.edge", "new.edge")]
    assert run_command(edge_bench, ["compare", *paths]) == ExitCode.INPUT
    assert "base.edge: a bundle; add --run" in capsys.readouterr().err
