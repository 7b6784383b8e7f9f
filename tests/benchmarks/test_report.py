"""Every report form of one real document: complete, honest, and for HTML self-contained."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from edge_benchmarks.report import FORMS, render
from edge_benchmarks.report.page import Cell, Figure, Headline, Picture, Pictures, Section, Table, Text, render_page
from edge_benchmarks.report.plots import interval_dots, latency_ecdf, ratio_intervals
from edge_benchmarks.verdicts import Interval

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Checker(HTMLParser):
    """Collects what a page refers to, and whether its tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_each_variant_and_its_verdict(document, form):
    text = render(document, form)
    assert "cpu-int8" in text and "cpu-fp32" in text
    assert document["comparisons"][0]["verdict"] in text
    assert document["variants"][0]["content_id"] in text or form == "terminal"


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_a_percentile_that_is_not_known_is_said_and_not_printed(document, form):
    for row in document["rows"]:
        if row["latency_ms"]:
            row["latency_ms"] |= {"p99": None, "effective_n": {"p50": 20.0, "p90": 60.0, "p99": 120.0}}
    text = re.sub(r"\s+", " ", render(document, form))
    assert "not resolved" in text
    assert ("n 120 of 299" if form == "terminal" else "n = 120, 299 needed") in text


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_invalid_and_partial_runs_say_so_first(document, form):
    document |= {"valid": False, "partial": True, "problems": ["cpu-int8: latency moved by +40%"]}
    text = re.sub(r"\s+", " ", render(document, form))
    assert "latency moved by +40%" in text
    assert "interrupted" in text


@pytest.mark.parametrize("form", FORMS)
def test_a_run_interrupted_before_the_first_sample_still_has_a_report(document, form):
    for variant in document["variants"]:
        variant |= {"cold_start_ms": None, "peak_rss_bytes": None, "steady_rss_bytes": None}
    document |= {"comparisons": [], "partial": True, "phases": [], "rows": []}
    assert "cpu-int8" in render(document, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_bundle_with_one_variant_has_no_comparison_and_a_report(document, form):
    del document["variants"][1]
    document["comparisons"] = []
    document["rows"] = [row for row in document["rows"] if row["arm"] != "cpu-fp32"]
    for phase in document["phases"]:
        phase["samples_ns"].pop("cpu-fp32")
        phase.get("stages_ns", {}).pop("cpu-fp32", None)
    document["cold_starts"].pop("cpu-fp32")
    document["measurements"] = [one for one in document["measurements"] if one["variant"] != "cpu-fp32"]
    assert "cpu-fp32" not in render(document, form)


def test_a_terminal_of_80_columns_cuts_no_number(document, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    unknown = {"p90": None, "p99": None, "effective_n": {"p50": 2_000.0, "p90": 28.0, "p99": 298.0}}
    for row in document["rows"]:
        row["arm"] = f"a-bundle-with-a-long-name.edge:{row['arm']}"
        if row["latency_ms"]:
            row["latency_ms"] |= {"p50": {"value": 1_234.5, "low": 1_100.5, "high": 1_300.5}} | unknown
    for variant in document["variants"]:
        variant["arm"] = f"a-bundle-with-a-long-name.edge:{variant['arm']}"
    for one in document["comparisons"]:
        one |= {"verdict": "inconclusive", "ratio": {"value": 0.998, "low": 0.971, "high": 1.021}}
        one["candidate"] = f"a-bundle-with-a-long-name.edge:{one['candidate']}"
    text = render(document, "terminal")
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("1,100-1,300", "n 28 of 29", "n 298 of 299", "0.971-1.02", "? inconclusive"):
        assert whole in text


def test_the_terminal_report_opens_with_one_plain_sentence(document, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    first = document["rows"][0]
    first["latency_ms"] |= {
        "p50": {"value": 8.3, "low": 8.2, "high": 8.4},
        "p90": {"value": 9.1, "low": 9, "high": 9.3},
    }
    first["stages_ms"]["infer"]["p50"] = {"value": 2.9, "low": 2.8, "high": 3.0}
    pair = document["comparisons"][0]
    pair |= {"verdict": "faster", "ratio": {"value": 0.5, "low": 0.48, "high": 0.52}}
    opening = "cpu-int8 answers in 8.30 ms (p50), 2.90 ms of it the model; 9 of 10 answers take at most 9.10 ms (p90)"
    assert render(document, "terminal").splitlines()[0] == f"{opening}; 2.00x faster than cpu-fp32."
    first["latency_ms"] |= {"p50": None, "p90": None}
    pair["verdict"] = "inconclusive"
    assert render(document, "terminal").splitlines()[0] == "cpu-int8: p50 not resolved."


def test_json_is_the_document(document):
    assert json.loads(render(document, "json")) == document


def test_the_page_is_whole_small_and_asks_nobody(document):
    page = render(document, "html")
    checker = Checker(page)
    assert len(page.encode()) < 1_000_000
    assert "script" not in checker.tags
    assert len(checker.ids) == len(set(checker.ids))
    assert all(link.startswith(("#", "data:")) for link in checker.links)
    inner = {link[1:] for link in checker.links if link.startswith("#")} | set(re.findall(r"url\(#([^)]*)\)", page))
    assert inner and inner <= set(checker.ids), "every reference within a plot leads to its own definition"
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert "<svg" in page and "prefers-color-scheme: dark" in page


def test_no_plot_keeps_a_color_of_its_own(document):
    # All colors come from the page, so that light and dark schemes both have enough contrast.
    plots = "".join(re.findall(r"<svg.*?</svg>", render(document, "html"), re.DOTALL))
    assert "var(--series-1)" in plots
    assert re.findall(r"#[0-9a-f]{6}(?![0-9a-f])", plots) == []


def test_the_headline_claims_only_what_is_proven(document):
    pair = document["comparisons"][0]
    pair |= {"verdict": "faster", "ratio": {"value": 0.5, "low": 0.48, "high": 0.52}, "reason": ""}
    text = " ".join(Checker(render(document, "html")).text)
    assert "2.00x faster" in text and "proven" in text
    pair |= {"verdict": "inconclusive", "ratio": {"value": 0.9, "low": 0.7, "high": 1.2}}
    document["comparisons"] = [pair]
    text = " ".join(Checker(render(document, "html")).text)
    assert "Not decided" in text and "1.11x faster" not in text


def test_markup_in_names_is_escaped():
    evil = "<script>alert('x')</script>"
    blocks = [Text(evil), Table([evil], [[Cell(evil, evil)]]), Pictures([Picture(b"x", evil)])]
    page = render_page(evil, [Section(evil, blocks)], headline=Headline(evil, evil), subtitle=evil, footer=evil)
    assert "script" not in Checker(page).tags
    svg = interval_dots([(evil, Interval(0.9, 0.8, 1.0, 0.95))], "share", shares=True)
    assert "script" not in Checker(render_page("x", [Section("y", [Figure(svg, evil)])])).tags


def test_markdown_cells_cannot_break_the_table(document):
    for row in document["rows"]:
        row["arm"] = "a|b\nc"
    lines = [line for line in render(document, "markdown").splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines[:6]}) == 1


def test_a_long_series_is_drawn_with_its_slowest_sample():
    series = np.concatenate([np.random.default_rng(0).random(20_000) + 1, [50.0]])
    svg = latency_ecdf({"x": series}, {})
    assert len(svg) < 120_000
    assert "logarithmic" in svg


def test_an_unbounded_ratio_can_be_drawn():
    assert "<svg" in ratio_intervals([("x / y", Interval(0.5, 0.0, float("inf"), 0.95), "unsure")])


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_a_busy_machine_is_named(document, form):
    document["environment"]["conditions_after"]["others_cpus"] = 1.7
    assert "Other programs used 1.7 of" in render(document, form)
    document["environment"]["conditions_after"]["others_cpus"] = 0.0
    assert "Other programs" not in render(document, form)


def test_texts_are_set_as_their_script_is_and_numbers_to_the_right():
    page = render_page("Page", [Section("Changed", [Table(["answers", "text", "items"], [["a", "שלום", "1"]])])])
    assert '<td data-label="text" class="said">שלום</td>' in page and '<td data-label="items">1</td>' in page
    assert "unicode-bidi: plaintext" in page
