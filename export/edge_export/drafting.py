"""`--draft`: whether val lets the candidate see JPEGs that are decoded at reduced scale."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from edge_benchmarks.accuracy import Answers
from edge_benchmarks.verdicts import AccuracyVerdict
from edge_export.candidates import BASELINE, Candidate
from edge_export.capture import Captured
from edge_export.config import ExportConfig, ExportData, Samples
from edge_export.contest import Contest
from edge_export.judge import answer
from edge_export.search import Question, judge_trial
from edge_runtime.image.decode import jpeg_scale
from edge_runtime.preprocessing import ImagePreprocessing, Preprocessing

FACTOR = 2
"""How much larger than needed a JPEG is decoded. Measured on scikit-learn's two photographs, resized to sides of 24 to
210 pixels: pixels differ from those of the full decode by 4.2 of 255 on average at 1, by 1.7 at 2 and by 1.1 at 3. A
photo of 12 megapixels takes 26, 35 and 71 ms, of 105 ms for the full decode."""


@dataclass(frozen=True)
class Drafting:
    """What came of it."""

    asked: bool = False
    factor: int = 0
    """`draft` of the contract that the candidate answers under; 0 is off."""
    reason: str = "off: not asked for"
    """Whether it is on or off, and why."""
    reduced: int = 0
    """Items of val that it decodes at reduced scale."""
    verdict: AccuracyVerdict | None = None
    """On val, of the candidate with it against the baseline without."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return asdict(self)

    def source(self, captured: Captured, candidates: Sequence[Candidate]) -> Captured:
        """Return the source with the contract of these candidates; the baseline alone keeps the source's own."""
        contract = captured.preprocessing
        if (
            not self.factor
            or not isinstance(contract, ImagePreprocessing)
            or all(one.name == BASELINE for one in candidates)
        ):
            return captured
        return replace(captured, preprocessing=replace(contract, draft=self.factor))


def try_draft(contest: Contest, data: ExportData, config: ExportConfig) -> tuple[Contest, Drafting]:
    """Let the chosen candidate answer val again from reduced JPEGs; keep that where test could still prove it.

    The baseline keeps the source's own contract, so the verdict is about everything that changes.
    """
    if not config.draft:
        return contest, Drafting()
    if hindrance := _hindrance(contest):
        return contest, Drafting(True, 0, f"off: {hindrance}")
    trial, val = contest.trials[0], data.splits["val"]
    source = Drafting(True, FACTOR).source(contest.captured, [trial.candidate])
    reduced = sum(_is_reduced(item, source.preprocessing) for item, _ in val)
    if not reduced:
        return contest, Drafting(True, 0, "off: no item of val is a JPEG large enough to be decoded at reduced scale")
    logits = answer([trial.candidate], source, val).logits[trial.candidate.name]
    if not np.isfinite(logits).all():
        return contest, Drafting(True, 0, "off: the candidate answers NaN or infinity with it", reduced)
    again = judge_trial(trial.candidate, contest.val, logits, Question.of(contest.captured.labels, data, config))
    if not again.provable:
        lost = "".join(f" and refuse class {one.label}" for one in again.refused_classes[:1])
        reason = f"off: judging by val, test would bound the drop by {again.expected_bound:.2%}{lost} with it"
        return contest, Drafting(True, 0, reason, reduced, again.verdict)
    found = replace(contest.found, trials=(replace(again, ratio=trial.ratio), *contest.trials[1:]))
    reason = f"on: val allows it, and decodes {reduced:,} of its {len(val):,} items so"
    return replace(contest, found=found, val=again.answers), Drafting(True, FACTOR, reason, reduced, again.verdict)


def _hindrance(contest: Contest) -> str:
    """Say why it cannot even be tried, if so."""
    if contest.chosen is None:
        return "no candidate to try it with"
    if not contest.target.is_here:
        return "the baseline ships beside the candidate, and both have one contract"
    contract = contest.captured.preprocessing
    if not isinstance(contract, ImagePreprocessing):
        return "it is for images"
    if contract.draft:
        return "the source's own contract has draft, for the baseline too"
    return ""


def _is_reduced(item: Any, contract: Preprocessing) -> bool:
    from PIL import Image

    if not isinstance(item, str | PathLike) or not isinstance(contract, ImagePreprocessing):
        return False
    with Image.open(item) as image:
        return jpeg_scale(image, contract) > 1


def answer_finalists(contest: Contest, drafting: Drafting, samples: Samples) -> Answers:
    """Let the baseline and the candidate answer the same items, each under its own contract."""
    if not drafting.factor or contest.chosen is None:
        return answer(contest.entrants, contest.captured, samples)
    answers = answer([contest.baseline], contest.captured, samples)
    drafted = answer([contest.chosen], drafting.source(contest.captured, [contest.chosen]), samples)
    return replace(answers, logits=answers.logits | drafted.logits)
