"""Telephone numbers, international and national, by the numbering plans of libphonenumber."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edge_pipeline.scrubbing.interface import REGIONS, Finder, Kind, Passage, Range, ScrubConfig, require
from edge_pipeline.scrubbing.phone_context import is_announced, is_date, is_of_another_kind, may_begin, may_end
from edge_runtime.errors import InputError

_RUN = re.compile(r"(?<!\d)(?:[+(] ?){0,2}\d(?:(?!\. |  )[ \t().\-/]{0,3}\d){5,39}")
"""At least six digits with no more than a few separators between two of them."""
_CARD = re.compile(r"(?<!\d)\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?!\d|[ -]\d{4}(?!\d))")
"""Groups as on a payment card: never a telephone number, whether the check digit is right or wrong."""
_DECIMAL = re.compile(r"0\.\d.*|\d+[.,]\d{1,2}|.*\.\d")
"""Amounts in a row, as tables without cell borders have them."""
FEWEST_DIGITS = 9
"""Digits of a national number that nothing announces; shorter ones are as often the number of an invoice."""
LENGTHS = range(6, 18)
"""Digits of one number: at most 15 (ITU-T E.164) behind 00."""
UNGROUPED = ("CN",)
"""Regions where nobody writes mobile numbers in groups."""
WITH_CODE = range(11, 14)
"""Digits of a mobile number with its country code: France has the fewest, China the most."""
_COUNTRY = re.compile(r"\+\d{1,3}[ .-]?\(?$")
"""A country code before a number that was found without it."""
MOST_PARTS = 8
"""Parts of a run of digits that are tried; a table of amounts would take long otherwise."""


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
        announced = is_announced(self.text, start)
        unfit = is_date(part) or ("+" not in part and is_of_another_kind(self.text, start))
        digits = sum(map(str.isdigit, part))
        fewest = LENGTHS.start if announced or "+" in part else FEWEST_DIGITS
        if unfit or not fewest <= digits < LENGTHS.stop:
            return []
        if self._is_mobile_without_plus(part) and may_begin(self.text, start, announced):
            last = start + len(part)
            return [(start, last)] if may_end(self.text, last, sure=True) else []
        # From abroad: 00 instead of a plus sign, which keeps every place.
        searched = re.sub(r"^(\(? ?)00(?=\s?[1-9])", r"\1 +", part)
        plus = searched.find("+") if searched != part else -1
        for region in self._regions_of(part, announced):
            found = []
            for match in self._matches(searched, region, announced):
                first, last = start + match.start - (match.start == plus), start + match.end
                sure = announced or match.raw_string[0] in "+0"
                if may_begin(self.text, first, announced) and may_end(self.text, last, sure):
                    code = _COUNTRY.search(self.text, max(0, first - 6), first)
                    found.append((code.start() if code else first, last))
            if found:
                return found
        return []

    def _regions_of(self, part: str, announced: bool) -> tuple[str, ...]:
        """Return the regions whose numbers `part` may be: most bare digits are nothing, and each region takes time."""
        bare = part.isdigit() and part[0] != "0" and not announced and not self.chosen
        return tuple(region for region in self.regions if region in UNGROUPED) if bare else self.regions

    def _is_mobile_without_plus(self, part: str) -> bool:
        """Tell whether the digits are a mobile number with its country code, as databases keep them."""
        if not (part.isdigit() and len(part) in WITH_CODE and part[0] != "0"):
            return False
        try:
            number = self.library.parse(f"+{part}")
        except self.library.NumberParseException:
            return False
        return (
            self.library.number_type(number) == self.library.PhoneNumberType.MOBILE
            and self.library.region_code_for_number(number) in self.regions
        )

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
        return bool(mobile and (self.chosen or region in UNGROUPED))


KIND = Kind("phone", "telephone numbers: international, and national ones of the chosen regions", make)
