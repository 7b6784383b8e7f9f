"""`report`: many stored results as a fleet matrix with a gate, and as a history; of `edge` and of `edge-bench`."""

from __future__ import annotations

from pathlib import Path

import click

from edge_benchmarks.exports import EXPORTS


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE.json...", type=click.Path(path_type=Path))
@click.option(
    "--budgets", "budgets_file", metavar="FILE", type=click.Path(path_type=Path),
    help="TOML with bounds that must hold on every device, as of `compare`.",
)  # fmt: skip
@click.option(
    "--export", "exports", multiple=True, metavar="NAME FILE",
    type=(click.Choice(list(EXPORTS)), click.Path(path_type=Path)),
    help=f"Write the newest result's numbers for another service: {', '.join(EXPORTS)}. May be repeated.",
)  # fmt: skip
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="Write the report here too; .html, .json, .md or .txt decides its form. May be repeated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *,
    files: tuple[Path, ...],
    budgets_file: Path | None,
    exports: tuple[tuple[str, Path], ...],
    outputs: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Put stored results side by side: device by bundle with a verdict in each cell, and numbers over time.

    FILE is what `bench -o` or `prove -o` wrote. Ends as the worst cell would alone: 4 if an answer is wrong or a
    variant slower, 6 if a measurement is invalid, 5 if one is inconclusive.
    """
    from edge_benchmarks.compare.budgets import read_budgets
    from edge_benchmarks.files import check_target, write_file
    from edge_benchmarks.overview import check_outputs, render, write_outputs
    from edge_benchmarks.overview.document import make_overview
    from edge_benchmarks.overview.results import read_result

    check_outputs(outputs)
    for _, path in exports:
        check_target(path)
    results = [read_result(path) for path in files]
    document = make_overview(results, read_budgets(budgets_file) if budgets_file else ())
    write_outputs(document, outputs)
    newest = max(results, key=lambda one: one.created)
    for name, path in exports:
        for tail, text in EXPORTS[name](newest.measurements).items():
            write_file(path.with_name(f"{path.stem}{tail}{path.suffix}"), text.encode())
    click.echo(render(document, "json" if as_json else "terminal"), nl=False)
    code: int = document["exit_code"]
    return code
