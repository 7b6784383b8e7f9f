"""Which spans are right, counted as seqeval counts, and what a drop of their F1 may be."""

import numpy as np
import pytest

from edge_benchmarks.accuracy import NO_WORD, Answers, Span, judge_accuracy, span_tags, summarize
from edge_benchmarks.accuracy.spans import f1_interval, span_codes
from edge_runtime.errors import InputError

TAGS = ("B-a", "B-b", "I-a", "I-b", "O")


def _tags(*rows: str) -> np.ndarray:
    """`.` is O, capitals begin, small letters go on, a blank is no word."""
    of = {"A": 0, "B": 1, "a": 2, "b": 3, ".": 4, " ": NO_WORD}
    return np.array([[of[letter] for letter in row] for row in rows], dtype=np.int64)


def _logits(*rows: str) -> np.ndarray:
    return np.eye(len(TAGS), dtype=np.float32)[_tags(*rows)]


def test_spans_are_right_with_kind_and_both_ends() -> None:
    truth, said = _tags("AaB.", "Aaa ", "... "), _logits("AaB.", "Aa..", ".A..")
    summary = summarize(truth, said, TAGS)
    assert [(row.label, row.support) for row in summary.per_class] == [("a", 2), ("b", 1)]
    first, second = summary.per_class
    assert (first.precision, first.recall, first.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5)) and second.f1 == 1
    assert summary.span_f1 is not None and summary.span_f1.estimate == pytest.approx(2 * 2 / (4 + 3))
    assert summary.macro_f1 == pytest.approx(0.7) and summary.top1.estimate == pytest.approx(1 / 3)
    assert summary.confusion.sum() == 4 + 3 + 3 and summary.confusion[TAGS.index("I-a"), TAGS.index("O")] == 1


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Aa", "aa", True),
        ("Aa", "AA", False),
        ("Aab", "AaB", True),
        (".a", ".A", True),
        ("ab", "Ab", True),
        ("A.", "A ", True),
    ],
)
def test_two_rows_of_tags_are_alike_where_their_spans_are(one: str, other: str, alike: bool) -> None:
    assert (span_codes(_tags(one), TAGS) == span_codes(_tags(other), TAGS)).all() == alike


def test_spans_that_no_word_can_say_are_words_of_their_own() -> None:
    words = [(0, 2), (3, 5), (6, 9)]
    found, missed = span_tags([Span(0, 5, "a"), Span(6, 8, "b"), Span(20, 22, "a")], words, TAGS)
    assert [TAGS[tag] for tag in found] == ["B-a", "I-a", "O"]
    assert [TAGS[tag] for tag in missed] == ["O", "B-b", "O", "B-a"]
    with pytest.raises(InputError, match="spans of 'c': the model has no such tag"):
        span_tags([Span(0, 2, "c")], words, TAGS)


def test_the_verdict_is_on_texts_and_f1_stands_beside_it() -> None:
    n = 400
    right, wrong = ["A.Bb"] * n, ["A.Bb"] * (n - 4) + ["A..."] * 4
    answers = Answers(_tags(*right), {"was": _logits(*right), "now": _logits(*wrong)}, [], tags=TAGS)
    assert answers.changed("now", "was").tolist() == [n - 4, n - 3, n - 2, n - 1]
    verdict = judge_accuracy(answers, "was", "now", max_drop=0.05)
    assert verdict.verdict.value == "pass" and verdict.worse == 4 and verdict.drop == pytest.approx(0.01)
    assert verdict.measure == "all spans right" and verdict.span_f1_drop is not None
    drop = verdict.span_f1_drop
    assert (
        drop.estimate == pytest.approx(1 - 2 * 796 / (800 + 796)) and 0 <= drop.low < drop.estimate < drop.high < 0.01
    )
    judged = judge_accuracy(answers, "was", "now", max_drop=0.05, metric="macro-f1")
    assert judged.drop == pytest.approx((1 - 2 * 396 / (400 + 396)) / 2)


def test_groups_widen_the_interval() -> None:
    counts = np.array([[1, 1, 1]] * 50 + [[0, 1, 1]] * 50)
    alone = f1_interval(counts, np.arange(100))
    grouped = f1_interval(counts, np.repeat(np.arange(10), 10))
    assert alone.estimate == grouped.estimate == 0.5
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
