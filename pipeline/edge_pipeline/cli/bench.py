"""`edge bench`: the benchmarks' own command, and `--data` for accuracy, since only the toolchain can open data sets."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from edge_benchmarks.cli import bench as on_device

DATA_OPTIONS: list[click.Parameter] = [
    click.Option(
        ["--data"], metavar="DATA", type=click.Path(path_type=Path),
        help="Measure accuracy too, on this folder or CSV, as `edge eval` does.",
    ),
    click.Option(["--split"], default="test", show_default=True, help="With --data: which split of it."),
    click.Option(["--group"], help="With --data: as in `edge train`."),
    click.Option(["--allow-leaks"], is_flag=True, help="With --data: as in `edge train`."),
    click.Option(
        ["--split-seed"], type=click.IntRange(0, 2**32 - 1), default=0,
        help="With --data: --seed of the training, which decides the split of a flat folder.",
    ),
]  # fmt: skip


def _measure(
    *, data: Path | None, split: str, group: str | None, allow_leaks: bool, split_seed: int, **options: Any
) -> None:
    """Open the data when a bundle asks for them, and let the benchmarks do the rest."""
    if data is not None:
        if options["host"] is not None:
            raise click.UsageError("--data: accuracy is measured here, not over --ssh; use `edge eval`")
        from edge_pipeline.cli.progress import note
        from edge_pipeline.evaluation import open_split

        options["data"] = partial(
            open_split, data=data, split=split, note=note, group=group, allow_leaks=allow_leaks, seed=split_seed
        )
    assert on_device.command.callback is not None
    on_device.command.callback(**options)


command = click.Command(
    "bench", params=[*on_device.command.params, *DATA_OPTIONS], callback=_measure, help=on_device.command.help
)
