"""What the documentation says is what is there: links, help texts, commands, and the code that it shows."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edge_pipeline.cli import COMMANDS, edge

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_help_texts_and_tables_are_current():
    script = ROOT / "docs" / "build.py"
    result = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def commands() -> list[str]:
    """Every `edge ...` line that a page shows."""
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    return sorted({line.split("#")[0].strip() for line in lines if line.startswith("edge ")})


@pytest.mark.parametrize("line", commands())
def test_commands_parse(line, tmp_path, monkeypatch):
    """Every command that is shown exists and takes the options that are shown."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "photos"):
        (tmp_path / folder).mkdir()
    for file in ("photos.csv", "data/data.csv"):
        (tmp_path / file).touch()
    name, *arguments = shlex.split(line)[1:]
    assert name in COMMANDS, line
    command = edge.get_command(None, name)
    command.make_context(name, arguments, resilient_parsing=False).close()


def test_every_command_is_documented():
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"### `edge {name}`" in reference


def test_the_tutorial_runs(tmp_path):
    code = "\n".join(blocks(ROOT / "docs" / "tutorial.md", "python"))
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Outcome.SHIPPED" in result.stdout


def test_the_demo_is_the_tour():
    """The README's tour and the script that `make demo` runs use the same commands."""
    script = (ROOT / "examples" / "demo.sh").read_text(encoding="utf-8")
    tour = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines() if "mnist" in line]
    shown = [shlex.split(line)[1] for line in tour if line.startswith("edge ")]
    run = [shlex.split(line)[1] for line in script.splitlines() if line.startswith("edge ")]
    assert shown == run
