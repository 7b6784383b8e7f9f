"""A tiny BERT with its tokenizer, and messages that it learns in seconds."""

import csv
import random
from pathlib import Path

import pytest

WORDS = {
    "complaint": ("broken", "late", "wrong", "bad", "missing"),
    "order": ("send", "want", "buy", "need", "get"),
    "question": ("when", "where", "how", "who", "which"),
}
FILLER = ("the", "part", "it", "is", "my", "box", "two", "of", "größe", "中", "please", "?", ".")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an untrained encoder, as `save_pretrained` writes it."""
    transformers = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')
    folder = tmp_path_factory.mktemp("encoder")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *FILLER,
        *(word for group in WORDS.values() for word in group),
    ]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(str(vocabulary), model_max_length=48)
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128,
        max_position_embeddings=48, pad_token_id=0,
    )  # fmt: skip
    transformers.set_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of messages, split, whose kind one word tells."""
    chooser = random.Random(0)
    rows, seen = [], set()
    for split, count in (("train", 240), ("val", 60), ("test", 330)):
        done = 0
        while done < count:
            kind = sorted(WORDS)[done % 3]
            words = [chooser.choice(FILLER) for _ in range(chooser.randrange(2, 14))]
            words.insert(chooser.randrange(len(words) + 1), chooser.choice(WORDS[kind]))
            letters = "".join(words).replace(".", "").replace("?", "")
            if letters not in seen:
                seen.add(letters)
                rows.append((" ".join(words), kind, split))
                done += 1
    path = tmp_path_factory.mktemp("messages") / "messages.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label", "split"), *rows])
    return path
