"""One pass over the samples, the summary against scikit-learn's, and the three verdicts."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from edge_benchmarks.accuracy import Answers, collect_answers, judge_accuracy, summarize
from edge_benchmarks.verdicts import Accuracy
from edge_runtime.errors import InputError

NAMES = ("ant", "bee", "cat", "dog")


def random_answers(n: int, multilabel: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    logits = rng.standard_normal((n, 4)).astype(np.float32)
    if multilabel:
        return logits + rng.standard_normal((n, 4)) > 0, logits
    return rng.integers(0, 4, n), logits


def test_all_models_see_the_same_batches_and_no_image_is_kept():
    alive: list[int] = []
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def samples():
        for index in range(10):
            alive.append(index)
            yield f"{index}.png", index % 4

    def predictor(name):
        def predict(batch):
            # The generator is never more than one batch ahead of the models.
            shapes.append((name, (batch.shape[0], len(alive))))
            return batch[:, :4]

        return predict

    answers = collect_answers(
        {"a": predictor("a"), "b": predictor("b")},
        lambda path: np.full(4, int(path.split(".")[0]), np.float32),
        samples(),
        batch_size=4,
    )
    assert shapes == [(m, s) for s in [(4, 4), (4, 8), (2, 10)] for m in ("a", "b")]
    assert answers.inputs == [f"{index}.png" for index in range(10)]
    assert answers.labels.tolist() == [index % 4 for index in range(10)]
    assert answers.logits["b"][:, 0].tolist() == list(range(10))


def test_the_summary_agrees_with_scikit_learn():
    labels, logits = random_answers(500)
    summary = summarize(labels, logits, NAMES)
    expected = precision_recall_fscore_support(labels, logits.argmax(axis=1), labels=range(4))
    got = [(row.precision, row.recall, row.f1, row.support) for row in summary.per_class]
    assert np.allclose(np.asarray(got).T, expected)
    assert summary.macro_f1 == pytest.approx(f1_score(labels, logits.argmax(axis=1), average="macro"))
    assert summary.confusion.sum() == 500
    assert summary.top1.low < summary.top1.estimate == (logits.argmax(axis=1) == labels).mean() < summary.top1.high


def test_a_multilabel_item_is_right_when_its_whole_set_is():
    labels, logits = random_answers(300, multilabel=True)
    summary = summarize(labels, logits, NAMES)
    assert summary.top1.estimate == ((logits > 0) == labels).all(axis=1).mean()
    assert summary.macro_f1 == pytest.approx(f1_score(labels, logits > 0, average="macro"))
    assert summary.confusion.shape == (4, 2, 2)
    assert summary.confusion[:, 1, 1].tolist() == ((logits > 0) & labels).sum(axis=0).tolist()


def test_tuples_of_labels_become_a_table_of_truth():
    samples = [(np.zeros(3, np.float32), (0, 2)), (np.zeros(3, np.float32), ())]
    answers = collect_answers({"m": lambda batch: batch}, lambda item: item, samples, multilabel=True)
    assert answers.labels.tolist() == [[True, False, True], [False, False, False]]
    assert answers.right("m").tolist() == [False, True]
    assert answers.inputs == [None, None]


def test_a_class_without_items_or_answers_does_not_lower_macro_f1():
    logits = np.eye(4, dtype=np.float32)[[0, 1, 0, 1]]
    assert summarize(np.array([0, 1, 0, 1]), logits, NAMES).macro_f1 == 1.0


def answers_with(n: int, worse: int, better: int) -> Answers:
    labels = np.zeros(n, np.int64)
    right, wrong = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    baseline, candidate = np.tile(right, (n, 1)), np.tile(right, (n, 1))
    candidate[:worse] = wrong
    baseline[worse : worse + better] = wrong
    return Answers(labels, {"cpu-fp32": baseline, "cpu-int8": candidate}, [None] * n)


@pytest.mark.parametrize(
    ("n", "worse", "better", "verdict"),
    [
        (1_500, 3, 2, Accuracy.PASS),
        (1_500, 60, 2, Accuracy.FAIL),
        (200, 1, 1, Accuracy.INCONCLUSIVE),
        (298, 0, 0, Accuracy.INCONCLUSIVE),
        (299, 0, 0, Accuracy.PASS),
    ],
)
def test_the_verdict_follows_the_bound(n, worse, better, verdict):
    judged = judge_accuracy(answers_with(n, worse, better), max_drop=0.01)
    assert judged.verdict is verdict
    assert (judged.worse, judged.better, judged.changed) == (worse, better, worse + better)
    assert judged.drop == pytest.approx((worse - better) / n)
    assert (judged.items_to_decide is not None) == (verdict is Accuracy.INCONCLUSIVE)


def test_a_changed_wrong_answer_counts_as_changed_but_not_as_worse():
    logits = {"cpu-fp32": np.array([[0, 1, 0]], np.float32), "cpu-int8": np.array([[0, 0, 1]], np.float32)}
    judged = judge_accuracy(Answers(np.array([0]), logits, [None]))
    assert (judged.changed, judged.worse, judged.better) == (1, 0, 0)


def test_wrong_inputs_are_named():
    with pytest.raises(InputError, match="0 samples"):
        collect_answers({"m": lambda batch: batch}, lambda item: item, [])
    with pytest.raises(InputError, match="labels 0 to 7 for 3 classes"):
        collect_answers({"m": lambda b: b}, lambda x: x, [(np.zeros(3, np.float32), label) for label in (0, 7)])
    with pytest.raises(InputError, match="no answers of 'cpu-int4'"):
        judge_accuracy(answers_with(5, 0, 0), candidate="cpu-int4")
