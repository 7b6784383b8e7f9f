"""Telephone numbers, international and national, by the numbering plans of libphonenumber."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edge_pipeline.scrubbing.interface import REGIONS, Finder, Kind, Passage, Range, ScrubConfig, require
from edge_runtime.errors import InputError

_RUN = re.compile(r"(?<!\d)(?:[+(] ?){0,2}\d(?:(?!\. |  )[ \t().\-/]{0,3}\d){5,39}")
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
_OTHER = re.compile(
    r"(?:order|ticket|invoice|receipt|ref(?:erence)?|case|serial|model|part|sku|isbn|ean|imei|uid|id|version|batch|lot"
    r"|article|artikel|auftrag|rechnung|bestell|commande|facture|pedido|factura|ordine|fattura|订单|单号|发票|编号|注文)"
    r"(?:\s?-?(?:no|nr|num(?:ber|mer)?|code|id|号)\b)?[\s.:#-]{0,3}$",
    re.IGNORECASE,
)
"""What announces a number of another kind, right before it."""
_CARD = re.compile(r"(?<!\d)\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?!\d|[ -]\d{4}(?!\d))")
"""Groups as on a payment card: never a telephone number, whether the check digit is right or wrong."""
_DECIMAL = re.compile(r"0\.\d.*|\d+[.,]\d{1,2}|.*\.\d")
"""Amounts in a row, as tables without cell borders have them."""
FEWEST_DIGITS = 9
"""Digits of a national number that nothing announces; shorter ones are as often the number of an invoice."""
LENGTHS = range(6, 18)
"""Digits of one number: at most 15 (ITU-T E.164) behind 00."""
_COUNTRY = re.compile(r"\+\d{1,3}[ .-]?\(?$")
"""A country code before a number that was found without it."""
MOST_PARTS = 8
"""Parts of a run of digits that are tried; a table of amounts would take long otherwise."""
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
        for match in _RUN.finditer(passage.folded):
            run = _Run(library, passage.folded, match.span(), regions, chosen=bool(config.regions))
            yield from run.numbers()

    return {"[PHONE]": find}


@dataclass(frozen=True)
class _Run:
    """A run of digits and separators in a text, and what stands around it."""

    library: Any
    text: str
    span: Range
    regions: tuple[str, ...]
    chosen: bool
    """Whether the user has named the regions."""

    def numbers(self) -> Iterator[Range]:
        """Yield the numbers in the run, before and after what is grouped as a payment card."""
        start, end = self.span
        for card in _CARD.finditer(self.text, start, end):
            yield from self._between(start, card.start())
            start = card.end()
        yield from self._between(start, end)

    def _between(self, start: int, end: int) -> Iterator[Range]:
        while found := self._first(start, end):
            yield from found
            rest = re.compile(r"[ ().\-/]*").match(self.text, found[-1][1], end)
            start = rest.end() if rest else end

    def _first(self, start: int, end: int) -> list[Range]:
        """Return the first numbers from `start` on, by the first region that has any.

        Where none has, groups at either end may belong to something else (`0845 2814032 16 after`), so they are left
        out one by one, as far as spaces set them apart.
        """
        run = self.text[start:end]
        gaps = [match.end() for match in re.finditer(r" |\) ?|/", run)]
        parts = [(0, len(run)), *((0, gap) for gap in reversed(gaps)), *((gap, len(run)) for gap in gaps)]
        for first, last in parts[:MOST_PARTS]:
            found = self._part(start + first, start + last)
            if found:
                return found
        return []

    def _part(self, start: int, end: int) -> list[Range]:
        part = self.text[start:end].rstrip(" ().-/")
        if part.startswith("(") and ")" not in part:
            part, start = part[1:], start + 1  # the whole number is in brackets
        before = self.text[max(0, start - 40) : start]
        announced = _WORD.search(before) is not None
        unfit = _DATE.fullmatch(part) or (_OTHER.search(before) and "+" not in part)
        digits = sum(map(str.isdigit, part))
        fewest = LENGTHS.start if announced or "+" in part else FEWEST_DIGITS
        if unfit or not fewest <= digits < LENGTHS.stop:
            return []
        # From abroad: 00 instead of a plus sign, which keeps every place.
        searched = re.sub(r"^(\(? ?)00(?=\s?[1-9])", r"\1 +", part)
        plus = searched.find("+") if searched != part else -1
        for region in self.regions:
            found = []
            for match in self._matches(searched, region, announced):
                first, last = start + match.start - (match.start == plus), start + match.end
                sure = announced or match.raw_string[0] in "+0"
                if _begins(self.text, first, announced) and _ends(self.text, last, sure):
                    code = _COUNTRY.search(self.text, max(0, first - 6), first)
                    found.append((code.start() if code else first, last))
            if found:
                return found
        return []

    def _matches(self, part: str, region: str, announced: bool) -> Iterator[Any]:
        library = self.library
        # A plus sign says enough: ranges that are not given out yet, or kept for films, are numbers too.
        leniency = library.Leniency.POSSIBLE if "+" in part else library.Leniency.VALID
        for match in library.PhoneNumberMatcher(part, region, leniency=leniency):
            abroad = match.raw_string.lstrip("( ").startswith("+")
            if _DECIMAL.fullmatch(match.raw_string) or not (abroad or library.is_valid_number(match.number)):
                continue
            if abroad or announced or self._looks_like_one(match, region):
                yield match

    def _looks_like_one(self, match: Any, region: str) -> bool:
        """Tell whether a national number that nothing announces is more than an order's number.

        A leading zero says so, or groups as that country writes them; and a Chinese mobile number, which nobody writes
        in groups. Other mobile numbers without groups count only where the user has named the region.
        """
        library, raw = self.library, match.raw_string
        digits = re.sub(r"\D", "", raw)
        if len(digits) < FEWEST_DIGITS or digits.startswith("0"):
            return len(digits) >= FEWEST_DIGITS
        if digits != raw.strip("() "):
            return any(library.PhoneNumberMatcher(raw, region, leniency=library.Leniency.STRICT_GROUPING))
        mobile = library.number_type(match.number) == library.PhoneNumberType.MOBILE
        return bool(mobile and (self.chosen or region == "CN"))


def _begins(text: str, start: int, announced: bool) -> bool:
    """Tell whether a number may begin here: not within a code, a decimal or a price, but right after `call`."""
    before = text[start - 1] if start else " "
    if re.search(r"\d:$", text[max(0, start - 2) : start]):
        return False  # a time of day
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
    if re.match(r"[.,:]?\d|[_@]|[A-Za-z]{1,2}\d", text[end : end + 3]):
        return False
    letters = re.match(r"[A-Za-z]*", text[end : end + GLUED])
    return sure or (not re.match(r"\s?[%€£$]", text[end : end + 2]) and (not letters or len(letters[0]) in (0, GLUED)))


KIND = Kind("phone", "telephone numbers: international, and national ones of the chosen regions", make)
