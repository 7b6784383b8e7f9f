"""`edge-bench`: measures bundles on a device; the same code as `edge bench`, without the toolchain."""

from __future__ import annotations

import sys

import click

from edge_benchmarks.cli import bench, compare, prove, report
from edge_benchmarks.cli.boundary import run_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edge-benchmarks")
def edge_bench() -> None:
    """Measure bundles where they run. Needs no toolchain."""


edge_bench.add_command(bench.command, "bench")
edge_bench.add_command(compare.command, "compare")
edge_bench.add_command(prove.command, "prove")
edge_bench.add_command(report.command, "report")


def main() -> None:
    """Run `edge-bench` and end the process with the exit code of `edge_runtime.errors.ExitCode`."""
    sys.exit(run_command(edge_bench, prog_name="edge-bench"))
