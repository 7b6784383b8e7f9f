"""Every form of a comparison's report: error rates first, every verdict, and nothing that a name could break."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from edge_benchmarks.compare.budgets import read_budgets
from edge_benchmarks.compare.report import FORMS, render
from edge_benchmarks.compare.stored import compare_stored


@pytest.fixture
def compared(store, document, values, calibration, tmp_path):
    """A document with one benchmark of each kind: worse, missing, added, the same, inconclusive, and two budgets."""
    base, new = (
        document(values | {"offline/throughput": 90.0}),
        document(
            {name: value for name, value in values.items() if "p99" not in name}
            | {"single-stream/latency_p50": 9.0, "idle-gap/latency_p99": 7.0, "offline/throughput": None}
        ),
    )
    path = tmp_path / "budgets.toml"
    path.write_text("[bundle_size]\nmax = '10 KB'\n[peak_rss]\nmax = '1 GB'\n[accuracy]\nmin = '90%'\n")
    report = compare_stored(store(base), store(new), budgets=read_budgets(path), calibration=calibration)
    return json.loads(json.dumps(report.to_dict(), allow_nan=False))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_every_outcome(compared, form):
    text = render(compared, form)
    for word in ("worse", "missing", "inconclusive", "latency", "over"):
        assert word in text, word
    assert ("added" in text) and ("Raspberry" not in text or form in ("json", "html"))


@pytest.mark.parametrize("form", ["terminal", "markdown", "junit", "html"])
def test_error_rates_come_before_the_verdict(compared, form):
    text = " ".join(render(compared, form).split())
    known = "equal builds were called different in 0 of 20 runs"
    assert known in text
    assert text.index(known) < text.index("missing")
    unknown = " ".join(render(compared | {"calibration": None}, form).split())
    assert "are not known" in unknown
    assert "measured on another machine" in " ".join(
        render(compared | {"calibration": compared["calibration"] | {"elsewhere": ["cpu"]}}, form).split()
    )


def test_junit_counts_what_it_holds(compared):
    suite = ElementTree.fromstring(render(compared, "junit")).find("testsuite")
    assert int(suite.get("tests")) == len(compared["benchmarks"]) + len(compared["budgets"])
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert any("latency_p50" in name for name in failed) and any("bundle_size" in name for name in failed)
    assert len({(case.get("classname"), case.get("name")) for case in suite.findall("testcase")}) == int(
        suite.get("tests")
    )


@pytest.mark.parametrize("form", FORMS)
def test_names_cannot_break_a_form(compared, form):
    nasty = "a|b\x1b[31m<script>alert(1)</script>&\x00"
    for one in compared["benchmarks"]:
        one["variant"], one["key"] = nasty, nasty
    compared["base"]["name"] = nasty
    text = render(compared, form)
    if form == "junit":
        ElementTree.fromstring(text)
    if form == "html":
        assert "<script>alert" not in text
    if form == "markdown":
        rows = [line for line in text.splitlines() if line.startswith("| ") and "alert" in line]
        assert rows and all(line.replace("\\|", "").count("|") == 7 for line in rows)
    if form == "terminal":
        assert "\x1b[31m" not in text
