"""What `edge export` is asked for, what it is given, and how it ended."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol

from edge_runtime.errors import ExitCode, InputError

Sample = tuple[Path, Any]
"""A path and its label: a class index, or for several labels an image a tuple of them."""

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
    fallback: Literal["none", "fp32"] = "none"
    """What ships when no candidate may."""
    provisional: bool = False
    """Ship the best inconclusive candidate, marked as such."""
    keep_fp32: bool = False
    """Put the fp32 baseline beside the candidate."""
    unknown_precision: float | None = 0.95
    """Share of right answers among accepted ones that the `unknown` threshold is chosen for; None leaves it out."""
    calibration_samples: int = 256
    timing_seconds: float = 12.0
    """How long the final interleaved timing takes."""
    seed: int = 0
    name: str = ""
    """The bundle's name; empty takes the target's."""
    version: str = "0"

    def __post_init__(self) -> None:
        """Check what types cannot say.

        Raises:
            InputError: a value is out of its range.
        """
        if not 0 <= self.max_drop <= 1:
            raise InputError(f"max_drop={self.max_drop}: a share between 0 and 1 is expected; 0.01 is one point")
        if self.unknown_precision is not None and not 0 <= self.unknown_precision <= 1:
            raise InputError(
                f"unknown_precision={self.unknown_precision}: a share between 0 and 1 is expected, or None"
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
