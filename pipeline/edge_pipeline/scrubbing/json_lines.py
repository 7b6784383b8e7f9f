"""Masks the texts of JSON lines and moves their entity spans along."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_pipeline.scrubbing.masking import Masked, Masker, shift_spans
from edge_pipeline.scrubbing.reading import lines
from edge_pipeline.scrubbing.tally import KEPT_COLUMNS, Tally
from edge_runtime.errors import InputError

_LONG_NUMBER = re.compile(r"\d{7,}")
"""A telephone number or a card may be stored as a number."""


def scrub_json_lines(
    file: Path, write: Callable[[str], None], masker: Masker, columns: tuple[str, ...], tally: Tally
) -> None:
    """Copy JSON lines with the texts under `columns` masked, or under all keys but `KEPT_COLUMNS` where none is named.

    `spans` belong to `text`, or to the one column that is named, and are moved to where its text then is. A list of
    strings under `tokens` is searched as one text, and each token that something was found in becomes its mask.

    Raises:
        InputError: a line is no JSON object in UTF-8, a span is outside its text, a key holds personal data, or no
            line has a named column.
    """
    reader = _Reader(file, masker, columns, tally)
    for number, line in lines(file):
        write(reader.line(number, line))
    missing = [column for column in columns if column not in reader.seen]
    if missing:
        raise InputError(f"{file}: no line has {missing[0]!r}; the keys are {', '.join(sorted(reader.seen))}")


class _Reader:
    """Masks one line after the other."""

    def __init__(self, file: Path, masker: Masker, columns: tuple[str, ...], tally: Tally) -> None:
        self.file, self.masker, self.columns, self.tally = file, masker, columns, tally
        self.spans_of = columns[0] if len(columns) == 1 else "text"
        self.seen: set[str] = set()

    def line(self, number: int, line: str) -> str:
        """Return the line with its texts masked; byte for byte the same where nothing was found."""
        body = line.lstrip("\ufeff").strip()
        if not body:
            return line
        before = self._parse(number, body)
        after = {key: self._value(number, key, value) for key, value in before.items()}
        if after == before:
            self.tally.item(changed=False)
            return line
        if isinstance(before.get(self.spans_of), str) and "spans" in before:
            after["spans"] = self._spans(number, before)
        self.tally.item(changed=True)
        start, _, end = line.partition(body)
        return start + _dump(after, like=body) + end

    def _parse(self, number: int, body: str) -> dict[str, Any]:
        # `from None` here and below: the causes hold the line.
        try:
            document = json.loads(body)
        except json.JSONDecodeError as error:
            raise InputError(f"{self.file} line {number}: no JSON ({error.msg} at character {error.pos})") from None
        except RecursionError:
            raise InputError(f"{self.file} line {number}: JSON nested too deep") from None
        if not isinstance(document, dict):
            raise InputError(f'{self.file} line {number}: no JSON object; write {{"text": ...}} on each line')
        for key in document.keys() - self.seen:
            self._check_key(number, key)
        self.seen |= document.keys()
        return document

    def _check_key(self, number: int, key: str) -> None:
        if self.masker.mask(key).edits:
            raise InputError(f"{self.file} line {number}: a key holds personal data; move it into a value")

    def _value(self, number: int, key: str, value: Any) -> Any:
        wanted = key in self.columns if self.columns else key not in KEPT_COLUMNS
        return self._masked(number, key, value) if wanted else value

    def _masked(self, number: int, key: str, value: Any) -> Any:
        """Return a value with every text in it masked, however deep."""
        if isinstance(value, str):
            return self._mask(key, value).text
        if isinstance(value, dict):
            for inner in value:
                self._check_key(number, inner)
            return {inner: self._masked(number, key, item) for inner, item in value.items()}
        if isinstance(value, list):
            if key == "tokens" and all(isinstance(item, str) for item in value):
                return self._tokens(key, value)
            return [self._masked(number, key, item) for item in value]
        if isinstance(value, int) and _LONG_NUMBER.search(str(value)):
            masked = self._mask(key, str(value))
            return masked.text if masked.edits else value
        return value

    def _mask(self, key: str, text: str) -> Masked:
        return self.tally.mask(self.masker, key, text)

    def _tokens(self, key: str, tokens: list[str]) -> list[str]:
        masked = self._mask(key, " ".join(tokens))
        result, start = [], 0
        for token in tokens:
            end = start + len(token)
            edit = next((edit for edit in masked.edits if edit.start < end and start < edit.end), None)
            result.append(token if edit is None else edit.mask)
            start = end + 1
        return result

    def _spans(self, number: int, document: dict[str, Any]) -> Any:
        text, spans = document[self.spans_of], document["spans"]
        for span in spans if isinstance(spans, list) else [None]:
            ends = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
            start, end = ends
            if type(start) is not int or type(end) is not int or not 0 <= start <= end <= len(text):
                shown = ends if all(type(at) is int for at in ends) else "no whole numbers"
                raise InputError(
                    f"{self.file} line {number}: a span of {shown} in a text of {len(text)} characters; spans are "
                    '[{"start": 0, "end": 4, "label": "..."}]'
                )
        shifted = shift_spans(spans, self.masker.mask(text).edits)
        self.tally.merged_spans += len(spans) - len(shifted)
        return shifted


def _dump(document: dict[str, Any], *, like: str) -> str:
    """Write JSON, escaped where the line was, or where it holds half a character that UTF-8 cannot."""
    text = json.dumps(document, ensure_ascii="\\u" in like and like.isascii())
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(document)
    return text
