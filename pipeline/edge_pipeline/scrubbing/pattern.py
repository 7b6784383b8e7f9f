"""What the user's own regular expressions match."""

import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig
from edge_runtime.errors import InputError

_MASK = re.compile(r"([A-Z][A-Z0-9_]{0,30})=(?=.)", re.DOTALL)
"""`NAME=` before an expression names its mask."""


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return a finder for each mask.

    Raises:
        InputError: an expression cannot be compiled, or matches where there is nothing.
    """
    by_mask: dict[str, list[re.Pattern[str]]] = {}
    for number, given in enumerate(config.patterns, 1):
        named = _MASK.match(given)
        mask, expression = (f"[{named[1]}]", given[named.end() :]) if named else ("[PATTERN]", given)
        by_mask.setdefault(mask, []).append(_compile(number, expression))
    return {mask: _finder(patterns) for mask, patterns in by_mask.items()}


def _compile(number: int, expression: str) -> re.Pattern[str]:
    # The expression may list names, so no message repeats it.
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"--pattern number {number}: no regular expression ({error.msg} at {error.pos})") from None
    if pattern.search("") is not None:
        raise InputError(f"--pattern number {number}: it matches nothing at all, so everywhere; ask for one character")
    return pattern


def _finder(patterns: list[re.Pattern[str]]) -> Finder:
    def find(passage: Passage) -> Iterator[Range]:
        for pattern in patterns:
            for match in pattern.finditer(passage.text):
                group = 1 if pattern.groups and match[1] is not None else 0
                if match.end(group) > match.start(group):
                    yield match.span(group)

    return find


KIND = Kind("pattern", "matches of `--pattern REGEX`; its first group alone where it has one", make)
