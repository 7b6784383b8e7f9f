"""The gate's own figures: how often it cries wolf, and what it finds."""

from interface import Measure

from gate import rates

FIGURES: dict[str, Measure] = {"error-rates": rates.measure}
"""Name on the command line, and what measures it."""
