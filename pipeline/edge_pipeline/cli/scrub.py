"""`edge scrub`: a copy of a text data set without personal data."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="What to write; must not exist.")
@click.option(
    "--text",
    "columns",
    metavar="COLUMN",
    multiple=True,
    help="Mask this column or key; may be repeated.  [default: all but label, labels, split, group, spans, tags]",
)
@click.option("--names", type=click.Path(path_type=Path), help="Mask the names in this file, one a line.")
@click.option(
    "--pattern",
    "patterns",
    metavar="REGEX",
    multiple=True,
    help="Mask what this matches, or its first group; MASK=REGEX names the mask. May be repeated.",
)
@click.option("--kinds", metavar="LIST", default="", help="Look for these alone, with commas between.  [default: all]")
@click.option(
    "--region",
    "regions",
    metavar="CODE",
    multiple=True,
    help="Look for national telephone numbers of this country; may be repeated.  [default: US GB DE FR ES IT CN JP]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
def command(
    source: Path,
    *,
    output: Path,
    columns: tuple[str, ...],
    names: Path | None,
    patterns: tuple[str, ...],
    kinds: str,
    regions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Copy INPUT to OUTPUT with personal data masked: [EMAIL], [PHONE], [CARD] ...

    INPUT is a .csv, .tsv, .jsonl, .ndjson or .txt file, or a folder of them.
    What was found is reported as counts, never as values. OUTPUT.scrub.json
    records what was done; `edge train` notes it in the run.

    \b
    url      addresses with a user, password, key or token in them
    email    e-mail addresses
    iban     bank accounts, by their check digits
    card     payment cards, by prefix, length and check digit
    id       ID, tax and social security numbers of 16 countries
    ip       IP addresses
    phone    telephone numbers, international and national (--region)
    name     names of a list (--names)
    pattern  your own expressions (--pattern)
    """
    from edge_pipeline.scrubbing import ScrubConfig, scrub

    wanted = tuple(kind.strip() for kind in kinds.split(",") if kind.strip())
    report = scrub(source, output, ScrubConfig(wanted, columns, names, patterns, regions))
    if as_json:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
        return
    record = report.record
    click.echo(f"{report.output}: {record.items:,} items, {record.changed:,} changed")
    for column, counts in record.counts.items():
        click.echo(f"{column}: {', '.join(f'{kind} {count:,}' for kind, count in counts.items())}")
    for ending, count in report.left_out.items():
        click.echo(f"left out: {count:,} {ending or 'without ending'}", err=True)
    if report.telling_paths:
        click.echo(f"{report.telling_paths:,} files have personal data in their paths; rename them", err=True)
