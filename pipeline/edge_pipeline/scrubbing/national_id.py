"""Numbers that states give to people and that prove themselves by check digits or strict rules."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig, require

NEAR = 30
"""Characters before a number in which a word may say what it is."""


@dataclass(frozen=True)
class Number:
    """One country's number."""

    module: str
    """In python-stdnum; its `is_valid` computes the check digits."""
    pattern: str
    """What it looks like, without what stands around it."""
    word: str | None = None
    """Where one random number in ten or twenty passes the check, a word that must stand before it."""


NUMBERS = (
    Number("cn.ric", r"\d{17}[\dXx]"),  # ISO 7064 MOD 11-2, birth date and place
    Number("us.ssn", r"\d{3}-\d{2}-\d{4}"),  # no check digit: groups that were never given out are refused
    Number("us.ssn", r"\d{3} ?\d{2} ?\d{4}", r"ssn|social security"),
    Number("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}"),  # ISO 7064 MOD 11,10, and exactly one digit comes up again
    Number("es.dni", r"\d{8}[ -]?[A-Za-z]|\d{2}\.\d{3}\.\d{3}[ -]?[A-Za-z]"),  # mod 23
    Number("es.nie", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]"),  # mod 23
    Number("fr.nir", r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[ABab]) ?\d{3} ?\d{3} ?\d{2}"),  # mod 97
    Number("it.codicefiscale", r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]"),
    Number("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    Number("br.cpf", r"\d{11}", r"cpf"),
    Number("ch.ssn", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}"),  # EAN-13
    Number("fi.hetu", r"\d{6}[-+A-FU-Ya-fu-y]\d{3}[0-9A-Ya-y]"),  # mod 31
    Number("kr.rrn", r"\d{6}-\d{7}"),
    Number("se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}"),  # Luhn and birth date
    Number("no.fodselsnummer", r"\d{6} ?\d{5}"),  # two check digits and birth date
    Number("pl.pesel", r"\d{11}", r"pesel"),
    Number("in_.aadhaar", r"(?<!\d{4}[ -])\d{4}[ -]\d{4}[ -]\d{4}(?![ -]\d)"),  # Verhoeff
    Number("in_.aadhaar", r"\d{12}", r"aadhaa?r|आधार"),
    Number("nl.bsn", r"\d{4}[. ]?\d{2}[. ]?\d{3}", r"bsn|burgerservicenummer|sofi"),  # 11-proof
    Number("gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"nhs"),  # mod 11
)


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder.

    Raises:
        MachineError: python-stdnum is not installed.
    """
    prepared = [(number, _compile(number), require(f"stdnum.{number.module}").is_valid) for number in NUMBERS]

    def find(passage: Passage) -> Iterator[Range]:
        text = passage.folded
        if sum(map(text.count, "0123456789")) < 7:
            return
        for number, pattern, is_valid in prepared:
            yield from _matches(text, number, pattern, is_valid)

    return {"[ID]": find}


def _compile(number: Number) -> re.Pattern[str]:
    """No letter, digit or decimal stands at either end; scripts without spaces may touch it."""
    edges = r"(?<![A-Za-z0-9_])(?<!\d[.,/-])(?:{})(?![A-Za-z0-9_]|[.,/-]\d)"
    return re.compile(edges.format(number.pattern))


def _matches(text: str, number: Number, pattern: re.Pattern[str], is_valid: Callable[[str], bool]) -> Iterator[Range]:
    for match in pattern.finditer(text):
        before = text[max(0, match.start() - NEAR) : match.start()]
        if number.word and not re.search(number.word, before, re.IGNORECASE):
            continue
        if is_valid(match[0].upper()):
            yield match.span()


KIND = Kind("id", "national ID, tax and social security numbers of 16 countries, by check digits or rules", make)
