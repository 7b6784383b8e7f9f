"""Payment card numbers: a network's prefix and length, groups as printed on cards, and the check digit."""

import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig, require

# Groups of four with a rest, or 4-6-5 (American Express) and 4-6-4 (Diners Club); or no groups at all.
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?<!\d[-,])"
    r"(?:\d{4}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4}(?P<rest>(?P=gap)\d{1,3})?"
    r"|\d{4}(?P<other>[ -])\d{6}(?P=other)\d{4,5}"
    r"|\d{13,19})"
    r"(?![A-Za-z0-9_]|[.,-]\d)"
)
_NETWORK = re.compile(
    r"4(?:\d{15}|\d{18})"  # Visa; its 13 digits of old are a German product number today
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d{2})\d{12,15}"  # Discover
    r"|62\d{14,17}|81\d{14,17}"  # UnionPay
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12,15}"  # Mir
)
"""Issuer identification numbers (ISO/IEC 7812) with the lengths in use."""


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder.

    Raises:
        MachineError: python-stdnum is not installed.
    """
    is_valid = require("stdnum.luhn").is_valid

    def find(passage: Passage) -> Iterator[Range]:
        for match in _NUMBER.finditer(passage.folded):
            # What follows sixteen digits may be the rest of nineteen, or a word of its own.
            for end in (match.end(), match.start("rest")):
                digits = re.sub(r"\D", "", passage.folded[match.start() : max(end, 0)])
                if _NETWORK.fullmatch(digits) and is_valid(digits):
                    yield match.start(), end
                    break

    return {"[CARD]": find}


KIND = Kind("card", "payment cards of the large networks, by prefix, length and check digit (Luhn)", make)
