"""The options of `edge export` that say what a source and its data do not say themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_export.capture.interface import SourceOptions
    from edge_pipeline.source_data import DataOptions

PATH: Any = click.Path(path_type=Path)

OPTIONS = (
    click.option(
        "--data",
        type=PATH,
        help="Images or texts as `edge train` takes them, or a .npz file with arrays; default: the run's own.",
    ),
    click.option(
        "--task",
        type=click.Choice(["embedding"]),
        help="Make embeddings of texts, with an encoder in a Hugging Face directory.",
    ),
    click.option(
        "--pooling",
        type=click.Choice(["cls", "mean"]),
        help="How tokens become an embedding; default: what 1_Pooling/config.json says.",
    ),
    click.option(
        "--max-length",
        type=click.IntRange(min=1),
        help="Most tokens that a text encoder reads at once; default: 128, or what it takes.",
    ),
    click.option(
        "--truncation",
        type=click.Choice(["end", "window", "error"]),
        help="Of longer texts: cut their end off (the default), read them in windows, or refuse them.",
    ),
    click.option(
        "--preprocess",
        metavar="SPEC",
        default="",
        help="How images become the input: imagenet[:RESIZE,CROP,KERNEL], scale255[:SIZE], raw[:SIZE], timm:NAME, "
        "or a .json or .toml file.",
    ),
    click.option(
        "--labels",
        type=PATH,
        help="Names in the order of the outputs, one a line or a JSON list; default: those of the data.",
    ),
    click.option("--weights", type=PATH, help="A .safetensors or .pth state dict, for networks by name or factory."),
    click.option("--input-name", metavar="NAME", default="", help="The ONNX input that takes the image."),
    click.option("--output-name", metavar="NAME", default="", help="The ONNX output that is the answer."),
    click.option(
        "--hold",
        metavar="NAME=VALUE",
        multiple=True,
        help="Hold another ONNX input at a number or a .npy file.",
    ),
    click.option("--multilabel", is_flag=True, help="An item can have several labels (in a CSV separated by |)."),
    click.option("--text", metavar="COLUMN", help="Column of the texts, where the data are texts."),
    click.option("--label", metavar="COLUMN", help="Column of the texts' labels."),
    click.option("--group", metavar="REGEX", help="Names in each path (of texts the column) what stays in one split."),
    click.option("--allow-leaks", is_flag=True, help="Go on when two splits share files or groups."),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def take_source_options(options: dict[str, Any]) -> tuple["SourceOptions", "DataOptions"]:
    """Take the values of the options, but `data`, out of a command's own.

    Raises:
        click.BadParameter: a `--hold` that is not NAME=VALUE.
    """
    from edge_export.capture.interface import SourceOptions
    from edge_pipeline.source_data import DataOptions

    held = []
    for text in options.pop("hold"):
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--hold")
        held.append((name, value))
    embeds = options.pop("task") == "embedding"
    source = SourceOptions(
        task="text-embedding" if embeds else "image-classification",
        pooling=options.pop("pooling"),
        max_length=options.pop("max_length"),
        truncation=options.pop("truncation"),
        preprocessing=options.pop("preprocess"),
        weights=options.pop("weights"),
        input=options.pop("input_name"),
        output=options.pop("output_name"),
        hold=tuple(held),
    )
    data = DataOptions(
        labels=options.pop("labels"),
        multilabel=options.pop("multilabel"),
        text=options.pop("text"),
        label=options.pop("label"),
        group=options.pop("group"),
        allow_leaks=options.pop("allow_leaks"),
        seed=options["seed"],
    )
    return source, data
