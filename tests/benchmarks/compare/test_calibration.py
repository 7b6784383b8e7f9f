"""A gate's own error rates: counted rightly, resumed, refused for another bundle, and first in every report."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.compare import calibration as calibration_module
from edge_benchmarks.compare.calibration import calibrate, read_calibration, summarize, told
from edge_benchmarks.compare.run import RunPlan, compare_run
from edge_runtime.errors import InputError


def planted(rng, runs: int, spread: float, drift: float, change: float = 0.0) -> list[dict]:
    """Runs whose 8 pairs vary by `spread` and whose level varies by `drift` from run to run."""
    found = []
    for _ in range(runs):
        logs = change + spread * rng.standard_normal(8)
        effect = {"estimate": logs.mean(), "error": logs.std(ddof=1) / np.sqrt(8), "df": 7.0, "n": 8}
        named = {"bundle": "a", "variant": "cpu", "scenario": "single-stream", "metric": "latency_p50"}
        level = 5.0 * np.exp(drift * rng.standard_normal())
        levels = {"cpu": {"single-stream/latency_p50": level}}
        found.append({"benchmarks": [named | {"problem": "", "effect": effect}], "levels": levels})
    return found


def test_the_summary_counts_alarms_and_finds_what_it_should():
    rng = np.random.default_rng(0)
    summary = summarize(planted(rng, 60, 0.01, 0.03))
    assert summary["runs"] == 60
    assert summary["false_alarms"]["count"] == 0 and 0.04 < summary["false_alarms"]["high"] < 0.08
    assert summary["smallest_found"]["latency_p50"] in (0.03, 0.04, 0.05)
    spread = summary["between_runs"]["single-stream/latency_p50"]
    assert spread["sd"] == pytest.approx(0.03, rel=0.3) and spread["df"] == 59
    assert summarize(planted(rng, 20, 0.01, 0.0, change=0.2))["false_alarms"]["count"] == 20
    assert summarize(planted(rng, 20, 0.5, 0.0))["smallest_found"]["latency_p50"] is None
    assert summarize(planted(rng, 1, 0.01, 0.0))["between_runs"] == {}


@pytest.fixture(scope="module")
def one_run(bundle):
    """A real run of the gate."""
    return compare_run(RunPlan(bundle, bundle, threads=1, variants=("cpu-int8",), pairs=2, seconds=0.02))


def test_a_calibration_goes_on_where_it_was_cut_off(one_run, bundle, tmp_path, monkeypatch):
    plan = RunPlan(bundle, bundle, pairs=2)
    output = tmp_path / "calibration.json"
    seeds: list[int] = []

    def run(plan):
        seeds.append(plan.seed)
        if len(seeds) == 2:
            raise KeyboardInterrupt
        return one_run

    monkeypatch.setattr(calibration_module, "compare_run", run)
    with pytest.raises(KeyboardInterrupt):
        calibrate(plan, output, 3)
    assert len(json.loads(output.read_text())["runs"]) == 1
    assert read_calibration(output)["summary"]["runs"] == 1, "a cut-off calibration can be used"
    document = calibrate(plan, output, 3)
    assert seeds == [0, 1, 1, 2], "the run that was cut off is made again, no other"
    assert document["summary"]["runs"] == 3 == len(read_calibration(output)["runs"])
    assert set(document["summary"]["between_runs"]) >= {"single-stream/latency_p50", "cold-start/first_label"}
    with pytest.raises(InputError, match="is of another settings"):
        calibrate(replace(plan, pairs=3), output, 4)
    assert len(seeds) == 4, "refused before anything was measured"
    elsewhere = told(document, document["identity"] | {"cpu": "another"})
    assert elsewhere["elsewhere"] == ["cpu"]
    assert told(document, document["identity"])["elsewhere"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("{}", "is no calibration"),
        ('{"kind": "calibration", "schema": 9}', "schema 9"),
        ('{"kind": "calibration", "schema": 1, "runs": []}', "is missing; calibrate again"),
    ],
)
def test_what_is_no_calibration_is_one_line(tmp_path, text, message):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_calibration(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.edge", "b.edge", "-o", "c.json"], "BUNDLE"),
        (["a.edge"], "one -o FILE.json"),
        (["a.edge", "-o", "c.json", "--run"], "neither --run"),
    ],
)
def test_the_command_takes_one_bundle_and_one_output(arguments, message, capsys):
    assert run_command(edge_bench, ["compare", "--calibrate", *arguments]) == 2
    assert message in capsys.readouterr().err
