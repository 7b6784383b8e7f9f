"""International bank account numbers: a country's structure and the check digits (mod 97)."""

import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig, require

_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9]{4})")
SHORTEST, LONGEST = 15, 34
"""Characters of an account number: Norway's have the fewest; ISO 13616 allows no more."""


IMPOSSIBLE = ("00", "01", "99")
"""Check digits that 98 minus a remainder of 97 never gives."""


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder.

    Raises:
        MachineError: python-stdnum is not installed.
    """
    is_valid = require("stdnum.iban").is_valid

    def find(passage: Passage) -> Iterator[Range]:
        text = passage.folded
        for match in _START.finditer(text):
            if match[0][2:] in IMPOSSIBLE:
                continue
            characters, ends = _compact(text, match.start())
            for length in range(len(characters), SHORTEST - 1, -1):
                # The text may go on in upper case after the number, so every length is tried; a country has one.
                after = text[ends[length - 1] : ends[length - 1] + 1]
                whole = not (after.isascii() and after.isalnum())
                if whole and is_valid(characters[:length].upper(), check_country=False):
                    yield match.start(), ends[length - 1]
                    break

    return {"[IBAN]": find}


def _compact(text: str, start: int) -> tuple[str, list[int]]:
    """Return the letters and digits from `start` on without single gaps, and where each ends."""
    characters = ""
    ends: list[int] = []
    at = start
    while at < len(text) and len(characters) < LONGEST:
        character = text[at]
        if character.isascii() and character.isalnum():
            characters += character
            ends.append(at + 1)
        elif character not in " -" or text[at - 1] in " -":
            break
        at += 1
    return characters, ends


KIND = Kind("iban", "bank accounts (IBAN), by the country's structure and the check digits (mod 97)", make)
