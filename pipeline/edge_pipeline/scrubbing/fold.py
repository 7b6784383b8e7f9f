"""Writes digits, dashes, spaces and full-width characters as ASCII, one for one, so that offsets stay what they are."""

import sys
import unicodedata
from functools import cache

DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Soft hyphen, zero-width and direction marks: telephone numbers that were copied from a page bring them along."""
FULL_WIDTH = range(0xFF01, 0xFF5F)
"""The full-width twins of the ASCII characters from `!` to `~`, in the same order."""


@cache
def _table() -> dict[int, str]:
    table = {code: chr(code - 0xFF01 + ord("!")) for code in FULL_WIDTH}
    for code in range(0x80, sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category == "Nd":
            table[code] = str(unicodedata.decimal(chr(code)))
        elif category == "Zs":
            table[code] = " "
    table |= dict.fromkeys(map(ord, DASHES), "-")
    return table | dict.fromkeys(map(ord, UNSEEN), " ")


def fold(text: str) -> str:
    """Return `text` with ASCII digits, dashes, spaces and punctuation; it has the same length."""
    return text if text.isascii() else text.translate(_table())
