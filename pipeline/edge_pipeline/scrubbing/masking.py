"""Replaces what was found by its mask, and moves entity spans to where the text then is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_pipeline.scrubbing.fold import fold
from edge_pipeline.scrubbing.interface import Finder, Passage, ScrubConfig
from edge_pipeline.scrubbing.registry import KINDS
from edge_runtime.errors import InputError


class SearchError(RuntimeError):
    """A finder failed; the message names the kind and nothing of the text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement in a text."""

    start: int
    end: int
    """Exclusive, as `start` in characters of the text before."""
    mask: str


@dataclass(frozen=True)
class Masked:
    """A text without what was looked for."""

    text: str
    edits: tuple[Edit, ...]
    """In order, none overlapping."""
    counts: Counter[str]
    """Kind to how often it was found."""


class Masker:
    """Finds and masks every kind that a configuration asks for.

    Args:
        config: What to look for.

    Raises:
        InputError: a kind is unknown, or there is nothing to look for.
        MachineError: a package that a kind needs is not installed.
    """

    def __init__(self, config: ScrubConfig) -> None:
        unknown = [name for name in config.kinds if name not in KINDS]
        if unknown:
            raise InputError(f"{unknown[0]!r} is no kind of personal data; choose from {', '.join(KINDS)}")
        made = {name: KINDS[name].make(config) for name in KINDS if _asked(name, config)}
        self.finders: tuple[tuple[str, str, Finder], ...] = tuple(
            (name, mask, finder) for name, finders in made.items() for mask, finder in finders.items()
        )
        """Kind, mask and finder, those first whose mask wins."""
        if not self.finders:
            raise InputError("nothing to look for; name needs --names FILE, pattern needs --pattern REGEX")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds that are looked for."""
        return tuple(dict.fromkeys(kind for kind, _, _ in self.finders))

    def mask(self, text: str) -> Masked:
        """Mask everything in `text` that was asked for.

        What overlaps becomes one, so that no part of anything stays; the first kind gives the mask.
        """
        passage = Passage(text, fold(text))
        found = []
        for rank, (kind, _, finder) in enumerate(self.finders):
            found += [(start, end, rank) for start, end in _search(finder, kind, passage)]
        edits, counts = [], Counter[str]()
        for start, end, rank in _merge(found):
            kind, mask, _ = self.finders[rank]
            edits.append(Edit(start, end, mask))
            counts[kind] += 1
        return Masked(_apply(text, edits), tuple(edits), counts)


def _asked(name: str, config: ScrubConfig) -> bool:
    given = (name == "name" and config.names is not None) or (name == "pattern" and bool(config.patterns))
    return not config.kinds or name in config.kinds or given


def _search(finder: Finder, kind: str, passage: Passage) -> list[tuple[int, int]]:
    try:
        return list(finder(passage))
    except Exception as error:  # noqa: BLE001 - whatever a library raises may quote the value that it met
        raise SearchError(f"{type(error).__name__} while looking for {kind}") from None


def _merge(found: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Unite overlapping ranges under the lowest rank among them."""
    merged: list[tuple[int, int, int]] = []
    for start, end, rank in sorted(found):
        if merged and start < merged[-1][1]:
            first, last, before = merged[-1]
            merged[-1] = (first, max(last, end), min(before, rank))
        else:
            merged.append((start, end, rank))
    return merged


def _apply(text: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.mask]
        at = edit.end
    return "".join([*parts, text[at:]])


def shift_spans(spans: Sequence[Mapping[str, Any]], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Move spans to the masked text; one that reaches into a mask covers all of it.

    Where spans that were apart meet in one mask, the first takes in the others.

    Args:
        spans: Each with integer `start` and `end` in the text before; other keys are kept.
        edits: What `Masker.mask` did.
    """
    shifted: list[dict[str, Any]] = []
    end_before = 0
    for span in sorted(spans, key=lambda span: (span["start"], span["end"])):
        start, end = _moved(span["start"], edits, at_end=False), _moved(span["end"], edits, at_end=True)
        if shifted and span["start"] >= end_before and start < shifted[-1]["end"]:
            shifted[-1]["end"] = max(shifted[-1]["end"], end)
        else:
            shifted.append({**span, "start": start, "end": end})
        end_before = max(end_before, span["end"])
    return shifted


def _moved(position: int, edits: Sequence[Edit], *, at_end: bool) -> int:
    """Return where `position` went; inside a mask, its beginning or its end."""
    delta = 0
    for edit in edits:
        if position >= edit.end:
            delta += len(edit.mask) - (edit.end - edit.start)
        elif position > edit.start:
            return edit.start + delta + (len(edit.mask) if at_end else 0)
    return position + delta
