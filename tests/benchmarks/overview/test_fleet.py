"""Device by bundle, a verdict in each cell, and a gate on the worst one; every form says the same."""

import html
import json
import re
from pathlib import Path

import pytest

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.overview import FORMS, render
from edge_benchmarks.overview.document import make_overview
from edge_benchmarks.overview.fleet import make_fleet, worst
from edge_benchmarks.overview.results import read_result
from edge_runtime.errors import ExitCode, InputError


def fleet_of(*paths: Path):
    return make_fleet([read_result(path) for path in paths])


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["proven", "proven"], ExitCode.OK),
        (["proven", "inconclusive"], ExitCode.INCONCLUSIVE),
        (["inconclusive", "invalid"], ExitCode.INVALID),
        (["invalid", "slower", "proven"], ExitCode.REFUSED),
        (["slower", "failed"], ExitCode.REFUSED),
    ],
)
def test_the_worst_cell_decides(write_proof, verdicts, code):
    paths = [write_proof(f"{at}.json", board=f"Board {at}", verdict=one) for at, one in enumerate(verdicts)]
    cells = fleet_of(*paths)
    assert [cell.judged.verdict.value for cell in cells] == verdicts
    assert worst(cells).exit_code is code
    assert make_overview([read_result(path) for path in paths])["exit_code"] == code


def test_the_newest_result_of_a_device_counts(write_proof):
    old = write_proof("old.json", verdict="failed", created="2026-01-01T00:00:00+00:00")
    new = write_proof("new.json", verdict="proven", created="2026-02-01T00:00:00+00:00")
    (cell,) = fleet_of(new, old)
    assert (cell.source, cell.judged.verdict.value) == ("new.json", "proven")


def test_a_benchmark_stands_beside_a_proof(write_proof, document, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(document))
    cells = fleet_of(write_proof("pi.json"), path)
    assert {cell.bundle for cell in cells} == {"insects"} and len(cells) == 2
    mine = next(cell for cell in cells if cell.source == "bench.json")
    assert {one.metric for one in mine.numbers} >= {"latency_p50", "peak_rss"}
    assert {one.variant for one in mine.numbers} == {mine.judged.variant}


def test_an_invalid_or_partial_benchmark_proves_nothing(document, tmp_path):
    for change in ({"valid": False, "problems": ["throttled"]}, {"partial": True}):
        path = tmp_path / "bench.json"
        path.write_text(json.dumps(document | change))
        (cell,) = fleet_of(path)
        assert cell.exit_code is ExitCode.INVALID


def test_a_budget_holds_on_every_device(write_proof, tmp_path, capsys):
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[model_latency_p50]\nmax = "5 ms"\n')
    fast, slow = write_proof("fast.json"), write_proof("slow.json", board="Board B", factor=4.0)
    assert run_command(edge_bench, ["report", str(fast), "--budgets", str(budgets)]) == ExitCode.OK
    assert run_command(edge_bench, ["report", str(fast), str(slow), "--budgets", str(budgets)]) == ExitCode.REFUSED
    assert "over its budget" in capsys.readouterr().out


def test_every_form_shows_every_device_bundle_and_verdict(write_proof):
    paths = [
        write_proof("a.json", board="Board <A>", name="ants"),
        write_proof("b.json", board="Board |B|", name="bees", verdict="slower"),
    ]
    overview = json.loads(json.dumps(make_overview([read_result(path) for path in paths])))
    for form in FORMS:
        text = render(overview, form)
        plain = html.unescape(text) if form in ("html", "markdown") else text
        plain = plain.replace("\\|", "|")
        for word in ("Board <A>", "Board |B|", "ants", "bees", "slower", "proven"):
            assert word in plain, (form, word)
        if form != "json":
            assert "not measured" in plain and "refused" in plain.lower()
    table = [line for line in render(overview, "markdown").splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {4}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no JSON object"),
        ('{"kind": "compare", "schema": 1}', "kind 'compare'"),
        ('{"kind": "bench", "schema": 1}', "measure again"),
        ('{"kind": "prove", "report": null}', "schema None"),
        ('{"kind": "bench", "schema": 2}', "a field is missing"),
    ],
)
def test_what_is_no_result_is_said(tmp_path, content, says):
    path = tmp_path / "odd.json"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_result(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_result(tmp_path / "none.json")
