"""`edge pack`: a bundle with what devices measured of it, or a wheelhouse for devices without network."""

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--evidence", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
    help="What `edge-bench prove BUNDLE -o FILE` wrote on a device; may be repeated.",
)  # fmt: skip
@click.option("--offline", is_flag=True, help="Make a wheelhouse instead: all that a device without network installs.")
@click.option("--platform", metavar="NAME", help="With --offline: linux-aarch64 or linux-x86_64.")
@click.option("--python", default="3.11", show_default=True, metavar="X.Y", help="With --offline: the device's Python.")
@click.option(
    "--extra", "extras", multiple=True, default=("cpu", "image"), show_default=True, metavar="NAME",
    help="With --offline: of edge-runtime; add `text` for models of texts. May be repeated.",
)  # fmt: skip
@click.option(
    "--wheels", metavar="DIR", type=click.Path(path_type=Path),
    help="With --offline: wheels of edge-runtime and edge-benchmarks, instead of making or downloading them.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(path_type=Path),
    help="The new bundle (default: BUNDLE, if it is a .edge file), or the new wheelhouse.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *, bundle: Path | None, evidence: tuple[Path, ...], offline: bool, output: Path | None, as_json: bool, **house: Any
) -> None:
    """Add to BUNDLE what devices measured of it, so that `load` takes the variant that was proven there.

    With --offline: make a folder of pinned wheels with the line that installs them on a device without network.
    """
    if offline:
        if bundle or evidence or not house["platform"] or not output:
            raise click.UsageError("--offline takes --platform and -o, and neither BUNDLE nor --evidence")
        document, lines = _make_wheelhouse(output, house)
    else:
        if not bundle or not evidence or house["platform"] or house["wheels"]:
            raise click.UsageError("give BUNDLE with --evidence FILE, or --offline with --platform and -o")
        document, lines = _add_evidence(bundle, evidence, output)
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else "\n".join(lines))


def _add_evidence(bundle: Path, evidence: tuple[Path, ...], output: Path | None) -> tuple[dict[str, Any], list[str]]:
    from edge_export.packing import add_evidence

    packed = add_evidence(bundle, evidence, output)
    lines = [f"{packed.out}: {packed.manifest.content_id}, with {', '.join(packed.added)}"]
    if packed.settled:
        lines.append("no longer provisional: proven faster on its target")
    elif packed.manifest.provisional:
        lines.append("still provisional: this evidence does not answer what was open")
    document = {
        "bundle": str(packed.out), "content_id": packed.manifest.content_id, "added": list(packed.added),
        "provisional": packed.manifest.provisional,
    }  # fmt: skip
    return document, lines


def _make_wheelhouse(output: Path, house: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from edge_benchmarks.remote.wheelhouse import make_wheelhouse

    made = make_wheelhouse(output, house["platform"], house["python"], extras=house["extras"], given=house["wheels"])
    document = {"wheelhouse": str(made.folder), "wheels": list(made.wheels), "install": made.install}
    return document, [f"{made.folder}: {len(made.wheels)} wheels; on the device, beside that folder:", made.install]
