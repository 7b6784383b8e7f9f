"""`edge eval`: accuracy of a bundle, with its interval."""

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--variant", help="Variant of the bundle; default: the one that the runtime takes.")
@click.option("--text", help="As in `edge train`.")
@click.option("--label", help="As in `edge train`.")
@click.option("--group", help="As in `edge train`.")
@click.option("--allow-leaks", is_flag=True, help="As in `edge train`.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    help="As in `edge train`; decides the split of a flat folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, bundle: Path, data: Path, as_json: bool, **options: Any) -> None:
    """Measure BUNDLE's accuracy on a split of DATA, a folder or file as `edge train` takes it."""
    from edge_pipeline.cli.progress import note
    from edge_pipeline.cli.tables import print_evaluation
    from edge_pipeline.evaluation import evaluate

    result = evaluate(bundle, data, note=note, **options)
    if as_json:
        click.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        print_evaluation(result)
