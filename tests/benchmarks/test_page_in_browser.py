"""The HTML report in a real browser, as wide as a phone: nothing sticks out, nothing fails, nothing is asked for."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_benchmarks.bench import bench
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.report import render
from edge_benchmarks.scenarios import SCENARIOS

PHONE = 390
"""CSS pixels across."""

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome on the PATH")

# The report's own policy forbids scripts, so a page around it measures: a frame of its own source has its origin.
AROUND = """<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<script>
function measure(frame) {
  const page = frame.contentDocument, root = page.documentElement;
  for (const folded of page.querySelectorAll("details")) folded.open = true;
  const out = [...page.body.querySelectorAll("*")].filter(
    element => element.getBoundingClientRect().right > WIDTH + 1 && !element.closest("svg"));
  const asked = frame.contentWindow.performance.getEntriesByType("resource").map(entry => entry.name);
  document.getElementById("found").textContent = JSON.stringify({
    title: page.title, width: root.scrollWidth, height: root.scrollHeight, out: out.map(element => element.tagName),
    asked: asked.filter(name => !name.startsWith("data:")), figures: page.querySelectorAll("svg").length,
    ink: frame.contentWindow.getComputedStyle(page.body).color,
    paper: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    blank: [...page.querySelectorAll("svg")].filter(svg => svg.getBoundingClientRect().height < 40).length});
}
</script>
<iframe width="WIDTH" height="800" style="border:0" onload="measure(this)" srcdoc="PAGE"></iframe>
"""


def look(page: str, folder: Path, *flags: str) -> tuple[dict, list[str]]:
    """What the frame holds when it is loaded, and what the browser's console said."""
    around = folder / "around.html"
    filled = AROUND.replace("WIDTH", str(PHONE)).replace("PAGE", html.escape(page, quote=True))
    around.write_text(filled, encoding="utf-8")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [
        BROWSER, "--headless", *sandbox, "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}", "--window-size=800,1000",
        "--enable-logging=stderr", *flags, "--dump-dom", around.as_uri(),
    ]  # fmt: skip
    process = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found = re.search(r'<pre id="found">(.*?)</pre>', process.stdout, re.DOTALL)
    assert found, process.stderr
    return json.loads(html.unescape(found[1])), [line for line in process.stderr.splitlines() if "CONSOLE" in line]


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
