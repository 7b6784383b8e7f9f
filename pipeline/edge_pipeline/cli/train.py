"""`edge train`: fine-tune a network and write a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from rich.console import Console

# Spelled out, since the family itself is not needed for the help; a test holds the two equal.
PRESET_NAMES = ("full", "classic", "quick", "text", "text-frozen", "text-lora", "text-scratch")


@click.command()
@click.argument("data", type=click.Path(exists=True))
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="Run directory to write.")
@click.option(
    "--preset",
    type=click.Choice(PRESET_NAMES),
    help="Named set of choices; other options go over it.  [default: full; quick without a GPU; text for texts]",
)
@click.option(
    "--model",
    help="Of images an architecture of timm or torchvision; of texts an encoder's directory, its name on the Hugging "
    "Face hub, or scratch.  [default: tf_efficientnet_lite0; none for texts]",
)
@click.option("--task", type=click.Choice(("classes", "tokens")), help="Of texts.  [default: what the data has]")
@click.option("--text", help="Column of the texts.  [default: text, where there is one]")
@click.option("--label", help="Column of the texts' labels.  [default: label]")
@click.option("--max-length", type=click.IntRange(min=1), help="Most tokens of a text.  [default: 128]")
@click.option(
    "--truncation",
    type=click.Choice(("end", "window", "error")),
    help="Of longer texts: cut their end off, read them in windows, or refuse them.  [default: end]",
)
@click.option(
    "--pooling",
    type=click.Choice(("cls", "mean")),
    help="How a text's tokens become one row.  [default: what the encoder's directory says, else cls]",
)
@click.option("--lora", type=click.IntRange(min=1), metavar="RANK", help="Train adapters of this rank alone.")
@click.option("--adalora", type=click.IntRange(min=1), metavar="RANK", help="The same, ranks going where they help.")
@click.option("--keep-adapters", is_flag=True, default=None, help="Keep the adapters beside the merged weights.")
@click.option("--weights", help="Of images: auto, none, or a .safetensors or .pth file.  [default: auto]")
@click.option("--size", type=click.IntRange(min=1), help="Of images: side in pixels.  [default: the architecture's]")
@click.option("--train-size", type=click.IntRange(min=1), help="Of images: side while training, if smaller.")
@click.option("--region", help="Part of the image, for a fixed camera: LEFT,TOP,RIGHT,BOTTOM, each 0 to 1.")
@click.option("--epochs", type=click.IntRange(min=1), help="[default: 10]")
@click.option("--batch-size", type=click.IntRange(min=1), help="Items a step, all processes together.  [default: 32]")
@click.option("--optimizer", type=click.Choice(("adamw", "sgd")), help="[default: adamw]")
@click.option("--learning-rate", "--lr", type=float, help="[default: 0.001]")
@click.option("--layer-decay", type=float, metavar="SHARE", help="Of texts: each layer's rate over the next one's.")
@click.option("--momentum", type=float, help="Of sgd.  [default: 0.9]")
@click.option("--weight-decay", type=float, help="[default: 0.01]")
@click.option("--schedule", type=click.Choice(("cosine", "constant")), help="[default: cosine]")
@click.option("--warmup", type=float, help="Share of the steps in which the rate rises.  [default: 0.1]")
@click.option("--label-smoothing", type=float, help="[default: 0.1]")
@click.option("--class-weights", is_flag=True, default=None, help="Weigh classes by the inverse of their share.")
@click.option(
    "--augment", type=click.Choice(("none", "light", "standard")), help="Of images.  [default: light, no flip]"
)
@click.option("--freeze", help="none, backbone, or of images stages:N (stem and first N stages).  [default: none]")
@click.option("--patience", type=click.IntRange(min=1), help="Epochs without a better val score.  [default: 5]")
@click.option("--precision", type=click.Choice(("auto", "fp32", "bf16", "fp16")), help="[default: auto]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="[default: 0]")
@click.option("--workers", type=click.IntRange(min=0), help="Reading processes.  [default: by cores]")
@click.option("--multilabel", is_flag=True, default=None, help="An item may have several labels.")
@click.option("--group", help="Pattern in the file name (of texts the column): what it names stays in one split.")
@click.option("--allow-leaks", is_flag=True, default=None, help="Go on with the same item in two splits.")
@click.option("--resume", is_flag=True, help="Go on with the training in the run directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
def command(data: str, output: str, *, preset: str | None, resume: bool, as_json: bool, **choices: Any) -> None:
    """Fine-tune a network on DATA.

    Images: a folder (with splits, or of classes) or a CSV path,label[,split][,group]. Texts: a CSV or JSON lines with
    text,label[,split], a folder of .txt files, or spans of entities in JSON lines or CoNLL columns. The defaults below
    are those of the preset full; texts have presets of their own.

    \b
    edge train data/ -o runs/mnist
    edge train data/ -o runs/mnist --freeze backbone     seconds an epoch
    edge train data/ -o runs/mnist --resume              after a break
    edge train sms.csv -o runs/sms --model minilm/       a text encoder
    """
    from rich.console import Console

    from edge_pipeline.training import ConsoleProgress, config_from, train
    from edge_pipeline.training.directory import resumed_config
    from edge_pipeline.training.summary import summary

    context = click.get_current_context()
    console = Console(stderr=True)
    explicit = {
        name: value
        for name, value in choices.items()
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE
    }
    if resume:
        config = resumed_config(output, preset, explicit)
    else:
        config = config_from(preset or _preset_here(data, explicit, console), explicit)
    try:
        result = train(data, output, config, resume=resume, progress=ConsoleProgress(console))
    except KeyboardInterrupt:
        console.print(f"interrupted; go on with: edge train {data} -o {output} --resume", markup=False, soft_wrap=True)
        raise
    if as_json:
        click.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        Console().print(summary(result), highlight=False)


def _preset_here(data: str, explicit: Mapping[str, Any], console: "Console") -> str:
    """Choose a preset for this data and machine, and say so where it is not the full training."""
    import torch

    from edge_pipeline.data.text_opening import is_text_data
    from edge_pipeline.models.scratch import SCRATCH
    from edge_pipeline.training.presets import preset_for

    if is_text_data(Path(data), explicit.get("text")):
        if {"lora", "adalora"} & set(explicit):
            return "text-lora"
        if explicit.get("model") == SCRATCH:
            return "text-scratch"
        return "text-frozen" if explicit.get("freeze") == "backbone" else "text"
    preset = preset_for(explicit, torch.cuda.is_available())
    if preset == "quick":
        console.print("no GPU: training the end of the network (--preset quick); --preset full trains all of it")
    return preset
