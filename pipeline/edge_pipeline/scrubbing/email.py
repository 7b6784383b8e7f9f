"""E-mail addresses, also as `name (at) host (dot) org` and at an IP address."""

import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig

# Letters with accents, Greek and Cyrillic, but none of a script that is written without spaces: in 邮箱zhang@qq.com
# the address begins at z.
_L = r"A-Za-z0-9_\u00c0-\u052f"
_LOCAL = rf"(?<![{_L}])[{_L}][{_L}.+%'-]{{0,63}}"
_LABEL = rf"[{_L}][{_L}-]{{0,62}}"
_TOP = r"(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z\u00c0-\u052f]{2,24})"
_AT = r"\s?[\[({<]\s?(?:at|@)\s?[\])}>]\s?"
_DOT = r"(?:\.|\s?[\[({<]\s?dot\s?[\])}>]\s?)"
_PLAIN = re.compile(rf"{_LOCAL}@(?:(?:{_LABEL}\.)+{_TOP}|\[?\d{{1,3}}(?:\.\d{{1,3}}){{3}}\]?)(?![{_L}])")
_VEILED = re.compile(rf"{_LOCAL}(?:{_AT})(?:{_LABEL}{_DOT})+{_TOP}(?![{_L}])", re.IGNORECASE)
_RETINA = re.compile(r"@\d+x\.(?:png|jpe?g|gif|webp|svg)$", re.IGNORECASE)
"""`icon@2x.png` is a picture for dense screens."""


def find(passage: Passage) -> Iterator[Range]:
    """Yield where addresses are."""
    text = passage.folded
    if "@" in text:
        yield from (match.span() for match in _PLAIN.finditer(text) if not _RETINA.search(match[0]))
    if any(bracket in text for bracket in "[({<"):
        yield from (match.span() for match in _VEILED.finditer(text))


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder."""
    return {"[EMAIL]": find}


KIND = Kind("email", "e-mail addresses, also written as `name (at) host (dot) org`", make)
