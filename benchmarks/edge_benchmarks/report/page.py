"""One self-contained HTML page from titles, tables, figures and pictures; every report is made with it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

Tone = Literal["good", "bad", "unsure", "plain"]
"""What a reader should make of it; each has a color and a sign, so that nothing hangs on color alone."""

SIGNS: dict[str, str] = {"good": "\N{CHECK MARK}", "bad": "\N{MULTIPLICATION X}", "unsure": "?", "plain": ""}


@dataclass(frozen=True)
class Headline:
    """What a reader should see within three seconds."""

    figure: str
    """The one number or word, such as `2.1x faster`."""
    text: str
    """The sentence that says what the figure is of."""
    tone: Tone = "plain"
    proof: str = ""
    """Whether it is proven, such as `proven: the 95 % interval is 2.0x to 2.2x`."""

    @property
    def sign(self) -> str:
        """The tone's sign."""
        return SIGNS[self.tone]


@dataclass(frozen=True)
class Cell:
    """A table cell with a meaning or a second line."""

    text: str
    detail: str = ""
    """Small print under the text, such as an interval."""
    tone: Tone = "plain"

    @property
    def sign(self) -> str:
        """The tone's sign."""
        return SIGNS[self.tone]


@dataclass(frozen=True)
class Table:
    """Rows under column heads; the first column names the row, the others are set as numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""
    kind: str = field(default="table", init=False)

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows with every plain string made a cell."""
        return [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """A plot of `edge_benchmarks.report.plots`."""

    svg: str
    caption: str
    """What it shows and how to read it; also what a screen reader says."""
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Tile:
    """A number with its name."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Tiles:
    """A row of the most important numbers."""

    tiles: Sequence[Tile]
    kind: str = field(default="tiles", init=False)


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = "plain"
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Picture:
    """An image with what the models said about it."""

    data: bytes
    """The encoded file; scale it down first, since it is embedded."""
    caption: str
    mime: str = "image/png"

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True)
class Pictures:
    """A gallery."""

    pictures: Sequence[Picture]
    kind: str = field(default="pictures", init=False)


Block = Table | Figure | Tiles | Text | Pictures


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]
    folded: bool = False
    """Closed until the reader opens it: for what is needed seldom."""


def render_page(
    title: str, sections: Sequence[Section], *, headline: Headline | None = None, subtitle: str = "", footer: str = ""
) -> str:
    """Return one HTML page that needs no network, reads on a phone and follows the reader's dark scheme.

    Every string is escaped; only a figure's SVG is taken as markup.

    Args:
        title: Of the page and its first heading.
        sections: From top to bottom.
        headline: The result, set large above all sections.
        subtitle: One line under the title, such as what was measured and where.
        footer: One line at the end, such as versions.
    """
    template = _environment().get_template("page.html.jinja")
    return template.render(title=title, sections=sections, headline=headline, subtitle=subtitle, footer=footer)


@cache
def _environment() -> Environment:
    loader = PackageLoader("edge_benchmarks.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # Neighboring figures stand side by side where the screen is wide enough.
    environment.filters["runs"] = lambda blocks: [
        (kind, list(run)) for kind, run in groupby(blocks, key=lambda block: block.kind)
    ]
    return environment
