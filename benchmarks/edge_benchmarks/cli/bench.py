"""`bench`: latency, throughput, cold start, memory and size of bundles; a command of `edge` and of `edge-bench`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.errors import ExitCode

if TYPE_CHECKING:
    from edge_benchmarks.bench_report import BenchReport


@click.command()
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...", type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Default: what the runtime takes on this machine.")
@click.option("--variant", "variants", multiple=True, help="Measure only this variant; may be repeated.")
@click.option(
    "--input", "inputs", multiple=True, metavar="IMAGE", type=click.Path(path_type=Path),
    help="Feed this image; may be repeated. Default: a synthetic photo of 640x480.",
)  # fmt: skip
@click.option(
    "--duration", "seconds", type=click.FloatRange(min=0.1), default=20.0, show_default=True,
    help="Seconds of end-to-end timing; the whole run takes about half as long again.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=8, show_default=True, help="Images a throughput batch.")
@click.option(
    "--cold-starts", type=click.IntRange(min=0), default=5, show_default=True,
    help="Fresh processes for each variant; 0 leaves cold start and memory out.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="Write the report here too; .html, .json, .md or .txt decides its form. May be repeated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.Context, /, bundles: tuple[Path, ...], outputs: tuple[Path, ...], as_json: bool, **options: Any
) -> None:
    """Measure every variant of each BUNDLE side by side: latency with intervals, by stage, and what it costs.

    Golden vectors run first: what answers wrongly here is not timed. Ends with 6 if the machine did not hold still.
    """
    from edge_benchmarks.bench import bench
    from edge_benchmarks.report import render
    from edge_benchmarks.report.files import check_outputs, write_outputs

    check_outputs(outputs)
    with _progress() as say, _ended_gently():
        report = bench(bundles, say=say, **options)
    document = report.to_dict()
    write_outputs(document, outputs)
    click.echo(render(document, "json" if as_json else "terminal"), nl=False)
    if report.partial:
        click.echo("interrupted: the report is partial, it holds what was measured by then", err=True)
    context.exit(_exit_code(report))


def _exit_code(report: BenchReport) -> int:
    if report.partial:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if report.valid else ExitCode.INVALID


@contextmanager
def _progress() -> Iterator[Any]:
    """Show the current step on stderr, where that is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


@contextmanager
def _ended_gently() -> Iterator[None]:
    """Treat a polite kill like Ctrl-C, so that it too leaves a report of what was measured."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
