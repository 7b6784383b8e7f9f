"""A report's page in a real browser, as wide as a phone: what it holds and what the console said."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PHONE = 390
"""CSS pixels across."""

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome on the PATH")

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
