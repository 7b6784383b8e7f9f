"""The one implementation of the text contract: from a text to token numbers, equal to transformers' id for id."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from edge_runtime.errors import BundleError, EdgeError, InputError, MachineError
from edge_runtime.preprocessing.interface import Join, Run, at_place
from edge_runtime.preprocessing.text import TextPreprocessing
from edge_runtime.session import first_line
from edge_runtime.text.windows import windows_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TextPreprocessor", "Words", "describe"]

CHUNK = 1024
"""Texts of a list that are sorted by length together, so that memory does not grow with the list."""
WINDOWS = 8
"""Of one text that run at once."""
ALIKE = 1.35
"""Most tokens of a batch's longest text for one of its shortest. On a CPU padding costs more than more batches: lists
of 8 to 300 questions and messages took 0.58 to 0.97 times as long as cut by number alone."""
MAX_CHARACTERS = 1 << 22
"""Of one text: tokenizers takes 250 bytes for each."""
_Ids: TypeAlias = "npt.NDArray[np.int64]"


class Words(NamedTuple):
    """The words of a text's tokens, special tokens left out."""

    text: str
    first: tuple[int, ...]
    """Place of each word's first token in the row."""
    spans: tuple[tuple[int, int], ...]
    """Each word's characters, from and to, with the combining marks that follow."""


class TextPreprocessor:
    """Executes one contract; reads its tokenizer once. Safe to call from many threads."""

    contract: TextPreprocessing

    def __init__(self, contract: TextPreprocessing, tokenizer: bytes) -> None:
        digest = hashlib.sha256(tokenizer).hexdigest()
        if digest != contract.tokenizer_sha256:
            raise BundleError(f"{contract.tokenizer}: SHA-256 {digest}, the contract says {contract.tokenizer_sha256}")
        self.contract = contract
        self._tokenizer = read_tokenizer(tokenizer, contract.tokenizer)
        self._tokenizer.no_padding()
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = {number: token.content for number, token in added.items() if token.special}
        self._tokenizer.no_truncation()
        self._edges = 0, 0
        if contract.truncation == "end":
            self._tokenizer.enable_truncation(contract.max_length)
        elif contract.truncation == "window":
            special = self._encode("a").special_tokens_mask
            if not sum(special) < min(len(special), contract.max_length):
                raise BundleError(f"{contract.tokenizer}: windows of {contract.max_length} tokens hold no text")
            self._edges = special.index(0), special[::-1].index(0)

    def decode(self, x: Any, *, color: str | None = None) -> str:
        """Return an input as a text: `str` as it is, bytes and the file at a `pathlib.Path` from UTF-8."""
        if color is not None:
            raise InputError(f"color={color!r} is for images; leave it out")
        if isinstance(x, os.PathLike):
            x = _read(x)
        try:
            if isinstance(x, (bytes, bytearray, memoryview)):
                x = str(x, "utf-8-sig")
            elif isinstance(x, str):
                x.encode()  # a lone surrogate is no text, and no tokenizer takes it
        except UnicodeError as error:
            raise InputError(f"{describe(x)}: not UTF-8 text ({error.reason} at {error.start})") from error  # type: ignore[attr-defined]
        if not isinstance(x, str):
            raise InputError(f"{describe(x)}: cannot be a text; give a str, UTF-8 bytes or a pathlib.Path")
        if len(x) > MAX_CHARACTERS:
            raise InputError(f"{describe(x)}: at most {MAX_CHARACTERS:,} are read; split it")
        return x

    def preprocess(self, plain: str) -> _Ids:
        """Return the text's token numbers, `(length,)` int64."""
        return self._ids(self._encode(plain).ids, plain)

    def trace(self, plain: str) -> Words:
        """Return the words of a text's tokens."""
        made = self._encode(plain)
        found: dict[int, tuple[int, int, int]] = {}
        for at, (word, number, (start, end)) in enumerate(zip(made.word_ids, made.ids, made.offsets, strict=True)):
            if word in found:
                found[word] = (*found[word][:2], end)
            elif word is not None and self._special.get(number) != plain[start:end] and number != self.contract.pad_id:
                found[word] = at, start, end
        kept, bound = [], len(plain)
        for at, start, end in reversed(found.values()):
            span = _trim(plain, start, end, bound)
            if span[0] < span[1]:  # a blank can be a word
                kept.append((at, span))
            bound = start
        kept.reverse()
        return Words(plain, tuple(at for at, _ in kept), tuple(span for _, span in kept))

    def _encode(self, plain: str) -> Any:
        try:
            return self._tokenizer.encode(plain)
        except BaseException as error:  # whose message may show the text
            raise _failed(error, f"{self.contract.tokenizer}: tokenizers fails on {describe(plain)}") from error

    def __call__(self, x: Any, color: str | None = None) -> _Ids:
        """Decode and preprocess one input."""
        return self.preprocess(self.decode(x, color=color))

    def _ids(self, ids: list[int], plain: str) -> _Ids:
        if not 0 < len(ids) <= self.contract.longest:
            raise InputError(
                f"{describe(plain)}: {len(ids)} tokens, 1 to {self.contract.longest} are expected; split it"
            )
        return np.array(ids, dtype=np.int64)

    def batches(
        self, items: Sequence[Any], color: str | None, size: int, alike: bool = True
    ) -> Iterator[tuple[Sequence[int], _Ids]]:
        """Yield batches of texts of like length, each with its texts' places in the list."""
        for start in range(0, len(items), CHUNK):
            rows = self._rows(items[start : start + CHUNK], color, start)
            order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
            while order:
                most = ALIKE * len(rows[order[0]])
                places = [at for at in order[:size] if not alike or len(rows[at]) <= most]
                del order[: len(places)]
                yield [start + at for at in places], self.stack([rows[at] for at in places])

    def _rows(self, items: Sequence[Any], color: str | None, start: int) -> list[_Ids]:
        rows = []
        for at, item in enumerate(items, start):
            try:
                rows.append(self(item, color))
            except EdgeError as error:
                raise at_place(error, at) from error
        return rows

    def stack(self, tensors: Sequence[_Ids]) -> _Ids:
        """Pad rows on the right to the longest of them."""
        batch = np.full((len(tensors), max(map(len, tensors))), self.contract.pad_id, dtype=np.int64)
        for row, ids in zip(batch, tensors, strict=True):
            row[: len(ids)] = ids
        return batch

    def check(self, batch: npt.NDArray[Any]) -> _Ids:
        """Return `(n, length)` token numbers without the columns in which every row has padding."""
        contract = self.contract
        if batch.ndim != 2 or not batch.size or batch.dtype.kind not in "iu":
            raise InputError(f"batch {batch.shape} {batch.dtype}: (n, length) whole numbers with n >= 1 are expected")
        if batch.min() < 0 or batch.max() >= contract.vocabulary:
            raise InputError(f"token numbers {batch.min()} to {batch.max()}: 0 to {contract.vocabulary - 1} are known")
        used = np.flatnonzero((batch != contract.pad_id).any(axis=0))
        length = int(used[-1]) + 1 if len(used) else 1
        if length > contract.longest:
            raise InputError(f"{length} tokens: at most {contract.longest} are expected")
        return batch[:, :length].astype(np.int64, copy=False)

    def rows(self, tensor: _Ids) -> Sequence[_Ids]:
        """Return what the model sees of one text: its tokens, or windows of them."""
        return list(windows_of(tensor, self.contract.max_length, self._edges).rows)

    def ask(self, batch: _Ids, run: Run, join: Join) -> npt.NDArray[np.float32]:
        """Run a checked batch; of texts longer than the model each by itself, in windows."""
        size, length = self.contract.max_length, batch.shape[1]
        if length <= size:
            return run(batch)
        answers = []
        for padded in batch:
            used = np.flatnonzero(padded != self.contract.pad_id)
            row = padded[: used[-1] + 1 if len(used) else 1]
            rows, owner = windows_of(row, size, self._edges)
            parts = np.concatenate([run(rows[at : at + WINDOWS]) for at in range(0, len(rows), WINDOWS)])
            answer = join(parts, owner)
            answers.append(np.pad(answer, ((0, length - len(row)), (0, 0))) if answer.ndim == 2 else answer)
        return np.stack(answers)


def read_tokenizer(data: bytes, name: str) -> Any:
    """Return the `tokenizers.Tokenizer` of a tokenizer file's bytes.

    Raises:
        MachineError: the package is missing.
        BundleError: it cannot read the file.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MachineError('texts need the tokenizers package; run: pip install "edge-runtime[text]"') from error
    try:
        return Tokenizer.from_str(data.decode())
    except BaseException as error:
        raise _failed(error, f"{name}: tokenizers cannot read it ({first_line(error)[:200]})") from error


def _failed(error: BaseException, told: str) -> BundleError:
    """Take in plain Exceptions, and Rust's panics, which are none."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    return BundleError(f"{told}; upgrade tokenizers or export again")


def _trim(text: str, start: int, end: int, bound: int) -> tuple[int, int]:
    """Leave blanks out that a tokenizer counts to its words, and take the marks in that it dropped."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    while start < end < bound and unicodedata.category(text[end])[0] == "M":
        end += 1
    return start, end


def describe(x: Any) -> str:
    """Name an input in an error without showing what it says."""
    if isinstance(x, str):
        return f"text of {len(x):,} characters"
    return f"{len(x):,} bytes" if isinstance(x, (bytes, bytearray, memoryview)) else type(x).__name__


def _read(path: os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{os.fspath(path)}: cannot be read ({error.strerror}); give a text file") from error
