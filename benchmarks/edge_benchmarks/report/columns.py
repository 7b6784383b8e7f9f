"""Tables for a terminal of 80 columns that cut nothing: numbers stay whole, names wrap."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.table import Table
from rich.text import Text


def whole_table(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, title: str = "", names: Collection[int] = (0,)
) -> Table:
    """Return a table whose columns are as wide as their longest line, so that rich's ellipsis never cuts a number.

    Args:
        columns: Headings; a newline in one keeps its column narrow.
        rows: Cells; a newline starts the second line of a cell.
        title: Printed above, where there is one.
        names: Columns of words: set to the left, and the only ones that wrap where the terminal is too narrow.
    """
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    listed = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    for index, column in enumerate(columns):
        longest = max(_width(Text(column)), *(_width(row[index]) for row in listed), 1)
        is_name = index in names
        table.add_column(
            column, justify="left" if is_name else "right", overflow="fold", width=None if is_name else longest
        )
    for row in listed:
        table.add_row(*row)
    return table


def _width(text: Text) -> int:
    return max((line.cell_len for line in text.split("\n")), default=0)
