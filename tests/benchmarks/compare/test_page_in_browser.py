"""A comparison's page in a real browser, as wide as a phone."""

from browser import PHONE, look, needs_browser

from edge_benchmarks.compare.report import render
from edge_benchmarks.compare.run import RunPlan, compare_run

pytestmark = needs_browser


def test_the_page_is_readable_on_a_phone_and_asks_nobody(bundle, tmp_path):
    report = compare_run(RunPlan(bundle, bundle, threads=1, variants=("cpu-int8",), pairs=2, seconds=0.02))
    page = render(report.to_dict(), "html")
    assert len(page.encode()) < 1_000_000
    found, console = look(page, tmp_path)
    assert found["figures"] == 2 and found["blank"] == 0
    assert found["width"] <= PHONE
    assert (found["out"], found["asked"], console) == ([], [], [])
