"""What a training's report shows as the worst mistakes."""

import numpy as np

from edge_benchmarks.accuracy import NO_WORD
from edge_pipeline.training.report.mistakes import worst_tags

TAGS = ("B-x", "I-x", "O")


def test_of_each_text_the_wrong_tag_that_was_surest_is_shown() -> None:
    texts = ["it broke today", "fine", "two of them"]
    truth = np.array([[2, 0, 2, NO_WORD], [2, NO_WORD, NO_WORD, NO_WORD], [2, 2, 2, 0]])
    logits = np.zeros((3, 4, 3), np.float32)
    said = [[0, 0, 1, 1], [2, 1, 1, 1], [2, 2, 2, 2]]
    for (text, word), sure in {(0, 0): 1.0, (0, 1): 9.0, (0, 2): 3.0, (0, 3): 9.0, (2, 3): 2.0}.items():
        logits[text, word, said[text][word]] = sure
    logits[1, 0, 2] = logits[2, :3, 2] = 9.0

    def words(text: str) -> list[tuple[int, int]]:
        ends = [at for at, letter in enumerate(f"{text} ") if letter == " "]
        return list(zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True))

    first, second = worst_tags(texts, truth, logits, TAGS, words)
    assert first.caption.startswith("today: O, answered I-x (9") and first.item == texts[0]
    # The last tag of the third text is of a span that no word of it can say.
    assert second.caption.startswith("B-x, answered O (7") and second.item == texts[2]
    assert worst_tags(texts, truth, logits, TAGS, words, most=1) == [first]
