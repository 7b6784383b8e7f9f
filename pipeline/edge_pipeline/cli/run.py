"""`edge run`: the slim runtime answers."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_runtime import Model


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True)
@click.option("--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(1), help="Threads inside an operator; default: what the machine grants.")
@click.option("--variant", help="Variant of the bundle; default: the one that the runtime takes.")
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="Answers to show for each input.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of input and answer.")
def command(*, bundle: Path, inputs: tuple[str, ...], top: int, as_json: bool, **options: Any) -> int:
    """Ask BUNDLE what it says of each of INPUTS: image files, or texts."""
    from edge_runtime import load
    from edge_runtime.errors import ExitCode

    model = load(bundle, **options)
    answers = [_answer(model, one, top) for one in inputs]
    failed = [answer for answer in answers if "error" in answer]
    if as_json:
        click.echo(json.dumps(answers, ensure_ascii=False))
    else:
        for answer in answers:
            if "embedding" in answer:
                numbers = answer["embedding"]
                first = " ".join(f"{number:.4f}" for number in numbers[:8])
                click.echo(f"{answer['input']}\t{first} ... ({len(numbers)} numbers)")
            elif "entities" in answer:
                for one in answer["entities"] or [{"label": "no spans"}]:
                    told = [str(value) for key, value in one.items() if key not in ("start", "end", "score")]
                    place = [f"{one['start']}-{one['end']}", f"{one['score']:.4f}"] if "start" in one else []
                    click.echo("\t".join((answer["input"], *told, *place)))
            elif "error" not in answer:
                guesses = "  ".join(f"{guess['label']} {guess['score']:.4f}" for guess in answer["top"])
                click.echo(
                    f"{answer['input']}\t{answer['label']}\t{answer['score']:.4f}" + (f"\t{guesses}" if top > 1 else "")
                )
    for answer in failed:
        click.echo(f"error: {answer['error']}", file=sys.stderr)
    return ExitCode.INPUT if failed else ExitCode.OK


def _answer(model: "Model", one: str, top: int) -> dict[str, Any]:
    """Answer one input; what cannot be read is an answer too, so that one bad file does not lose the others."""
    from edge_runtime.errors import InputError

    try:
        prediction = model.predict(one)
    except InputError as error:
        return {"input": one, "error": str(error)}
    return {"input": one} | prediction.to_dict(top)
