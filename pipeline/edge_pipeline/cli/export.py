"""`edge export`: a run or a model from elsewhere in, a proven bundle or a refusal out."""

import json
from pathlib import Path
from typing import Any

import click

from edge_pipeline.cli.source_options import source_options, take_source_options


@click.command()
@click.argument("source")
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, help="OUT.edge, or a new directory."
)
@click.option("--quantize", type=click.Choice(["none", "int8", "fp16"]), default="none", show_default=True)
@source_options
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Largest accuracy drop that ships, in points.",
)
@click.option("--metric", type=click.Choice(["accuracy", "macro-f1"]), default="accuracy", show_default=True)
@click.option(
    "--max-class-drop",
    type=click.FloatRange(0, 100),
    default=5.0,
    show_default=True,
    help="A class that surely loses more of its items, in percent, is a refusal.",
)
@click.option(
    "--protect", multiple=True, metavar="CLASS:recall", help="A class that must be proven to lose no more than that."
)
@click.option(
    "--unlabeled",
    type=click.Path(path_type=Path),
    help="Images without labels; they bound the drop where labels are few.",
)
@click.option(
    "--fallback",
    type=click.Choice(["none", "fp32"]),
    default="none",
    show_default=True,
    help="What ships when int8 may not.",
)
@click.option(
    "--target",
    type=click.Choice(["auto", "x86-vnni", "x86-avx2", "arm64", "cuda"]),
    default="auto",
    show_default=True,
    help="Where it will run; auto is a machine like this one.",
)
@click.option(
    "--search-time",
    type=click.FloatRange(0),
    default=180.0,
    show_default=True,
    help="Seconds to look for the fastest provable recipe; 0 takes the best single one.",
)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="The one recipe to use, instead of a search: a TOML or JSON file, or a bundle.",
)
@click.option(
    "--min-int8-share",
    type=click.FloatRange(0, 100),
    default=0.0,
    show_default=True,
    help="Percent of the multiply-accumulates that must run in int8.",
)
@click.option("--provisional", is_flag=True, help="Ship an inconclusive candidate, marked as such.")
@click.option("--keep-fp32", is_flag=True, help="Put the fp32 baseline beside int8.")
@click.option("--batchable", is_flag=True, help="Only int8 whose answers do not depend on their batch.")
@click.option("--compatible", is_flag=True, help="Add a twin that ONNX Runtime 1.22 loads, where it is needed.")
@click.option(
    "--onnxruntime",
    "runtimes",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="EDGE_ORT_PYTHONS",
    metavar="PYTHON",
    help="A Python with another ONNX Runtime, to load the variants in.  [env: EDGE_ORT_PYTHONS]",
)
@click.option("--draft", is_flag=True, help="Decode large JPEGs at reduced scale, if val allows it.")
@click.option(
    "--unknown-precision",
    type=click.FloatRange(0, 1),
    default=0.95,
    show_default=True,
    help='Share of right answers among accepted ones; below its score the answer is "unknown".',
)
@click.option("--no-unknown", is_flag=True, help="Never answer unknown.")
@click.option("--calibration-samples", type=click.IntRange(1), default=256, show_default=True)
@click.option(
    "--timing-seconds",
    type=click.FloatRange(1),
    default=12.0,
    show_default=True,
    help="Length of the interleaved timing.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--name", default="", help="The bundle's name; default: that of OUT.")
@click.option("--bundle-version", "version", default="0", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
def command(
    *,
    source: str,
    out: Path,
    data: Path | None,
    max_drop: float,
    max_class_drop: float,
    protect: tuple[str, ...],
    unlabeled: Path | None,
    min_int8_share: float,
    recipe: Path | None,
    no_unknown: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Turn SOURCE into a bundle that was checked against it.

    \b
    SOURCE is a run of `edge train` or a Hugging Face directory, of images or texts;
    or of images an .onnx file, timm:NAME or torchvision:NAME with --weights, or
    package.module:factory.

    \b
    Ends with 0 when something shipped, 4 when the gate refused,
    5 when the data do not decide. OUT.report.json and .html tell why.
    """
    from edge_export.config import ExportConfig
    from edge_export.quantize import read_recipe
    from edge_pipeline.cli.export_table import print_result
    from edge_pipeline.cli.progress import note, stages
    from edge_pipeline.exporting import export

    if no_unknown:
        options["unknown_precision"] = None
    said, reading = take_source_options(options)
    options["recipe"] = read_recipe(recipe) if recipe else None
    config = ExportConfig(
        max_drop=max_drop / 100,
        max_class_drop=max_class_drop / 100,
        min_int8_share=min_int8_share / 100,
        protect=tuple(_protected(one) for one in protect),
        source=said,
        **options,
    )
    with stages() as progress:
        result = export(
            source, out, data=data, options=reading, unlabeled=unlabeled, config=config, progress=progress, note=note
        )
    if as_json:
        click.echo(json.dumps(result.report, ensure_ascii=False))
    else:
        print_result(result)
    return result.outcome.exit_code


def _protected(text: str) -> str:
    """Take the class out of `CLASS:recall`; recall is what a class can lose."""
    label, _, what = text.rpartition(":")
    if not label or what != "recall":
        raise click.UsageError(f"--protect {text}: CLASS:recall is expected, such as --protect crack:recall")
    return label
