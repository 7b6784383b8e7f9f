"""A small BERT and a WordPiece vocabulary of its own, for languages that have no encoder: `--model scratch`."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edge_export.text_networks import Pooling, import_transformers, text_contract
from edge_pipeline.models.encoders import Encoder, make_encoder
from edge_pipeline.models.weights import WeightsSource
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer  # pyright: ignore[reportMissingImports] - an extra

SCRATCH = "scratch"
"""The name of a model that means this."""
VOCABULARY = 8000
"""Most words and parts of words: a large vocabulary learns little of its rare members from small data."""
ALPHABET = 6000
"""Most different characters: more than Chinese texts commonly use."""
FEWEST = 2
"""Times that a word part occurs at least."""
SHAPE = {"hidden_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 768}
"""About 1.4 million parameters besides the vocabulary: minutes on two cores for 10,000 texts."""
POSITIONS = 512
GOES_ON = "##"
"""What WordPiece puts before a part that begins no word."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""As BERT calls them, the padding first; `SPECIAL.index` is their number."""


def scratch_encoder(
    texts: Sequence[str],
    labels: Sequence[str],
    max_length: int | None,
    *,
    task: str,
    pooling: Pooling | None = None,
) -> Encoder:
    """Make an untrained encoder whose vocabulary comes from `texts`.

    Args:
        texts: Of the train split alone: what is in val and test must stay unseen.
        labels: Class names.
        max_length: Most tokens of a text; None for 128.
        task: Decides the head.
        pooling: How tokens become a text; None for `mean`: the first token has learned nothing yet.

    Raises:
        InputError: the texts hold no word twice.
        MachineError: transformers is missing.
    """
    transformers = import_transformers()
    tokenizer = train_tokenizer(texts)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=POSITIONS, **names)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=POSITIONS, pad_token_id=0, **SHAPE
    )
    contract, content = text_contract(f"--model {SCRATCH}", fast, config, max_length)
    bare: Any = transformers.BertModel(config, add_pooling_layer=False)
    source = WeightsSource("none", notes=(f"vocabulary of the train split: {contract.vocabulary:,} word parts",))
    return make_encoder(bare, labels, (contract, content), source, task=task, pooling=pooling or "mean")


def train_tokenizer(texts: Sequence[str]) -> "Tokenizer":
    """Return a WordPiece tokenizer trained on `texts`, in any script; equal texts give equal bytes.

    Chinese and Japanese characters are words of their own, case is folded, accents and vowel signs stay.

    tokenizers' trainer of WordPiece numbers the parts in the order of a hash table, and with them its ties: two runs
    give two vocabularies. Its trainer of byte pairs does not, and is what the other one is made of, so the merges come
    from that, and the words it takes apart say which parts begin a word and which go on.

    Raises:
        InputError: the texts hold no word twice.
    """
    from tokenizers import models, processors, trainers  # pyright: ignore[reportMissingImports] - an extra

    pairs = _tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=FEWEST, limit_alphabet=ALPHABET, show_progress=False
    )
    pairs.train_from_iterator(texts, trainer)
    counts = _parts(pairs, texts)
    known = sorted((part for part, count in counts.items() if count >= FEWEST), key=lambda part: (-counts[part], part))
    if not known:
        raise InputError(f"--model {SCRATCH}: the texts of train hold no word twice, so no vocabulary; give more texts")
    vocabulary = {part: at for at, part in enumerate([*SPECIAL, *known][:VOCABULARY])}
    tokenizer = _tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _tokenizer(model: Any) -> "Tokenizer":
    from tokenizers import Tokenizer, normalizers, pre_tokenizers  # pyright: ignore[reportMissingImports] - an extra

    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _parts(pairs: "Tokenizer", texts: Sequence[str]) -> Counter[str]:
    """Count word parts as WordPiece writes them, and their characters, without which a rare word would be unknown."""
    counts: Counter[str] = Counter()
    for encoding in pairs.encode_batch(list(texts)):
        word: int | None = None
        for token, of in zip(encoding.tokens, encoding.word_ids, strict=True):
            begin = "" if of != word else GOES_ON
            counts[begin + token] += 1
            if len(token) > 1:
                counts[begin + token[0]] += 1
                counts.update(GOES_ON + letter for letter in token[1:])
            word = of
    return counts
