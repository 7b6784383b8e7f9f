"""`edge unpack`: the plain ONNX files of a bundle, for other hosts."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--variant", metavar="NAME", help="Write this variant only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(bundle: Path, directory: Path, variant: str | None, as_json: bool) -> None:
    """Verify BUNDLE and write its ONNX files, labels and preprocessing into the new DIRECTORY."""
    from edge_pipeline.unpacking import unpack

    manifest, files = unpack(bundle, directory, variant)
    if as_json:
        document = {"directory": str(directory), "files": files, "content_id": manifest.content_id}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        click.echo(f"{directory}: {', '.join(files)}")
