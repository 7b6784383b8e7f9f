"""The HTML report in a real browser, as wide as a phone: nothing sticks out, nothing fails, nothing is asked for."""

import re

import pytest
from browser import PHONE, look, needs_browser

from edge_benchmarks.bench.run import bench
from edge_benchmarks.bench.scenarios import SCENARIOS
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.report import render

pytestmark = needs_browser


@pytest.fixture(scope="module")
def full_page(bundle) -> str:
    """The report of all scenarios, with accuracy, of two variants."""
    photo = synthetic_photo().data
    report = bench(
        bundle, scenarios=list(SCENARIOS), seconds=0.4, gaps=[0.0, 0.02], batches=[1, 4], qps=40.0, cold_starts=2,
        threads=1, data=lambda model: [(photo, 0), (photo, 1)],
    )  # fmt: skip
    return render(report.to_dict(), "html")


def test_the_report_is_readable_on_a_phone_and_asks_nobody(full_page, tmp_path):
    assert len(full_page.encode()) < 1_000_000
    found, console = look(full_page, tmp_path)
    assert found["title"] and found["height"] > 1_000
    assert found["figures"] >= 9 and found["blank"] == 0
    assert brightness(found["ink"]) < 0.3 < 0.9 < brightness(found["paper"])
    assert found["width"] <= PHONE
    assert found["out"] == []
    assert found["asked"] == []
    assert console == []


def test_the_report_follows_a_dark_scheme(full_page, tmp_path):
    found, console = look(full_page, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert brightness(found["paper"]) < 0.2 < 0.8 < brightness(found["ink"])
    assert console == []


def brightness(color: str) -> float:
    """Mean of the three channels of `rgb(...)`, from 0 to 1."""
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3 / 255


def test_what_the_check_looks_for_would_be_seen(tmp_path):
    wide = '<title>x</title><div style="width:500px">wide</div><img src="http://example.com/a.png"><script>no(</script>'
    found, console = look(wide, tmp_path)
    assert found["width"] > PHONE and "DIV" in found["out"]
    assert found["asked"] == ["http://example.com/a.png"]
    assert any("SyntaxError" in line for line in console)
