"""Choose on val the candidate that test will judge: the quickest one that looks provable."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edge_benchmarks.accuracy import Answers, judge_accuracy
from edge_benchmarks.statistics.proportions import tango_upper_bound
from edge_benchmarks.verdicts import AccuracyVerdict
from edge_export.candidates import BASELINE, Candidate

Ask = Callable[[list[Candidate]], Answers]
"""Lets candidates of different names answer val."""


@dataclass(frozen=True)
class Trial:
    """What val said of one candidate."""

    candidate: Candidate
    answers: Answers
    """The baseline's and this candidate's."""
    verdict: AccuracyVerdict
    expected_bound: float
    """The bound of the drop that test would give, if answers changed there as often as on val."""
    logit_error: float
    """Root mean square difference of the logits from the baseline's."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "recipe": self.candidate.recipe,
            "verdict": asdict(self.verdict),
            "expected_bound": self.expected_bound,
            "logit_error": self.logit_error,
            "size_bytes": len(self.candidate.model),
        }


def search(
    tiers: Iterable[list[Candidate]], ask: Ask, baseline: Answers, test_size: int, max_drop: float
) -> list[Trial]:
    """Try tiers of candidates, quickest first, until one looks provable on test.

    Of the provable candidates of one tier, equally quick, the one whose logits err least is taken: a handful of changed
    answers on val is luck, the error of all logits is not. No clock decides, so the same run gives the same choice.

    Args:
        tiers: Candidates of each tier.
        ask: Lets candidates answer val.
        baseline: Its answers on val.
        test_size: Items that test holds.
        max_drop: The budget, as a share.

    Returns:
        All trials, the chosen one first; none where no candidate answers with finite logits.
    """
    trials: list[Trial] = []
    for tier in tiers:
        # One name for all would hide one candidate's answers behind another's.
        named = [replace(candidate, name=f"{candidate.name}/{index}") for index, candidate in enumerate(tier)]
        answers = ask(named)
        found = [
            _trial(candidate, baseline, answers.logits[alias.name], test_size, max_drop)
            for candidate, alias in zip(tier, named, strict=True)
            if np.isfinite(answers.logits[alias.name]).all()
        ]
        trials += found
        if any(trial.expected_bound <= max_drop for trial in found):
            break
    if not trials:
        return []
    provable = [trial for trial in trials if trial.expected_bound <= max_drop]
    best = min(provable, key=_error) if provable else min(trials, key=lambda trial: trial.expected_bound)
    return [best, *(trial for trial in trials if trial is not best)]


def _error(trial: Trial) -> float:
    return trial.logit_error


def _trial(candidate: Candidate, baseline: Answers, logits: Any, test_size: int, max_drop: float) -> Trial:
    answers = replace(baseline, logits={BASELINE: baseline.logits[BASELINE], candidate.name: logits})
    verdict = judge_accuracy(answers, BASELINE, candidate.name, max_drop=max_drop)
    scale = test_size / verdict.n
    # Rounded against the candidate: what val saw once may be seen twice.
    worse, better = int(np.ceil(verdict.worse * scale)), int(np.floor(verdict.better * scale))
    worse, better = min(worse, test_size), min(better, test_size - min(worse, test_size))
    error = float(np.sqrt(np.mean((logits - baseline.logits[BASELINE]) ** 2)))
    return Trial(candidate, answers, verdict, tango_upper_bound(worse, better, test_size), error)
