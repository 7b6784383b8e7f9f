"""The bench's figures: it tells what a bare loop tells, calls no clean run invalid, and fits into one small page."""

from interface import Measure

from bench import agreement, page, validity

FIGURES: dict[str, Measure] = {
    "agreement": agreement.measure,
    "validity": validity.measure,
    "page": page.measure,
}
"""Name on the command line, and what measures it."""
