"""Inline SVG that takes its colors and font from the page around it, in light and dark alike."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge_benchmarks.report.page import Tone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib must be given real colors; each stands for a color of the page and is replaced by its name in the SVG.
INK, _SOFT, _LINE = "#010203", "#010204", "#010205"
"""Text and marks; secondary text; lines and the grid."""
SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215")
"""Colors that tell series apart."""
TONES: dict[Tone, str] = {"good": "#010221", "bad": "#010222", "unsure": "#010223", "plain": _SOFT}
_PAGE_COLORS = (
    {INK: "currentColor", _SOFT: "var(--soft)", _LINE: "var(--line)"}
    | {color: f"var(--series-{index + 1})" for index, color in enumerate(SERIES)}
    | {color: f"var(--{tone})" for tone, color in TONES.items() if tone != "plain"}
)

WIDTH = 4.6
"""Inches. A figure is about 460 pixels wide beside another one, and 350 on a phone: letters of 8.5 points suit both."""


def inline_figure(draw: Callable[[Axes], None], height: float) -> str:
    """Draw on fresh axes and return an SVG element without size, so that the page decides.

    Args:
        draw: Draws with `INK` and `SERIES`, which the page turns into its own colors, and with no other color.
        height: Inches, for a width of `WIDTH`.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "edge",
        "font.family": "sans-serif",
        "font.size": 8.5,
        "text.color": INK,
        "axes.labelcolor": _SOFT,
        "axes.edgecolor": _LINE,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": _LINE,
        "grid.linewidth": 0.6,
        "xtick.color": _LINE,
        "ytick.color": _LINE,
        "xtick.labelcolor": _SOFT,
        "ytick.labelcolor": _SOFT,
    }
    with rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return _inline(buffer.getvalue())


def _inline(svg: str) -> str:
    """Make a whole SVG file an element of a page: no prolog, no fixed size, the page's colors, names of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1
    )
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    for color, name in _PAGE_COLORS.items():
        svg = svg.replace(color, name)
    svg = re.sub(r"font: [^;]*?([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", svg)
    # Several figures share a page, so their names must differ.
    prefix = hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-")
    return svg.strip()
