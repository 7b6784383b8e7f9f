"""`edge compare`: the benchmarks' own command, and `--data` for accuracy: only the toolchain can open data sets."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from edge_benchmarks.cli import compare as on_device
from edge_pipeline.cli.bench import DATA_OPTIONS


@click.pass_context
def _compare(
    context: click.Context, /, *, data: Path | None, split: str, group: str | None, allow_leaks: bool, split_seed: int,
    **options: Any,
) -> None:  # fmt: skip
    """Open the data when the bundles ask for them, and let the benchmarks do the rest."""
    if data is not None:
        if not options["measures"]:
            raise click.UsageError("--data: accuracy is measured with --run; stored reports hold their own")
        from edge_pipeline.cli.progress import note
        from edge_pipeline.evaluation import open_split

        options["data"] = partial(
            open_split, data=data, split=split, note=note, group=group, allow_leaks=allow_leaks, seed=split_seed
        )
    context.exit(on_device.run(**options))


command = click.Command(
    "compare", params=[*on_device.command.params, *DATA_OPTIONS], callback=_compare, help=on_device.command.help
)
