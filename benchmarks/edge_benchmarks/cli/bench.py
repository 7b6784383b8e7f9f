"""`bench`: latency, throughput, cold start, memory and size of bundles; a command of `edge` and of `edge-bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_benchmarks.bench.scenarios import DEFAULT, SCENARIOS
from edge_benchmarks.cli.minutes import ended_gently, progress
from edge_benchmarks.cli.remote import prove_over_ssh, with_ssh
from edge_runtime.errors import ExitCode

if TYPE_CHECKING:
    from edge_benchmarks.bench.document import BenchReport


@click.command()
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...", type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--threads", multiple=True, type=click.IntRange(min=1),
    help="Default: what the runtime takes on this machine. Repeated, each number is measured beside the others.",
)  # fmt: skip
@click.option("--variant", "variants", multiple=True, help="Measure only this variant; may be repeated.")
@click.option(
    "--input", "inputs", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="Feed this file; may be repeated. Default: a synthetic photo of 640x480, or a text of 24 words.",
)  # fmt: skip
@click.option(
    "--duration", "seconds", type=click.FloatRange(min=0.1), default=20.0, show_default=True,
    help="Seconds of end-to-end timing; other scenarios take a share of it.",
)  # fmt: skip
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice([*SCENARIOS, "all"]), default=DEFAULT,
    show_default=True, help="What is measured; may be repeated.",
)  # fmt: skip
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(min=1), default=[8], show_default=True,
    help="offline: inputs a batch; may be repeated.",
)  # fmt: skip
@click.option(
    "--gap", "gaps", multiple=True, type=click.FloatRange(min=0), default=[0, 0.1, 1, 10], show_default=True,
    help="idle-gap: seconds between calls; may be repeated.",
)  # fmt: skip
@click.option(
    "--qps", type=click.FloatRange(min=0.01), default=10.0, show_default=True,
    help="server: calls a second that come, at random.",
)  # fmt: skip
@click.option(
    "--callers", type=click.IntRange(min=1), default=4, show_default=True, help="server: threads that answer them.",
)  # fmt: skip
@click.option(
    "--cold-starts", type=click.IntRange(min=0), default=20, show_default=True,
    help="Fresh processes for each variant; 0 leaves cold start and memory out.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="Write the report here too; .html, .json, .md or .txt decides its form. May be repeated.",
)  # fmt: skip
@with_ssh
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.Context, /, host: str | None, wheelhouse: Path | None, ssh_options: tuple[str, ...], **options: Any
) -> None:
    """Measure every variant of each BUNDLE side by side: latency with intervals, by stage, and what it costs.

    BUNDLE may be a plain .onnx file: then the model alone is timed. Answers are checked first: what answers wrongly
    here is not timed. Ends with 6 if the machine did not hold still.
    """
    threads = options["threads"]
    options["threads"] = threads if len(threads) > 1 else next(iter(threads), None)
    if host is not None:
        context.exit(prove_over_ssh(host, wheelhouse, ssh_options, options))
    context.exit(run(**options))


def run(*, bundles: tuple[Path, ...], outputs: tuple[Path, ...], as_json: bool, **options: Any) -> int:
    """Measure, write the outputs, print, and return the exit code; `edge bench` adds accuracy to it.

    Args:
        bundles: As in `edge_benchmarks.bench.run.bench`.
        outputs: Files to write; the suffix decides the form.
        as_json: Print the document instead of the tables.
        options: Further arguments of `bench`.
    """
    from edge_benchmarks.bench.run import bench
    from edge_benchmarks.report import check_outputs, render, write_outputs
    from edge_benchmarks.report.files import saved_meanwhile

    check_outputs(outputs)
    if "all" in options["scenarios"]:
        options["scenarios"] = tuple(SCENARIOS)
    with progress() as say, ended_gently(), saved_meanwhile(outputs) as save:
        report = bench(bundles, say=say, save=save, **options)
        document = report.to_dict()
        write_outputs(document, outputs)
    click.echo(render(document, "json" if as_json else "terminal"), nl=False)
    if report.partial:
        click.echo("interrupted: the report is partial, it holds what was measured by then", err=True)
    return _exit_code(report)


def _exit_code(report: BenchReport) -> int:
    if report.partial:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if report.valid else ExitCode.INVALID
