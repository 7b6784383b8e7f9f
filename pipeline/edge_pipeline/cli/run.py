"""`edge run`: the slim runtime answers."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from edge_pipeline.questions import Question
    from edge_runtime import Model


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True)
@click.option("--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(1), help="Threads inside an operator; default: what the machine grants.")
@click.option("--variant", help="Variant of the bundle; default: the one that the runtime takes.")
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="Answers to show for each input.")
@click.option("--text", "column", help="Of a table of texts, the column that holds them.  [default: text]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of input and answer.")
def command(
    *, bundle: Path, inputs: tuple[str, ...], top: int, column: str | None, as_json: bool, **options: Any
) -> int:
    """Ask BUNDLE what it says of each of INPUTS: image files, or texts.

    For a bundle of texts an input that names a file is that file: of a table (.csv, .tsv, .jsonl) each row's text, of
    any other its whole text.
    """
    from edge_runtime import load
    from edge_runtime.errors import ExitCode

    model = load(bundle, **options)
    answers = [_answer(model, one, top) for one in _questions(model, inputs, column)]
    failed = [answer for answer in answers if "error" in answer]
    if as_json:
        click.echo(json.dumps(answers, ensure_ascii=False))
    else:
        for answer in answers:
            for line in _lines(answer, top):
                click.echo(line)
    for answer in failed:
        click.echo(f"error: {answer['error']}", file=sys.stderr)
    return ExitCode.INPUT if failed else ExitCode.OK


def _questions(model: "Model", inputs: tuple[str, ...], column: str | None) -> "Iterator[Question]":
    from edge_pipeline.questions import Question, text_questions
    from edge_runtime.errors import InputError

    if model.manifest.preprocessing.kind == "text":
        return text_questions(inputs, column, lambda line: click.echo(f"note: {line}", err=True))
    if column is not None:
        raise InputError(f"--text {column}: the bundle answers images, which have no columns; leave it out")
    return (Question(one, one) for one in inputs)


def _answer(model: "Model", one: "Question", top: int) -> dict[str, Any]:
    """Answer one input; what cannot be read is an answer too, so that one bad file does not lose the others."""
    from edge_runtime.errors import InputError

    try:
        prediction = model.predict(one.asked)
    except InputError as error:
        return {"input": one.shown, "error": str(error)}
    return {"input": one.shown} | prediction.to_dict(top)


def _lines(answer: dict[str, Any], top: int) -> list[str]:
    """Return an answer for people, in columns; a text with line breaks stays in its line."""
    shown = re.sub(r"[\t\r\n]+", " ", answer["input"])
    if "error" in answer:
        return []
    if "embedding" in answer:
        numbers = answer["embedding"]
        first = " ".join(f"{number:.4f}" for number in numbers[:8])
        return [f"{shown}\t{first} ... ({len(numbers)} numbers)"]
    if "entities" in answer:
        lines = []
        for one in answer["entities"] or [{"label": "no spans"}]:
            told = [str(value) for key, value in one.items() if key not in ("start", "end", "score")]
            place = [f"{one['start']}-{one['end']}", f"{one['score']:.4f}"] if "start" in one else []
            lines.append("\t".join((shown, *told, *place)))
        return lines
    guesses = "  ".join(f"{guess['label']} {guess['score']:.4f}" for guess in answer["top"])
    return [f"{shown}\t{answer['label']}\t{answer['score']:.4f}" + (f"\t{guesses}" if top > 1 else "")]
