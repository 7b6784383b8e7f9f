"""How well `edge scrub` finds personal data: planted values, and what it masks in real texts."""

from interface import Measure

from privacy import planted, real

FIGURES: dict[str, Measure] = {"planted": planted.measure, "real": real.measure}
"""Name on the command line, and what measures it."""
