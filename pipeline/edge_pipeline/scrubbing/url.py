"""Web and database addresses that carry a password, a key or a token."""

import re
from collections.abc import Iterator

from edge_pipeline.scrubbing.interface import Finder, Kind, Passage, Range, ScrubConfig

_URL = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,15}://[!#-;=?-~]+", re.IGNORECASE)
_USER = re.compile(r"://[^/?#@]+@")
_SECRET = re.compile(
    r"[?&#;](?:access[_-]?token|id[_-]?token|token|api[_-]?key|key|secret|client[_-]?secret|pass(?:word|wd)?|pwd|auth"
    r"|sig(?:nature)?|session(?:id)?|sid|jwt|code)=[^&#\s]{4}",
    re.IGNORECASE,
)


def find(passage: Passage) -> Iterator[Range]:
    """Yield whole addresses with a user before the host or a secret among their parameters."""
    if "://" not in passage.folded:
        return
    for match in _URL.finditer(passage.folded):
        address = match[0].rstrip(".,;:!?)]}'")
        if _USER.search(address) or _SECRET.search(address):
            yield match.start(), match.start() + len(address)


def make(config: ScrubConfig) -> dict[str, Finder]:
    """Return the finder."""
    return {"[URL]": find}


KIND = Kind("url", "addresses with a user, password, key or token in them; others stay", make)
