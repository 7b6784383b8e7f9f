"""`edge inspect`: what is in a bundle, and what was proven."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print manifest and evidence as one JSON document.")
def command(bundle: Path, as_json: bool) -> None:
    """Show what BUNDLE holds and what was measured of it."""
    from edge_pipeline.cli.tables import print_inspection
    from edge_pipeline.inspection import inspect_bundle

    document = inspect_bundle(bundle)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        print_inspection(document)
