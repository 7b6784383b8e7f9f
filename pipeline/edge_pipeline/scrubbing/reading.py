"""Reads UTF-8 files piece by piece; no error repeats what a file holds."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.errors import InputError

LONGEST_LINE = 16 << 20
"""Bytes of the longest line of a table or of JSON lines; longer ones mean that the file is something else."""
CHUNK = 1 << 16
"""Characters of plain text that are searched at a time, where line ends allow to cut so early."""
LONGEST_CHUNK = 1 << 20
"""Characters after which a text without line ends is cut at a space."""


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield each line's number, from 1 on, and its text with its line end; a byte order mark stays in the first.

    Raises:
        InputError: a line is not UTF-8 or longer than `LONGEST_LINE`.
    """
    with file.open("rb") as stream:
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1:
                _refuse_utf16(file, line)
            if len(line) > LONGEST_LINE:
                raise InputError(f"{file} line {number}: over {LONGEST_LINE >> 20} MiB; write one item a line")
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                # `from None`: the cause holds the line.
                where = f"{file} line {number}: not UTF-8 (byte {error.start + 1} of the line)"
                raise InputError(f"{where}; save it as UTF-8") from None
            yield number, text


def chunks(file: Path) -> Iterator[str]:
    """Yield a text in parts that end at a line's end, or at a space where no line ends.

    Raises:
        InputError: it is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = ""
    read = 0
    with file.open("rb") as stream:
        while data := stream.read(CHUNK):
            if read == 0:
                _refuse_utf16(file, data)
            try:
                rest += decoder.decode(data)
            except UnicodeDecodeError:
                raise InputError(f"{file}: not UTF-8 after byte {read:,}; save it as UTF-8") from None
            read += len(data)
            cut = _cut(rest)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
    try:
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise InputError(f"{file}: ends within a character; it is cut off or not UTF-8") from None
    if rest:
        yield rest


def _cut(text: str) -> int:
    """Return where to cut, or 0 to read on: after the last empty line, else the last line, else the last space."""
    if len(text) < CHUNK:
        return 0
    for end in ("\n\n", "\n"):
        at = text.rfind(end)
        if at >= len(text) // 2:
            return at + len(end)
    if len(text) < LONGEST_CHUNK:
        return 0
    return max(text.rfind("\n"), text.rfind(" ")) + 1 or len(text)


def _refuse_utf16(file: Path, start: bytes) -> None:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{file}: UTF-16; save it as UTF-8")
