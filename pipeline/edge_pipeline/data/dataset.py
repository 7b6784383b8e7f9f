"""The values that opening a data set gives: splits to iterate over, and a report of what was found."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import Span

Target = int | tuple[int, ...] | tuple[Span, ...]
"""Index into the labels; a tuple of them, ascending and perhaps empty, where an image may have several labels; or the
spans of a text."""


@dataclass(frozen=True)
class Split:
    """The items of one split, sorted by path. Iterating gives `(path, target)` as often as needed and opens nothing."""

    root: Path
    files: tuple[str, ...]
    """Paths relative to `root` (or absolute, where a CSV says so)."""
    targets: tuple[Target, ...]
    groups: tuple[str, ...] | None
    """Recording, patient or machine of each item; None where the data has no groups."""
    fingerprint: str
    """SHA-256 over the items' content hashes and label names, whatever the files are called."""

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[tuple[Path, Target]]:
        for file, target in zip(self.files, self.targets, strict=True):
            yield self.root / file, target

    def __getitem__(self, index: int) -> tuple[Path, Target]:
        return self.root / self.files[index], self.targets[index]


@dataclass(frozen=True)
class TextSplit:
    """The texts of one split, in the order of their file. Iterating gives `(text, target)` as often as needed."""

    texts: tuple[str, ...]
    targets: tuple[Target, ...]
    groups: tuple[str, ...] | None
    """As `Split.groups`."""
    fingerprint: str
    """SHA-256 over the texts' hashes and label names, whatever their file is called."""

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[tuple[str, Target]]:
        yield from zip(self.texts, self.targets, strict=True)

    def __getitem__(self, index: int) -> tuple[str, Target]:
        return self.texts[index], self.targets[index]


@dataclass(frozen=True)
class Skipped:
    """A file that should be an image and cannot be read."""

    path: str
    reason: str


@dataclass(frozen=True)
class NearDuplicates:
    """Items of one split that look the same as an item of another."""

    split: str
    other: str
    count: int
    """Items of `split` that have a twin in `other`."""
    of: int
    """Items in `split`."""
    examples: tuple[tuple[str, str], ...]
    """First pairs, `(path in split, path in other)`."""


@dataclass(frozen=True)
class DataReport:
    """What was found on the way, for the user to read and for the run to keep."""

    counts: dict[str, dict[str, int]]
    """Split to label to number of items with it."""
    skipped: tuple[Skipped, ...]
    ignored: dict[str, int]
    """Kind of file that is no image to how many there are."""
    duplicates: int
    """Items whose content occurs before in the same split."""
    conflicts: tuple[tuple[str, ...], ...]
    """Items with the same content and different labels."""
    leaks: tuple[tuple[str, str], ...]
    """Pairs of items with the same content in two splits; only when they were allowed."""
    near_duplicates: tuple[NearDuplicates, ...]
    warnings: tuple[str, ...]
    """Everything above that someone should look at, one line each."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-ready dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class Dataset:
    """Labelled images or texts, checked and split."""

    path: Path
    """Absolute path of the folder or file."""
    labels: tuple[str, ...]
    """Class names sorted by code point, as torchvision's ImageFolder does, so that indices agree with models trained
    on the same folder elsewhere. Of texts with spans the tags that their words have."""
    splits: Mapping[str, Split | TextSplit]
    """`train` and `val` always; `test` unless the data's own splits lack it."""
    chosen_splits: tuple[str, ...]
    """Those whose items seed and groups chose, since the data does not say what is in them."""
    multilabel: bool
    options: dict[str, Any]
    """Keyword arguments of `open_dataset` that give this data set again."""
    report: DataReport
    noun: str = "images"
    """What the items are, in the plural."""
    tagged: bool = False
    """The items are texts with spans."""

    @property
    def kind(self) -> str:
        """The kind of input: `image` or `text`."""
        return self.noun.removesuffix("s")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Split name to its fingerprint."""
        return {name: split.fingerprint for name, split in self.splits.items()}


def describe(dataset: Dataset) -> list[str]:
    """Return the data set in a few lines: counts for each split, then the warnings."""
    lines = [f"{dataset.path}: {len(dataset.labels)} labels"]
    for name, split in dataset.splits.items():
        counts = dataset.report.counts[name].values()
        groups = f", {len(set(split.groups)):,} groups" if split.groups is not None else ""
        lines.append(f"{name}: {len(split):,} {dataset.noun}, {min(counts):,} to {max(counts):,} a label{groups}")
    if dataset.report.ignored:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in dataset.report.ignored.items())
        lines.append(f"passed over, no {dataset.noun}: {kinds}")
    return lines + [f"warning: {line}" for line in dataset.report.warnings]
