"""The workflow that people copy: its commands are ours, its files exist when they are used, and it asks for little."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.compare.budgets import read_budgets
from edge_pipeline.cli import edge

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
WORKFLOW = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text(encoding="utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
PROGRAMS = {"edge": edge, "edge-bench": edge_bench}


def commands() -> list[list[str]]:
    """Every command of ours in a step, without what the shell makes of it."""
    found = []
    for step in STEPS:
        for line in step.get("run", "").replace("\\\n", " ").splitlines():
            if line.split(" ")[0] in PROGRAMS:
                found.append(shlex.split(re.split(r"\|\||&&|;", line)[0], comments=True))
    return found


def test_there_are_a_bench_and_a_compare():
    assert [words[1] for words in commands()] == ["bench", "compare"]


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[1])
def test_every_command_parses(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, name, *arguments = words
    group = PROGRAMS[program]
    command = group.get_command(None, name)
    context = command.make_context(name, arguments, resilient_parsing=False)
    context.close()


def test_a_word_that_is_no_option_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="No such option"):
        edge_bench.get_command(None, "bench").make_context("bench", ["a.edge", "--no-such"])


def test_what_a_step_reads_an_earlier_one_wrote():
    outputs = {words[at + 1] for words in commands() for at, word in enumerate(words) if word == "-o"}
    text = "\n".join(str(step) for step in STEPS)
    used = set(re.findall(r"(?<![\w/])((?:bench|compare)\.(?:md|html|json|xml))", text))
    assert used <= outputs
    (upload,) = (step for step in STEPS if "upload-artifact" in step.get("uses", ""))
    for pattern in upload["with"]["path"].split():
        assert any(Path(name).match(pattern) for name in outputs)


def test_it_asks_for_no_more_than_it_needs():
    assert True in WORKFLOW and set(WORKFLOW[True]) == {"pull_request"}, "YAML reads `on` as true"
    assert WORKFLOW["permissions"] == {}
    for job in WORKFLOW["jobs"].values():
        assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
        assert job["timeout-minutes"] <= 30
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in actions)
    for step in STEPS:
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
        # What a stranger names (a branch, a title) is nowhere put into a shell's text.
        for expression in re.findall(r"\$\{\{(.*?)\}\}", step.get("run", "")):
            assert expression.strip() in ("github.event.pull_request.number", "github.repository")


def test_the_budgets_are_read():
    assert {one.metric for one in read_budgets(EXAMPLES / "budgets.toml")} >= {"latency_p50", "peak_rss", "bundle_size"}


@pytest.mark.slow
def test_the_scripts_run_as_they_stand(make_bundle, tmp_path):
    """On two equal bundles: the reports appear, and the gate passes unless the machine is too busy to tell."""
    for side in ("base", "new"):
        (tmp_path / side / "models").mkdir(parents=True)
        make_bundle(tmp_path / side / "models" / "app.edge")
    (tmp_path / "new" / "budgets.toml").write_bytes((EXAMPLES / "budgets.toml").read_bytes())
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | WORKFLOW["env"] | {"PATH": programs, "GITHUB_STEP_SUMMARY": "summary.md"}
    for name in ("Measure the new bundle", "Compare it with the base", "Summary"):
        (step,) = (step for step in STEPS if step.get("name") == name)
        shell = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    written = {path.name for path in tmp_path.iterdir()}
    assert {"bench.json", "bench.html", "compare.md", "compare.html", "compare.xml", "summary.md"} <= written
    assert (tmp_path / "summary.md").read_text() == (tmp_path / "compare.md").read_text()
