"""What `edge run` asks a bundle of texts: each argument is a text, a text file, or a table of texts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

LOOK_LIKE_FILES = (".bio", ".conll", ".csv", ".json", ".jsonl", ".ndjson", ".tsv", ".txt")


class Question(NamedTuple):
    """One input."""

    shown: str
    """What stands beside the answer: the text, or the file's path."""
    asked: str | Path
    """What the model is given."""


def text_questions(inputs: tuple[str, ...], column: str | None, note: Callable[[str], None]) -> Iterator[Question]:
    """Yield the texts that the arguments mean, those of a table in its order.

    Args:
        inputs: An argument that names a file means what is in it; every other one is a text.
        column: Of the texts of tables; None takes `text`.
        note: Told how an argument that is or looks like a file was taken.

    Raises:
        InputError: a table cannot be read or lacks the column.
    """
    for one in inputs:
        if not _is_file(one):
            if one.lower().endswith(LOOK_LIKE_FILES) and len(one.split()) == 1:
                note(f"{one}: there is no such file, so it is taken as a text")
            yield Question(one, one)
        elif (texts := _of_table(Path(one), column)) is None:
            note(f"{one}: a file, read as one text")
            yield Question(one, Path(one))
        else:
            note(f"{one}: a table, {len(texts):,} text{'s' * (len(texts) != 1)}")
            yield from (Question(text, text) for text in texts)


def _is_file(text: str) -> bool:
    """Take a text that no path could be for none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _of_table(file: Path, column: str | None) -> list[str] | None:
    """Return a table's texts; None where the file is no table."""
    from edge_pipeline.data.text_opening import FILE_SUFFIXES, read_texts

    return read_texts(file, column) if file.suffix.lower() in FILE_SUFFIXES else None
