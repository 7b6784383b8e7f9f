"""Texts with entities: JSON lines with `spans`, and files of tokens and tags in columns as CoNLL's tasks have them.

The text of a sentence in columns is its tokens joined by a blank, but by nothing where a Chinese or Japanese character
stands on either side: such texts have no blanks, and a model that learned with them would never see one again.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import Span
from edge_pipeline.data.text_tables import Row, read_text_file
from edge_runtime.errors import InputError

COLUMN_SUFFIXES = (".conll", ".bio")
SPANS = "spans"
"""Name of the field of JSON lines."""
KEYS = {"start", "end", "label"}
DOCUMENT_START = "-DOCSTART-"
_TAG = re.compile(r"O|[BI]-\S+")
_IDEOGRAPH = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def read_columns(data: Path, text: str) -> list[Row]:
    """Read a file of tokens and tags in columns: the first and the last one, with blanks or tabs between them.

    A blank line ends a sentence. A `-DOCSTART-` line is passed over, and the sentences after it are one group.

    Args:
        data: The file.
        text: What the rows call the text.

    Raises:
        InputError: it is not UTF-8, a line has no tag or more columns than others, a tag is none, or an I- tag goes on
            with an entity of another kind.
    """
    rows: list[Row] = []
    tokens: list[str] = []
    tags: list[str] = []
    began = width = document = 0

    def finish() -> None:
        if tokens:
            sentence, spans = _sentence(tokens, tags)
            values = {text: sentence, SPANS: spans} | ({"group": f"document {document}"} if document else {})
            rows.append(Row(f"line {began}", values))
            tokens.clear()
            tags.clear()

    for number, line in enumerate(read_text_file(data).replace("\r\n", "\n").split("\n"), 1):
        columns = re.split(r"[ \t]+", line.strip(" \t"))
        if columns == [""]:
            finish()
            continue
        if columns[0] == DOCUMENT_START:
            finish()
            document += 1
            continue
        began = began if tokens else number
        width = width or len(columns)
        if len(columns) != width or width < 2:
            raise InputError(
                f"{data} line {number}: {len(columns)} columns, {max(width, 2)} are expected: a token, and its tag last"
            )
        _check_tag(data, number, columns[-1], tags[-1] if tags else "O")
        tokens.append(columns[0])
        tags.append(columns[-1])
    finish()
    if not rows:
        raise InputError(f"{data}: no sentences; there is nothing to learn from")
    return rows


def _check_tag(data: Path, number: int, tag: str, before: str) -> None:
    if not _TAG.fullmatch(tag):
        raise InputError(f"{data} line {number}: tag {tag!r}; write O, B-KIND or I-KIND")
    if tag[0] == "I" and before != "O" and before[2:] != tag[2:]:
        raise InputError(
            f"{data} line {number}: {tag} goes on after {before}, which is of another kind; write B-{tag[2:]}"
        )


def _sentence(tokens: Sequence[str], tags: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    text = tokens[0]
    places = [(0, len(text))]
    for before, token in pairwise(tokens):
        joined = _IDEOGRAPH.match(before[-1]) or _IDEOGRAPH.match(token[0])
        text += ("" if joined else " ") + token
        places.append((len(text) - len(token), len(text)))
    spans: list[Span] = []
    kind = ""
    for tag, (start, end) in zip(tags, places, strict=True):
        if tag[0] == "I" and tag[2:] == kind:
            spans[-1] = spans[-1]._replace(end=end)
        elif tag != "O":
            spans.append(Span(start, end, tag[2:]))
        kind = tag[2:]
    return text, tuple(spans)


def read_spans(data: Path, row: Row, text: str) -> tuple[Span, ...]:
    """Check the spans of one text and return them in its order.

    Raises:
        InputError: they are no list of `{"start", "end", "label"}`, or a span is empty, outside of the text, or in
            another one.
    """
    value = row.values.get(SPANS)
    where = f"{data} {row.place}"
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        raise InputError(f"{where}: {SPANS} is {type(value).__name__}; write a list of {{start, end, label}}")
    spans = sorted(_span(where, at, one, text) for at, one in enumerate(value))
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise InputError(f"{where}: spans {one.start}-{one.end} and {other.start}-{other.end} overlap; keep one")
    return tuple(spans)


def _span(where: str, at: int, value: Any, text: str) -> Span:
    if not isinstance(value, dict) or set(value) != KEYS:
        keys = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise InputError(f"{where}: spans[{at}] has {keys}; start, end and label are expected")
    start, end, label = value["start"], value["end"], value["label"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise InputError(f"{where}: span {start}-{end} in a text of {len(text):,} characters; write 0 <= start < end")
    if not isinstance(label, str) or not label.strip():
        raise InputError(f"{where}: spans[{at}] has the label {label!r}; name its kind")
    return Span(start, end, label.strip())


def tags_of(spans: Iterator[Span]) -> tuple[str, ...]:
    """Return the tags that these spans need, sorted."""
    kinds = {span.label for span in spans}
    return tuple(sorted([*(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"), "O"]))
