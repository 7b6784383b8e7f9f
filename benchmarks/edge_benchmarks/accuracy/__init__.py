"""The one accuracy: collect the answers of several models, summarize them, and judge a drop.

| file | what |
|---|---|
| `answers.py` | one pass over the items, all models on the same batches |
| `loaded.py` | the same for the loaded variants of a bundle |
| `summary.py` | one model: its interval, the table of classes, the confusion matrix |
| `paired.py` | what a candidate lost and won on the same items, and how much of that may be luck |
| `macro_f1.py` | the same for macro F1 |
| `spans.py` | entities of texts: which are right, and their F1 |
| `neighbors.py` | embeddings: whose nearest neighbors they make |
| `verdict.py` | a candidate against its baseline, and what to expect of another set |
| `classes.py` | the same for each class, corrected for their number |
"""

from __future__ import annotations

from edge_benchmarks.accuracy.answers import (
    AGREEMENT,
    ALL_SPANS,
    NEIGHBOR,
    TOP1,
    Answers,
    Label,
    Predictor,
    collect_answers,
    predicted,
)
from edge_benchmarks.accuracy.classes import ClassVerdict, judge_classes
from edge_benchmarks.accuracy.loaded import ask_models
from edge_benchmarks.accuracy.spans import NO_WORD, OUTSIDE, Span, f1, span_tags, stack_words, tagging
from edge_benchmarks.accuracy.summary import AccuracySummary, ClassAccuracy, summarize
from edge_benchmarks.accuracy.verdict import MACRO_F1, Metric, expect_bound, judge_accuracy

__all__ = [
    "AGREEMENT",
    "ALL_SPANS",
    "MACRO_F1",
    "NEIGHBOR",
    "NO_WORD",
    "OUTSIDE",
    "TOP1",
    "AccuracySummary",
    "Answers",
    "ClassAccuracy",
    "ClassVerdict",
    "Label",
    "Metric",
    "Predictor",
    "Span",
    "ask_models",
    "collect_answers",
    "expect_bound",
    "f1",
    "judge_accuracy",
    "judge_classes",
    "predicted",
    "span_tags",
    "stack_words",
    "summarize",
    "tagging",
]
