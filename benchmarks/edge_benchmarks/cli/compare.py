"""`compare`: is NEW better, worse or the same as BASE? A command of `edge` and of `edge-bench`, with a gate's codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_benchmarks.compare.document import CompareReport

_PATH = click.Path(path_type=Path)


def _share(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Read `5%` as 0.05; a number without the sign could mean either."""
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not text.endswith("%") or not 0 < share < 1:
        raise click.BadParameter(f"{text!r}: a percentage is expected, such as 5%", context, option)
    return share


OPTIONS = [
    click.option("--run", "measure", is_flag=True, help="BASE and NEW are bundles: measure both side by side, now."),
    click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True),
    click.option("--threads", type=click.IntRange(min=1), help="Default: what the runtime takes on this machine."),
    click.option("--variant", "variants", multiple=True, help="Compare only this variant; may be repeated."),
    click.option("--input", "inputs", multiple=True, metavar="FILE", type=_PATH, help="Feed this file; repeatable."),
    click.option(
        "--duration", "seconds", type=click.FloatRange(min=0.01), default=2.5, show_default=True,
        help="Seconds of timing for each variant; starting the processes comes on top.",
    ),
    click.option(
        "--pairs", type=click.IntRange(min=2), default=8, show_default=True,
        help="Fresh processes of each bundle; they are what the verdict counts.",
    ),
    click.option("--base-python", metavar="PYTHON", help="Interpreter that runs BASE, to compare its ONNX Runtime."),
    click.option(
        "--margin", "latency_margin", callback=_share, metavar="PERCENT",
        help="Latencies closer than this are the same.  [default: 5%; 10% for the model alone]",
    ),
    click.option("--budgets", "budgets_file", metavar="FILE", type=_PATH, help="Budgets, as TOML."),
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True),
    click.option(
        "-o", "--output", "outputs", multiple=True, metavar="FILE", type=_PATH,
        help="Write the report here too; .html, .json, .md, .xml (JUnit) or .txt decides its form. Repeatable.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
]  # fmt: skip
"""What `edge compare` and `edge-bench compare` share."""


def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `OPTIONS` and its two arguments."""
    for option in reversed(OPTIONS):
        function = option(function)
    function = click.argument("new", metavar="NEW", type=_PATH)(function)
    return click.argument("base", metavar="BASE", type=_PATH)(function)


@click.command()
@with_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Is NEW as good as BASE: latency, cold start, memory and size, with a verdict that CI can act on.

    With --run both are bundles and are measured here, in turns, in fresh processes of their own. Ends with 0 if nothing
    is worse, 4 if something is worse, missing or over budget, 5 if it cannot tell, 6 if the measurement is invalid.
    """
    context.exit(run(**options))


def run(
    *, base: Path, new: Path, measure: bool, outputs: tuple[Path, ...], as_json: bool, budgets_file: Path | None,
    **options: Any,
) -> int:  # fmt: skip
    """Compare, write the outputs, print, and return the exit code; `edge compare` adds accuracy to it."""
    from edge_benchmarks.compare.budgets import read_budgets
    from edge_benchmarks.compare.report import check_outputs, render, write_outputs

    check_outputs(outputs)
    budgets = read_budgets(budgets_file) if budgets_file else ()
    report = _measure(base, new, budgets=budgets, **options)
    document = report.to_dict()
    write_outputs(document, outputs)
    click.echo(render(document, "json" if as_json else "terminal"), nl=False)
    return report.exit_code


def _measure(base: Path, new: Path, *, base_python: str | None, **options: Any) -> CompareReport:
    from edge_benchmarks.cli.minutes import ended_gently, progress
    from edge_benchmarks.compare.run import RunPlan, compare_run

    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    if base_python is not None:
        options["base_python"] = base_python
    with progress() as say, ended_gently():
        return compare_run(RunPlan(base, new, **options), say=say)
