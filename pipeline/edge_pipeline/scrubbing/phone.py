"""Telephone numbers, international and national, by the numbering plans of libphonenumber."""

import re
from collections.abc import Iterator
from typing import Any

from edge_pipeline.scrubbing.interface import REGIONS, Finder, Kind, Passage, Range, ScrubConfig, require
from edge_runtime.errors import InputError

_RUN = re.compile(r"(?<!\d)(?:[+(]\s?){0,2}\d(?:[\s().\-/]{0,3}\d){5,39}")
"""At least six digits with no more than a few separators between two of them."""
_DATE = re.compile(
    r"(?:19|20)\d{2}([-/. ])\d{1,2}\1\d{1,2}(?:[ T]+\d{1,2}(?:[:.]?\d{2})*)?"
    r"|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d{2}(?:[ T]+\d{1,2}(?:[:.]?\d{2})*)?"
    r"|(?:19|20)\d{2}\s?[-/]\s?(?:19|20)\d{2}"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[ -]?\d{4,6})?"
)
"""A day, with a time or without, or a range of years."""
_WORD = re.compile(
    r"(?:phone|tel|help|call|mob|cell|fax|whats ?app|text|txt|sms|ring|contact|dial|fon|handy|appel|portable|móvil"
    r"|movil|llam|cellulare|chiama|celular|ligue|тел|звон|电话|電話|手机|手機|热线|联系|携帯|전화|연락|هاتف|फोन)[^\d\n]{0,20}$",
    re.IGNORECASE,
)
"""What announces a number, up to twenty characters before it."""
_DECIMAL = re.compile(r"0\.\d.*|\d+[.,]\d{1,2}|.*\.\d")
"""Amounts in a row, as tables without cell borders have them."""
FEWEST_DIGITS = 9
"""Digits of a national number that nothing announces; shorter ones are as often the number of an invoice."""
GLUED = 3
"""Letters right after a number that make a word (`08001234567now`), where one or two are part of a code."""


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder.

    Raises:
        MachineError: phonenumbers is not installed.
        InputError: a region is none.
    """
    library = require("phonenumbers")
    regions = tuple(region.upper() for region in config.regions) or REGIONS
    unknown = [region for region in regions if region not in library.SUPPORTED_REGIONS]
    if unknown:
        raise InputError(f"region {unknown[0]!r} has no telephone numbers; write two letters such as GB or CN")

    def find(passage: Passage) -> Iterator[Range]:
        text = passage.folded
        for match in _RUN.finditer(text):
            announced = _WORD.search(text, max(0, match.start() - 40), match.start()) is not None
            if _DATE.fullmatch(match[0]) or not _begins(text, match.start(), announced):
                continue
            for start, end in _numbers(library, match[0], regions, announced=announced, chosen=bool(config.regions)):
                first, last = match.start() + start, match.start() + end
                if _ends(text, last, sure=announced or text[first] in "+0"):
                    yield first, last

    return {"[PHONE]": find}


def _begins(text: str, start: int, announced: bool) -> bool:
    """Tell whether a number may begin here: not within a code, a decimal or a price, but right after `call`."""
    before = text[start - 1] if start else " "
    if before in ".,·$£€#@=" or (before == "-" and not announced):
        return False
    return announced or not (before.isascii() and (before.isalnum() or before == "_"))


def _ends(text: str, end: int, sure: bool) -> bool:
    """Tell whether a number may end here: a word may follow (`08001234567now`), a unit or the rest of a code not.

    Args:
        text: The passage.
        end: Where the number ends.
        sure: It was announced or begins with a zero or a plus, so it is no amount.
    """
    if re.match(r"[.,:]?\d|[_@]", text[end : end + 2]):
        return False
    letters = re.match(r"[A-Za-z]*", text[end : end + GLUED])
    return sure or (not re.match(r"\s?[%€£$]", text[end : end + 2]) and (not letters or len(letters[0]) in (0, GLUED)))


def _numbers(library: Any, run: str, regions: tuple[str, ...], *, announced: bool, chosen: bool) -> list[Range]:
    """Return the numbers in one run of digits and separators, by the first region that has any.

    Where none has, the last group may belong to something else (`0845 2814032 16 after`), so it is left out once.
    """
    for text in (run, run.rstrip("0123456789").rstrip(" ().-/")):
        for region in regions:
            found = list(_in_region(library, text, region, announced=announced, chosen=chosen))
            if found:
                return found
    return []


def _in_region(library: Any, text: str, region: str, *, announced: bool, chosen: bool) -> Iterator[Range]:
    leniency = library.Leniency
    for match in library.PhoneNumberMatcher(text, region, leniency=leniency.VALID):
        raw = match.raw_string
        digits = re.sub(r"\D", "", raw)
        if _DECIMAL.fullmatch(raw):
            continue
        if announced or raw.lstrip("( ").startswith("+"):
            sure = True
        elif len(digits) < FEWEST_DIGITS:
            sure = False
        elif digits.startswith("0"):
            sure = True
        elif digits != raw:
            sure = any(library.PhoneNumberMatcher(raw, region, leniency=leniency.STRICT_GROUPING))
        else:
            sure = _stands_alone(library, match.number, region, chosen=chosen)
        if sure:
            yield match.start, match.end


def _stands_alone(library: Any, number: Any, region: str, *, chosen: bool) -> bool:
    """Tell whether digits without separators, announcement or leading zero are a number rather than an order's.

    A Chinese mobile number is, since nobody writes it in groups; other mobile numbers only where the user has named
    the region.
    """
    mobile = library.number_type(number) == library.PhoneNumberType.MOBILE
    return bool(mobile and (chosen or region == "CN"))


KIND = Kind("phone", "telephone numbers: international, and national ones of the chosen regions", make)
