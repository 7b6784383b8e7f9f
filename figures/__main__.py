"""Measure published figures again: `python figures GROUP [NAME ...]`, into docs/results/GROUP.json.

`docs/build.py` makes the tables of the documentation from these files. Run it on a machine that does nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from bench import FIGURES as BENCH
from exports import EXPORTS, measure_export
from gate import FIGURES as GATE
from interface import Figure, Measure
from privacy import FIGURES as PRIVACY
from quantization import FIGURES as QUANTIZATION
from rich.console import Console
from rich.table import Table
from runtime import FIGURES as RUNTIME
from text import FIGURES as TEXT

from edge_benchmarks.machine.environment import capture

RESULTS = Path(__file__).parent.parent / "docs" / "results"
GROUPS: dict[str, Mapping[str, Measure]] = {
    "bench": BENCH,
    "gate": GATE,
    "quantization": QUANTIZATION,
    "privacy": PRIVACY,
    "runtime": RUNTIME,
    "text": TEXT,
}


@click.command()
@click.argument("group", type=click.Choice([*GROUPS, *EXPORTS]))
@click.argument("names", nargs=-1)
def main(group: str, names: Sequence[str]) -> None:
    """Measure the figures of GROUP, or only those of the given NAMES, and store them."""
    if group in EXPORTS:
        store(group, measure_export(group) | {"environment": capture(), "command": f"python figures {group}"})
        return
    members = GROUPS[group]
    if unknown := set(names) - set(members):
        raise click.UsageError(f"{', '.join(sorted(unknown))}: {group} has {', '.join(members)}")
    path = RESULTS / f"{group}.json"
    for name in names or members:
        click.echo(f"measuring {name}", err=True)
        figures = members[name]()
        show(name, figures)
        # Read late: another measurement of the group may have been stored meanwhile.
        known = json.loads(path.read_text(encoding="utf-8"))["measured"] if path.exists() else {}
        known[name] = {
            "figures": [asdict(figure) | {"met": figure.met} for figure in figures],
            "environment": capture(),
            "command": f"python figures {group} {name}",
        }
        # Stored one by one: a break loses only what was being measured.
        store(group, {"measured": known})


def show(name: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table("figure", "measured (95 %)", "asked", "met", title=name)
    for figure in figures:
        asked = f"{figure.direction} {figure.asked:g} {figure.unit}"
        table.add_row(figure.name, f"{figure.interval} {figure.unit}", asked, "yes" if figure.met else "NO")
    Console().print(table)


def store(name: str, document: Mapping[str, Any]) -> None:
    """Write one group's results."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
