"""`bench --ssh`: the bundle is proven on another machine, and the evidence brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def with_ssh(command: Command) -> Command:
    """Give a command the options that `prove_over_ssh` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--ssh", "host", metavar="USER@HOST",
        help="Prove BUNDLE there instead, in an environment of its own, and write the evidence to -o FILE.json.",
    ),
    click.option(
        "--wheelhouse", metavar="DIR", type=click.Path(path_type=Path),
        help="With --ssh: install from this folder, which `edge pack --offline` made, and not from the network.",
    ),
    click.option(
        "--ssh-option", "ssh_options", multiple=True, metavar="NAME=VALUE",
        help="With --ssh: as -o of ssh, such as Port=2222; may be repeated.",
    ),
)  # fmt: skip


def prove_over_ssh(host: str, wheelhouse: Path | None, ssh_options: tuple[str, ...], asked: Mapping[str, Any]) -> int:
    """Prove one bundle on a host, write the evidence, print how it ended, and return the exit code of the proof.

    Args:
        host: As ssh takes it.
        wheelhouse: See `edge_benchmarks.remote.prove_there.prove_there`.
        ssh_options: Each as `-o` of ssh.
        asked: What `bench` was asked for besides.
    """
    from edge_benchmarks.files import check_target, write_file
    from edge_benchmarks.remote.prove_there import prove_there
    from edge_benchmarks.remote.ssh import Host

    bundles, outputs = asked["bundles"], asked["outputs"]
    if isinstance(asked["threads"], tuple):
        raise click.UsageError("--ssh takes one number of --threads")
    if len(bundles) != 1 or len(outputs) > 1 or any(output.suffix != ".json" for output in outputs):
        raise click.UsageError("--ssh takes one BUNDLE, and writes its evidence to one -o FILE.json")
    for output in outputs:
        check_target(output)
    options = ["--duration", str(asked["seconds"]), "--seed", str(asked["seed"])]
    if asked["threads"] is not None:
        options += ["--threads", str(asked["threads"])]
    found = prove_there(
        bundles[0],
        Host(host, ssh_options),
        wheelhouse=wheelhouse,
        options=options,
        say=lambda line: click.echo(line, err=True),
    )
    for output in outputs:
        write_file(output, found.data)
    machine, report = found.evidence.machine, found.evidence.report
    line = f"{host}, {machine.cpu} ({machine.instruction_set}): {report['verdict']}: {report['reason']}"
    click.echo(found.data.decode().rstrip() if asked["as_json"] else line)
    return found.exit_code
