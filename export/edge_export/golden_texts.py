"""Golden texts: seeded and synthetic, with the scripts and oddities that tokenizers differ on."""

import numpy as np

WORDS = (
    "please send the order again we have not seen an answer since monday and nobody called back about the broken part "
    "what is a good way to reach you who pays for it when does the next one leave how many are there"
)

ODD = {
    "empty": "",
    "blank": " \t\u00a0\u3000\r\n",
    "accents": "Größe, naïve café, Ångström, e\u0301 and é, ﬁne ﬂow, İstanbul, ẞ",
    "scripts": "中文客户反馈很好。日本語も、한국어도. Привет, мир! नमस्ते สวัสดี",
    "right-to-left": "\u202eשלום עולם\u202c, مرحبا بالعالم 123",
    "emoji": "👍🏽 👨\u200d👩\u200d👧 🏳️\u200d🌈 :-) ☃",
    "symbols": "[CLS] [SEP] [PAD] <s> </s> ##a @home #tag $9.99 50% a_b-c/d\\e http://x.y/?q=1&r=2",
    "controls": "a\u0000b\u200bc\ufeffd\u2028e\ufffd",
}
"""Path stem to text: what has no seed."""


def golden_texts(seed: int = 0) -> dict[str, bytes]:
    """Write the texts: a short message, a longer one, one longer than any model takes, and the odd ones.

    Returns:
        Path in the bundle to the UTF-8 text.
    """
    generator = np.random.default_rng(seed)
    plain = {
        name: " ".join(generator.choice(WORDS.split(), count)) + "."
        for name, count in (("short", 8), ("medium", 60), ("long", 1200))
    }
    return {f"golden/{name}.txt": text.encode() for name, text in (plain | ODD).items()}
