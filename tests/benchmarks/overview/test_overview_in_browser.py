"""The overview's page in a real browser, as wide as a phone."""

import re

import numpy as np
from browser import look, needs_browser

from edge_benchmarks.overview import render
from edge_benchmarks.overview.document import make_overview
from edge_benchmarks.overview.results import read_result


@needs_browser
def test_it_is_readable_on_a_phone_and_asks_nobody(write_proof, tmp_path):
    paths = [
        write_proof(f"{at}.json", factor=1.0 if at < 12 else 1.3, created=f"20{10 + at}-01-01T00:00:00")
        for at in range(24)
    ]
    paths += [write_proof(f"b{at}.json", board=f"A board with a long name {at}", name=f"b{at}") for at in range(6)]
    page = render(make_overview([read_result(path) for path in paths]), "html")
    assert len(page) < 1_000_000 and not re.search(r'(?:src|href)="(?!#|data:)', page)
    found, console = look(page, tmp_path)
    assert found["title"] and found["height"] > 1_000
    assert found["figures"] >= 2 and found["blank"] == 0
    assert found["out"] == [] and found["asked"] == [] and console == []


def test_dates_and_levels_are_drawn(write_proof):
    values = np.where(np.arange(24) < 12, 1.0, 1.3)
    results = [
        read_result(write_proof(f"{at}.json", factor=float(value), created=f"20{10 + at}-01-01T00:00:00"))
        for at, value in enumerate(values)
    ]
    page = render(make_overview(results), "html")
    assert "worse by +30.0% (2.00 ms to 2.60 ms) since 2022-01-01" in page
    assert ">2010-01-01<" in page and "var(--bad)" in page
