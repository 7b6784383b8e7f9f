"""`compare`: is NEW better, worse or the same as BASE? A command of `edge` and of `edge-bench`, with a gate's codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_benchmarks.compare.document import CompareReport
    from edge_benchmarks.compare.run import RunPlan

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
    click.option("--run", "measures", is_flag=True, help="BASE and NEW are bundles: measure both side by side, now."),
    click.option("--calibrate", "calibrates", is_flag=True, help="Measure the gate's error rates with one bundle."),
    click.option(
        "--runs", type=click.IntRange(min=1), default=20, show_default=True,
        help="--calibrate: runs that the file shall hold; those that it has count, so it can go on another day.",
    ),
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
    click.option(
        "--calibration", "calibration_file", metavar="FILE", type=_PATH,
        help="What --calibrate wrote on this runner; stored reports need it for everything that is timed.",
    ),
    click.option("--force", is_flag=True, help="Compare stored reports of unlike machines or settings."),
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
    """Give a command `OPTIONS` and its arguments."""
    for option in reversed(OPTIONS):
        function = option(function)
    return click.argument("paths", nargs=-1, required=True, metavar="BASE NEW", type=_PATH)(function)


@click.command()
@with_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Is NEW as good as BASE: latency, cold start, memory and size, with a verdict that CI can act on.

    \b
    edge compare --run BASE.edge NEW.edge      both measured here, in turns
    edge compare BASE.json NEW.json            two reports of `edge bench -o FILE.json`
    edge compare --calibrate BUNDLE -o FILE    the error rates of this gate on this runner

    Ends with 0 if nothing is worse, 4 if something is worse, missing or over budget, 5 if it cannot tell, 6 if the
    measurement is invalid or the two cannot be compared.
    """
    context.exit(run(**options))


def run(
    *, paths: tuple[Path, ...], outputs: tuple[Path, ...], as_json: bool, calibrates: bool, runs: int, **options: Any
) -> int:  # fmt: skip
    """Compare, write the outputs, print, and return the exit code; `edge compare` adds accuracy to it.

    Args:
        paths: BASE and NEW, or the bundle to calibrate with.
        outputs: Files to write.
        as_json: Print the document instead of the tables.
        calibrates: Measure the gate's error rates instead.
        runs: Of a calibration.
        options: The others of `OPTIONS`, and `data`, as `edge_benchmarks.compare.run.compare_run` takes it.
    """
    from edge_benchmarks.compare.report import check_outputs, render, write_outputs

    wanted = ("BUNDLE",) if calibrates else ("BASE", "NEW")
    if len(paths) != len(wanted):
        raise click.UsageError(f"{len(paths)} paths; {' and '.join(wanted)} are expected")
    if calibrates:
        return _calibrate(paths[0], outputs, runs, as_json=as_json, **options)
    check_outputs(outputs)
    report = _compare(*paths, **options)
    document = report.to_dict()
    write_outputs(document, outputs)
    click.echo(render(document, "json" if as_json else "terminal"), nl=False)
    return report.exit_code


def _compare(
    base: Path, new: Path, *, measures: bool, force: bool, budgets_file: Path | None, calibration_file: Path | None,
    data: Any = None, **options: Any,
) -> CompareReport:  # fmt: skip
    from edge_benchmarks.cli.minutes import ended_gently, progress
    from edge_benchmarks.compare.budgets import read_budgets
    from edge_benchmarks.compare.calibration import read_calibration, told
    from edge_benchmarks.compare.run import compare_run
    from edge_benchmarks.compare.stored import compare_stored, read_stored
    from edge_benchmarks.machine import environment
    from edge_runtime.errors import InputError

    budgets = read_budgets(budgets_file) if budgets_file else ()
    known = told(read_calibration(calibration_file), environment.identity()) if calibration_file else None
    if not measures:
        bundle = next((path for path in (base, new) if path.is_dir() or path.suffix == ".edge"), None)
        if bundle is not None:
            raise InputError(f"{bundle}: a bundle; add --run to measure two of them here, or give reports' JSON files")
        was, now = read_stored(base), read_stored(new)
        return compare_stored(was, now, budgets=budgets, calibration=known, force=force)
    with progress() as say, ended_gently():
        return compare_run(_plan(base, new, budgets=budgets, **options), calibration=known, data=data, say=say)


def _plan(base: Path, new: Path, *, base_python: str | None, **options: Any) -> RunPlan:
    from edge_benchmarks.compare.run import RunPlan

    return (
        RunPlan(base, new, **options) if base_python is None else RunPlan(base, new, base_python=base_python, **options)
    )


def _calibrate(
    bundle: Path, outputs: tuple[Path, ...], runs: int, *, as_json: bool, measures: bool, force: bool,
    budgets_file: Path | None, calibration_file: Path | None, **options: Any,
) -> int:  # fmt: skip
    import json

    from edge_benchmarks.cli.minutes import ended_gently, progress
    from edge_benchmarks.compare.calibration import calibrate
    from edge_benchmarks.compare.report.words import calibrated
    from edge_benchmarks.files import check_target

    if len(outputs) != 1 or measures or force or budgets_file or calibration_file:
        raise click.UsageError(
            "--calibrate takes one -o FILE.json, and neither --run, --force, --budgets nor --calibration"
        )
    check_target(outputs[0])
    with progress() as say, ended_gently():
        document = calibrate(_plan(bundle, bundle, **options), outputs[0], runs, say)
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else "\n".join(calibrated(document["summary"])))
    return 0
