"""Write into the documentation what is kept elsewhere: help texts, results, the runtime's API, the examples.

`python docs/build.py` rewrites the blocks between the markers; `python docs/build.py --check` only tells whether they
are current, which a test does.
"""

import functools
import json
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path

import click
from api_reference import api_reference
from bundle_schema import SCHEMA, beyond_table, bundle_schema, options_list
from click.testing import CliRunner

from edge_pipeline.cli import COMMANDS, edge

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference.md"
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results"
TOOLS = ("python", "onnxruntime", "torch", "numpy")
"""Whose versions a figure depends on most."""
EMBEDDING = ROOT / "docs" / "embedding.md"


def help_texts() -> str:
    """Return the help of `edge` and of each command, as Markdown."""
    runner = CliRunner()
    parts = []
    for arguments in ([], *([name] for name in COMMANDS)):
        name = " ".join(["edge", *arguments])
        result = runner.invoke(
            edge, [*arguments, "--help"], prog_name="edge", terminal_width=100, max_content_width=100
        )
        parts.append(f"### `{name}`\n\n```\n{result.output.strip()}\n```")
    return "\n\n".join(parts)


def stored(kind: str) -> dict[str, dict]:
    """Return what `python figures` stored by name, either whole exports (`stages`) or single figures (`measured`)."""
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))}
    return {name: document for name, document in documents.items() if kind in document}


def results_table() -> str:
    """Return a row for each variant of each stored export, as a Markdown table."""
    lines = [
        "| network, data | variant | top-1 (95 %) | drop (at most) | p50 ms | over fp32 | over torch | MB | verdict |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for figures in stored("stages").values():
        report = figures["stages"]["export"]["document"]
        lines += [_row(figures["title"], row) for row in report["rows"]]
    return "\n".join(lines)


def _row(title: str, row: dict) -> str:
    low, high = row["top1_interval"]
    drop = f"{100 * row['drop']:.2f} ({100 * row['drop_bound']:.2f})" if "drop" in row else ""
    return (
        f"| {title} | {row['variant']} | "
        f"{100 * row['top1']:.2f} ({100 * low:.2f}-{100 * high:.2f}), n = {row['n']:,} | {drop} | "
        f"{row['latency_ms']['p50']['estimate']:.2f} | {_times(row, 'baseline')} | {_times(row, 'eager')} | "
        f"{row['size_bytes'] / 1e6:.2f} | {row['verdict']} |"
    )


def _times(row: dict, against: str) -> str:
    if row["verdict"] == against:
        return ""
    speedup = row[f"speedup_over_{against}"]
    return f"{speedup['estimate']:.2f} ({speedup['low']:.2f}-{speedup['high']:.2f})"


def stages_table() -> str:
    """Return seconds and peak memory of each stage, and the machine, for each stored measurement."""
    parts = []
    for figures in stored("stages").values():
        lines = [f"**{figures['title']}**: `{figures['command']}`", ""]
        lines += ["| stage | seconds | peak memory, MB | exit code |", "|---|---|---|---|"]
        for stage, seen in figures["stages"].items():
            lines.append(f"| `edge {stage}` | {seen['seconds']} | {seen['peak_rss_mb']:,} | {seen['exit_code']} |")
        parts.append("\n".join([*lines, "", f"On {_machine(figures['environment'])}."]))
    return "\n\n".join(parts)


def figures_table() -> str:
    """Return every single figure with what was asked of it, as Markdown tables, one for each group."""
    parts = []
    for group, document in stored("measured").items():
        machines: dict[str, str] = {}
        lines = [f"**{group}**: `python figures {group}`", ""]
        lines += ["| figure | measured (95 %) | asked | met | on | how |", "|---|---|---|---|---|---|"]
        for measured in document["measured"].values():
            machine = _machine(measured["environment"])
            mark = machines.setdefault(machine, string.ascii_uppercase[len(machines)])
            lines += [_figure(figure, mark) for figure in measured["figures"]]
        lines += ["", *(f"- {mark}: {machine}." for machine, mark in machines.items())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _machine(environment: dict) -> str:
    """Return what a figure was measured on, as one clause."""
    identity, versions = environment["identity"], environment["versions"]
    tools = ", ".join(f"{name} {versions[name]}" for name in TOOLS if name in versions)
    cores = f"on {identity['affinity']} of {identity['cores_logical']} cores"
    return f"{identity['cpu']}, {identity['instruction_set']}, {cores}; {tools}"


def _figure(figure: dict, mark: str) -> str:
    value = f"{figure['value']:.4g}"
    if figure["low"] is not None and figure["high"] is not None:
        value += f" ({figure['low']:.4g} to {figure['high']:.4g})"
    met = "yes" if figure["met"] else "**no**"
    asked = f"{figure['direction']} {figure['asked']:g} {figure['unit']}"
    return f"| {figure['name']} | {value} {figure['unit']} | {asked} | {met} | {mark} | {figure['how']} |"


def shown_file(path: str) -> str:
    """Return a file's text as a fenced block, so that the guide says it once."""
    language = {".py": "python", ".service": "ini"}.get(Path(path).suffix, "dockerfile")
    return f"```{language}\n{(ROOT / path).read_text(encoding='utf-8').strip()}\n```"


def shown_files() -> list[tuple[str, Path, Callable[[], str]]]:
    """Return a block for every file that the embedding guide shows."""
    page = EMBEDDING.read_text(encoding="utf-8")
    paths = re.findall(r"^<!-- (examples/\S+): written by docs/build.py -->$", page, re.MULTILINE)
    return [(path, EMBEDDING, functools.partial(shown_file, path)) for path in paths]


def peers_table() -> str:
    """Return how long ours takes beside other toolchains' best, as a Markdown table."""
    lines = ["| network, int8, 224 px | against | ours takes (95 %) |", "|---|---|---|"]
    measured = stored("measured")["quantization"]["measured"]
    peers = [one["figures"] for name, one in measured.items() if name.startswith("peers-")]
    for figure in (figure for figures in peers for figure in figures):
        network, against = figure["name"].split(": ours over ")
        interval = f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
        lines.append(f"| {network} | {against} | {interval} of its time |")
    return "\n".join(lines)


PAGE_OF_RESULTS = ROOT / "docs" / "results.md"
BLOCKS = (
    ("help", REFERENCE, help_texts),
    ("results", README, results_table),
    ("peers", README, peers_table),
    ("results", PAGE_OF_RESULTS, results_table),
    ("stages", PAGE_OF_RESULTS, stages_table),
    ("figures", PAGE_OF_RESULTS, figures_table),
    ("api", ROOT / "docs" / "runtime-api.md", api_reference),
    ("beyond", ROOT / "docs" / "bundle-format.md", beyond_table),
    ("options", ROOT / "docs" / "bundle-format.md", options_list),
    *shown_files(),
)


def main(check: bool) -> int:
    """Rewrite the blocks, or with `check` count those that are out of date."""
    stale = 0
    for name, path, make in BLOCKS:
        pattern = re.compile(rf"(<!-- {name}: written by docs/build.py -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        before = path.read_text(encoding="utf-8")
        if not pattern.search(before):
            click.echo(f"{path}: no block {name!r}", err=True)
            return 1
        after = pattern.sub(lambda match, make=make: f"{match[1]}\n{make()}\n\n{match[2]}", before)
        if after != before:
            stale += 1
            if check:
                click.echo(f"{path.name}: block {name!r} is out of date; run make docs", err=True)
            else:
                path.write_text(after, encoding="utf-8")
    if not SCHEMA.exists() or SCHEMA.read_text(encoding="utf-8") != bundle_schema():
        stale += 1
        if check:
            click.echo(f"{SCHEMA.name}: out of date; run make docs", err=True)
        else:
            SCHEMA.write_text(bundle_schema(), encoding="utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
