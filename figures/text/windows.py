"""What reading long texts in windows gains over cutting them, of one and the same run."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from interface import Figure
from numpy import array
from numpy.typing import NDArray

from edge_benchmarks.statistics.proportions import tango_lower_bound, tango_upper_bound
from edge_export.candidates import BASELINE
from edge_pipeline.samples import write_sample
from text.kept import kept_run
from text.learning import SUBJECTS

if TYPE_CHECKING:
    from edge_export.capture import Captured

SUBJECT = SUBJECTS["sentiment-zh"]
LENGTHS = (128, 64)
"""Tokens at once: as many as the run learned from, and half of them."""
SIDE = 0.975
"""Of each bound, for an interval of 95 %."""


def measure() -> list[Figure]:
    """Answer the Chinese reviews of test by the run that the figure on sentiment trains, cut and in windows."""
    from edge_export.capture import capture
    from edge_pipeline.data import open_dataset

    with TemporaryDirectory(prefix="edge-windows-") as folder:
        data = write_sample(SUBJECT.sample, Path(folder) / "data").data
        captured = capture(str(kept_run(data, SUBJECT.preset, {"model": str(SUBJECT.model())})))
        samples: Any = open_dataset(data).splits["test"]
        return [_gain(captured, samples, length) for length in LENGTHS]


def _gain(captured: "Captured", samples: Any, length: int) -> Figure:
    cut, windowed = (_reading(captured, length, how) for how in ("end", "window"))
    preprocess = windowed.preprocessor()
    long = array([len(preprocess.rows(preprocess(text))) > 1 for text, _ in samples])
    before, after = (_right(one, samples)[long] for one in (cut, windowed))
    better, worse, n = int((after & ~before).sum()), int((before & ~after).sum()), int(long.sum())
    gain = (better - worse) / n
    low, high = (bound(better, worse, n, SIDE) for bound in (tango_lower_bound, tango_upper_bound))
    how = (
        f"fp32 of the run of sentiment-zh, {n:,} of {len(long):,} test reviews that are longer:"
        f" {100 * before.mean():.1f} % right cut, {100 * after.mean():.1f} % in windows;"
        f" {better} became right, {worse} wrong"
    )
    name = f"long Chinese reviews, {length} tokens at once: top-1 that windows gain"
    return Figure(name, 100 * gain, 100 * low, 100 * high, 0.0, "at least", "%", how, of_estimate=True)


def _reading(captured: "Captured", length: int, truncation: Literal["end", "window"]) -> "Captured":
    contract: Any = captured.preprocessing
    return replace(captured, preprocessing=replace(contract, max_length=length, truncation=truncation))


def _right(captured: "Captured", samples: Any) -> NDArray[Any]:
    from edge_export.candidates import make_baseline
    from edge_export.judge import answer

    _, baseline, _ = make_baseline(captured)
    return answer([baseline], captured, samples).right(BASELINE)
