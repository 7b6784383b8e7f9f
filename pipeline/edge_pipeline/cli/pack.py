"""`edge pack`: a bundle with what devices measured of it, or a wheelhouse for devices without network."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edge_export.packing import Packed


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--evidence", multiple=True, required=True, metavar="FILE", type=click.Path(path_type=Path),
    help="What `edge-bench prove BUNDLE -o FILE` wrote on a device; may be repeated.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(path_type=Path),
    help="The new bundle; default: BUNDLE, if it is a .edge file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(bundle: Path, evidence: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Add to BUNDLE what devices measured of it, so that `load` takes the variant that was proven there."""
    from edge_export.packing import add_evidence

    packed = add_evidence(bundle, evidence, output)
    if as_json:
        click.echo(json.dumps(_document(packed), ensure_ascii=False))
        return
    click.echo(f"{packed.out}: {packed.manifest.content_id}, with {', '.join(packed.added)}")
    if packed.settled:
        click.echo("no longer provisional: proven faster on its target")
    elif packed.manifest.provisional:
        click.echo("still provisional: this evidence does not answer what was open")


def _document(packed: "Packed") -> dict[str, object]:
    return {
        "bundle": str(packed.out),
        "content_id": packed.manifest.content_id,
        "added": list(packed.added),
        "provisional": packed.manifest.provisional,
    }
