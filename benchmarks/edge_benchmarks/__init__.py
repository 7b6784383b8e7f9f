"""Measures and judges: paired timing, accuracy, statistics, verdicts, environment and reports."""
