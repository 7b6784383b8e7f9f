"""Masks files of plain text."""

from collections.abc import Callable
from pathlib import Path

from edge_pipeline.scrubbing.masking import Masker
from edge_pipeline.scrubbing.reading import chunks
from edge_pipeline.scrubbing.tally import Tally


def scrub_text(
    file: Path, write: Callable[[str], None], masker: Masker, columns: tuple[str, ...], tally: Tally
) -> None:
    """Copy a text with what was found masked; a file is one item, and what is found counts under `(text files)`.

    Raises:
        InputError: it is not UTF-8.
    """
    changed = False
    for chunk in chunks(file):
        masked = tally.mask(masker, "(text files)", chunk)
        changed = changed or bool(masked.edits)
        write(masked.text)
    tally.item(changed=changed)
