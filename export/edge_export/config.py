"""What `edge export` is asked for, what it is given, and how it ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol

from edge_export.capture.interface import SourceOptions
from edge_export.quantize.recipe import Recipe
from edge_export.targets import AUTO
from edge_runtime.errors import ExitCode, InputError

Sample = tuple[Any, Any]
"""An image's path or a text, and its label: a class index, for several labels an item a tuple of them, None where
nobody knows."""

Progress = Callable[[str], None]
"""Told the name of each stage as it begins."""


class Samples(Protocol):
    """A split: as long as it says, and walked as often as needed."""

    def __len__(self) -> int:
        """Count the items."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """Walk over the items; nothing is opened."""
        ...


@dataclass(frozen=True)
class ExportConfig:
    """The questions that the user answers."""

    quantize: Literal["none", "int8", "fp16"] = "none"
    max_drop: float = 0.01
    """Largest accuracy drop against the fp32 baseline that ships, as a share; its 95 % upper bound is held to it."""
    metric: Literal["accuracy", "macro-f1"] = "accuracy"
    """What must not drop by more than `max_drop`."""
    max_class_drop: float = 0.05
    """Largest drop of any class's recall, as a share; a class that surely loses more is a refusal."""
    protect: tuple[str, ...] = ()
    """Classes whose recall must be proven not to drop by more than `max_class_drop`."""
    fallback: Literal["none", "fp32"] = "none"
    """What ships when no candidate may."""
    provisional: bool = False
    """Ship the best inconclusive candidate, marked as such."""
    keep_fp32: bool = False
    """Put the fp32 baseline beside the candidate."""
    batchable: bool = False
    """Only int8 recipes whose answers do not depend on what else is in a batch."""
    compatible: bool = False
    """Add a twin that ONNX Runtime 1.22 loads, where the fastest graph needs a newer one."""
    runtimes: tuple[Path, ...] = ()
    """Pythons with other ONNX Runtimes, in which every variant is loaded and asked."""
    draft: bool = False
    """Let int8 see JPEGs that are decoded at reduced scale, where val allows it."""
    unknown_precision: float | None = 0.95
    """Share of right answers among accepted ones that the `unknown` threshold is chosen for; None leaves it out."""
    calibration_samples: int = 256
    target: str = AUTO
    """Where it will run: a name of `edge_export.targets.TARGETS`, or `auto` for this machine."""
    recipe: Recipe | None = None
    """The one recipe to make int8 by, instead of a search."""
    search_time: float = 180.0
    """Seconds that the search for the fastest provable recipe may take; 0 takes the best single recipe as it is."""
    min_int8_share: float = 0.0
    """Least share of the multiply-accumulates that must run in int8."""
    cache: Path | None = None
    """Directory in which measurements are kept, so that a killed search goes on; None keeps nothing."""
    timing_seconds: float = 12.0
    """How long the final interleaved timing takes."""
    seed: int = 0
    source: SourceOptions = field(default_factory=SourceOptions)
    """What the source does not say itself."""
    name: str = ""
    """The bundle's name; empty takes the target's."""
    version: str = "0"

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            InputError: a value is out of its range.
        """
        for name in ("max_drop", "max_class_drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"{name}={getattr(self, name)}: a share between 0 and 1 is expected; 0.01 is one point"
                )
        if self.unknown_precision is not None and not 0 <= self.unknown_precision <= 1:
            raise InputError(
                f"unknown_precision={self.unknown_precision}: a share between 0 and 1 is expected, or None"
            )
        if not 0 <= self.min_int8_share <= 1 or not self.search_time >= 0:
            raise InputError(
                f"min_int8_share={self.min_int8_share}, search_time={self.search_time}: "
                "a share between 0 and 1 and seconds that are not negative are expected"
            )
        if self.draft and (self.quantize != "int8" or self.keep_fp32 or self.compatible):
            raise InputError(
                f"draft with quantize={self.quantize!r}, keep_fp32={self.keep_fp32}, compatible={self.compatible}: it "
                "is judged with the int8 candidate and for it alone; ask for int8 without others beside it"
            )
        if self.batchable and self.recipe is not None and self.recipe.kind == "dynamic":
            raise InputError(
                f"batchable with recipe {self.recipe.name}: dynamic ranges are of all that is in a batch; "
                "take a recipe of kind 'fixed' or 'static'"
            )
        if self.calibration_samples < 1 or not self.timing_seconds > 0:
            raise InputError(
                f"calibration_samples={self.calibration_samples}, timing_seconds={self.timing_seconds}: "
                "both must be positive"
            )


@dataclass(frozen=True)
class ExportData:
    """The splits, each of which can be walked again and again, and what they are."""

    splits: Mapping[str, Samples]
    """`train` feeds calibration, `val` chooses, `test` is opened once for the verdict."""
    fingerprints: Mapping[str, str]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Split to the group of each of its items (recording, patient, machine), where the data has groups."""
    unlabeled: Samples | None = None
    """Frames without labels, in none of the splits: they bound the drop by how many answers change on them."""


class Outcome(str, Enum):
    """How an export ended."""

    SHIPPED = "shipped"
    FALLBACK = "fallback"
    PROVISIONAL = "provisional"
    REFUSED = "refused"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> ExitCode:
        """What the process ends with."""
        if self is Outcome.REFUSED:
            return ExitCode.REFUSED
        return ExitCode.INCONCLUSIVE if self is Outcome.INCONCLUSIVE else ExitCode.OK


@dataclass(frozen=True)
class ExportResult:
    """How an export ended, and where to look."""

    outcome: Outcome
    reason: str
    """One sentence: why this and nothing else shipped."""
    bundle: Path | None
    content_id: str | None
    report: dict[str, Any]
    """The document that was written to `OUT.report.json`."""
    report_json: Path
    report_html: Path
