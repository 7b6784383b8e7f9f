"""IP addresses, version 4 and 6."""

import ipaddress
import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig

_V4 = re.compile(r"(?<![A-Za-z0-9_.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![A-Za-z0-9_]|\.[0-9])")
_V6 = re.compile(r"(?<![A-Za-z0-9_:.])[0-9A-Fa-f:]{2,39}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![A-Za-z0-9_:]|\.[0-9])")
_VERSION = re.compile(r"(?:\bv|\bver|version|release|build|firmware|update|patch|版本)[\s.:#=-]*$", re.IGNORECASE)
"""Before four numbers that are a version."""
FEWEST_HEX = 5
"""Hexadecimal digits of the shortest address that is taken for one: `fe80::1` has five, `a::b` is C++."""


def find(passage: Passage) -> Iterator[Range]:
    """Yield where addresses are that may lead to somebody: neither loopback nor unspecified."""
    # Not folded: nobody writes addresses in full-width digits, and tables of amounts in them look like some.
    text = passage.text
    for match in _V4.finditer(text):
        if _is_address(match[0]) and not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.span()
    if "::" in text or text.count(":") >= 7:
        for match in _V6.finditer(text):
            digits = sum(character != ":" for character in match[0])
            if digits >= FEWEST_HEX and _is_address(match[0]):
                yield match.span()


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder."""
    return {"[IP]": find}


KIND = Kind("ip", "IP addresses, but for loopback ones and version numbers", make)
