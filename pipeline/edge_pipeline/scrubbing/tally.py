"""Counts what was found while a data set goes through: numbers by column and kind, never a value."""

from collections import Counter
from dataclasses import dataclass, field

from edge_pipeline.scrubbing.masking import Masked, Masker

KEPT_COLUMNS = frozenset(("label", "labels", "split", "group", "spans", "tags"))
"""Columns and keys that are left as they are unless `--text` names them: they say what a text is."""


@dataclass
class Tally:
    """What has been seen so far."""

    items: int = 0
    """Rows, lines or text files."""
    changed: int = 0
    """Items in which something was masked."""
    columns: dict[str, Counter[str]] = field(default_factory=dict)
    """Column or key to kind to how often it was found."""
    merged_spans: int = 0
    """Entities that were taken in by another one in the same mask."""

    def mask(self, masker: Masker, column: str, text: str) -> Masked:
        """Mask a text of `column` and count what was found."""
        masked = masker.mask(text)
        if masked.counts:
            self.columns.setdefault(column, Counter()).update(masked.counts)
        return masked

    def item(self, *, changed: bool) -> None:
        """Count one item."""
        self.items += 1
        self.changed += changed
