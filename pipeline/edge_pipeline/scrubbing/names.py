"""Names of a given list: whole words in scripts that have them, anywhere in scripts that are written without spaces."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig
from edge_runtime.errors import InputError

SHORTEST = 2
"""Characters of a name: single ones would take half a text away."""
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana, Han; and Hangul, whose particles follow a name without a space."""


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder for the listed names.

    Raises:
        InputError: the file cannot be read, is not UTF-8, is empty, or holds a name of one character.
    """
    return {} if config.names is None else {"[NAME]": finder(read_names(config.names))}


def read_names(file: Path) -> list[str]:
    """Return the names of a list, one a line.

    Raises:
        InputError: it cannot be read, is not UTF-8, is empty, or holds a name of one character.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        # The cause holds the file's bytes; a traceback must not.
        raise InputError(f"{file}: not UTF-8; save it as UTF-8, one name a line") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error}); check the path") from error
    for number, line in enumerate(lines, 1):
        if 0 < len(line.strip()) < SHORTEST:
            raise InputError(f"{file} line {number}: a name of one character; it would be found in other words")
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise InputError(f"{file}: no names; write one a line")
    return names


def finder(names: Iterable[str]) -> Finder:
    """Return what finds `names` as they are written or in capitals; the time it takes does not grow with their number.

    A dictionary from a name's first character to the lengths that occur, then one look into a set for each length, in
    place of an automaton: names are short, and few lengths begin alike.
    """
    wanted = {form for name in names for form in _forms(name)}
    lengths: dict[str, list[int]] = {}
    for form in sorted(wanted, key=len, reverse=True):
        known = lengths.setdefault(form[0], [])
        if len(form) not in known:
            known.append(len(form))

    def find(passage: Passage) -> Iterator[Range]:
        text = re.sub(r"\s", " ", passage.text)
        at = 0
        while at < len(text):
            end = _match(text, at, lengths.get(text[at], ()), wanted)
            if end:
                yield at, end
            at = end or at + 1

    return find


def _forms(name: str) -> Iterator[str]:
    spaced = " ".join(name.split())
    for form in (spaced, spaced.upper()):
        yield unicodedata.normalize("NFC", form)
        yield unicodedata.normalize("NFD", form)


def _match(text: str, at: int, lengths: Iterable[int], wanted: set[str]) -> int:
    """Return where the longest name that begins at `at` ends, or 0."""
    for length in lengths:
        end = at + length
        if text[at:end] in wanted and _apart(text, at - 1, at) and _apart(text, end - 1, end):
            return end
    return 0


def _apart(text: str, left: int, right: int) -> bool:
    """Tell whether a word may end between two neighboring characters."""
    if left < 0 or right >= len(text):
        return True
    return not (_in_word(text[left]) and _in_word(text[right]))


@lru_cache(maxsize=4096)
def _in_word(character: str) -> bool:
    """Tell whether it belongs to a word that spaces set apart; marks belong to the letter before them."""
    return unicodedata.category(character)[0] in "LMN" and not _UNSPACED.match(character)


KIND = Kind("name", "names of a list (`--names FILE`), whole words, as written or in capitals", make)
