"""`edge verify`: the bundle's bytes and its golden answers, on this machine."""

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(bundle: Path, as_json: bool) -> int:
    """Check every byte of BUNDLE and run its golden vectors here; ends with 4 when an answer differs."""
    from edge_runtime.errors import ExitCode, SelfTestError
    from edge_runtime.golden import selftest

    report = selftest(bundle)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        click.echo(
            f"{bundle}: {report.cases} golden vectors, {'all as signed off' if report.passed else 'not as signed off'}"
        )
    try:
        report.raise_for_failures()
    except SelfTestError as error:
        if not as_json:
            raise
        # The document that was printed holds the failures; there must not be a second one.
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    return ExitCode.OK
