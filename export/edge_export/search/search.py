"""Find the fastest candidate that test will probably pass: accuracy per millisecond, measured on val."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edge_export.quantize import Recipe
from edge_export.search.budget import Budget
from edge_export.search.costs import Cost, measure_costs, measure_parts, total_error
from edge_export.search.laboratory import Laboratory
from edge_export.search.trial import Trial, finite_or_none

EQUALLY_QUICK = 0.02
"""Two candidates whose times differ by less are equally quick, and the one whose logits err less is taken: a handful of
changed answers on val is luck, the error of all logits is not."""

SHARE_FOR_RECIPES, SHARE_FOR_FORMS = 0.5, 0.7
"""Of the search's time, until when further starting recipes may be measured, and forms of graph may answer val."""

BARGAIN = 0.02
"""Share of the time that a search may spend on blocks in float although the candidate would pass without."""


@dataclass(frozen=True)
class SearchResult:
    """What a search tried and found."""

    trials: tuple[Trial, ...] = ()
    """The chosen one first; none where no recipe gives a candidate that gains anything and answers."""
    costs: tuple[Cost, ...] = ()
    """Of every block; none where the search had no time for them."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Operator that the chosen candidate leaves in float, to why."""
    errors: dict[str, float] = field(default_factory=dict)
    """Starting recipe to the mean square error of its logits on the subset; infinity where one was not finite."""
    seconds: float = 0.0
    stopped: bool = False
    """Time ran out before everything was measured."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report, without the answers."""
        return {
            "trials": [trial.to_dict() for trial in self.trials],
            "costs": [cost.to_dict() for cost in self.costs],
            "errors": {name: finite_or_none(error) for name, error in self.errors.items()},
            "seconds": round(self.seconds, 1),
            "stopped": self.stopped,
        }


def search(lab: Laboratory, recipes: Sequence[Recipe], budget: Budget) -> SearchResult:
    """Choose on val the candidate that test will judge.

    1. Of the starting recipes that make the same graph with other ranges, take the one whose logits err least; where
       they make several forms of graph, let the best of each form answer val, time them, and take the fastest provable.
    2. Measure what int8 costs each block in accuracy and what it gains in time.
    3. Leave in float the blocks that int8 slows down, and those that hurt most for next to no time.
    4. Where val says that test would not pass the candidate, free further blocks, those that hurt most for each
       millisecond first, and then give their operators back as long as val allows it.
    5. Time what came of it beside the baseline, and take the fastest that is provable.

    With a budget of 0 seconds only the first step is done, and no clock decides anything. Any other budget is asked
    before each measurement, but for the first recipe, without which there is no candidate.

    Args:
        lab: Makes and measures.
        recipes: To start from; each with everything in int8.
        budget: How long it may take.
    """
    errors = _errors(lab, recipes, budget)
    usable = [recipe for recipe in recipes if np.isfinite(errors.get(recipe.name, np.inf))]
    starts = _starts(lab, sorted(usable, key=lambda recipe: errors[recipe.name]), budget)
    if not starts:
        return SearchResult(errors=errors, seconds=budget.spent)
    if budget.over:
        best = choose(list(starts.values()))
        trials = (best, *(trial for trial in starts.values() if trial is not best))
        return SearchResult(trials, errors=errors, seconds=budget.spent, stopped=budget.clocked)
    if len(starts) > 1:
        starts = dict(zip(starts, lab.timed(list(starts.values())), strict=True))
    start = choose(list(starts.values()))
    recipe = next(one for one, trial in starts.items() if trial is start)
    rivals = [trial for trial in starts.values() if trial is not start]
    found = _Refinement(lab, recipe, start, budget, rivals).run(errors)
    return replace(found, stopped=found.stopped or len(errors) < len(recipes))


def _errors(lab: Laboratory, recipes: Sequence[Recipe], budget: Budget) -> dict[str, float]:
    """Return the error of each recipe, in order, as far as there is time for it."""
    errors: dict[str, float] = {}
    for recipe in recipes:
        budget.say("measuring what recipes cost", len(errors), len(recipes), 0.0)
        errors[recipe.name] = lab.error(recipe)
        if any(np.isfinite(error) for error in errors.values()) and budget.cuts(SHARE_FOR_RECIPES):
            break
    return errors


def _starts(lab: Laboratory, ranked: Sequence[Recipe], budget: Budget) -> dict[Recipe, Trial]:
    """Return the first recipe of each form that has int8 operators and answers val, with what val said, in order."""
    found: dict[Recipe, Trial] = {}
    for recipe in ranked:
        if found and (not budget.clocked or budget.cuts(SHARE_FOR_FORMS)):
            break
        if all(_form(recipe) != _form(one) for one in found) and lab.candidate(recipe).in_int8:
            trial = lab.trial(recipe)
            if trial is not None:
                found[recipe] = trial
    return found


def _form(recipe: Recipe) -> tuple[object, ...]:
    """Return what decides which kernels run, whatever the ranges."""
    return recipe.kind, recipe.per_channel, recipe.activations, recipe.weights


class _Refinement:
    """Steps 2 to 5, around one recipe."""

    def __init__(
        self, lab: Laboratory, recipe: Recipe, start: Trial, budget: Budget, rivals: Sequence[Trial] = ()
    ) -> None:
        self.lab, self.recipe, self.budget = lab, recipe, budget
        self.rivals = rivals
        """The best of other forms, which compete again at the end."""
        self.trials: dict[frozenset[str], Trial] = {frozenset(): start}
        """Operators in float to what val said."""
        self.reasons: dict[str, str] = {}
        self.cut_short = False
        """Whether time ran out before a question was answered."""

    def run(self, errors: dict[str, float]) -> SearchResult:
        """Measure, free, give back, time and choose."""
        start = self.trials[frozenset()]
        costs = measure_costs(self.lab, self.recipe, start.candidate, self.budget)
        self._explain(costs)
        slow = [cost for cost in costs if cost.gain < -BARGAIN / 2 * sum(one.int8_ms for one in costs)]
        self._try(slow)
        self._try([*slow, *_bargains(costs, slow)])
        if not any(trial.provable for trial in self.trials.values()):
            self._free(costs)
        trials = self._timed([*self.trials.values(), *self.rivals])
        chosen = choose(trials)
        others = [trial for trial in trials if trial is not chosen]
        in_float = chosen.candidate.recipe.get("float_operators", [])
        reasons = {name: self.reasons[name] for name in in_float if name in self.reasons}
        stopped = self.cut_short or any(cost.error is None for cost in costs)
        return SearchResult((chosen, *others), tuple(costs), reasons, errors, self.budget.spent, stopped)

    def _timed(self, known: list[Trial]) -> list[Trial]:
        """Time those that could be chosen; what test would not pass cannot be, however quick it is."""
        if self.budget.over:  # then those that were timed at the start stand with their times
            self.cut_short = True
            return known
        quick = [trial for trial in known if trial is self.trials[frozenset()] or trial.provable]
        return [*self.lab.timed(quick), *(trial for trial in known if trial not in quick)]

    def _explain(self, costs: Sequence[Cost]) -> None:
        """Note why each operator would be left in float, should it come to that."""
        total = total_error(costs)
        for cost in costs:
            gain = f"saves {cost.gain:.3f} ms" if cost.gain > 0 else f"loses {-cost.gain:.3f} ms"
            error = "" if cost.error is None else f"makes {min(cost.error / total, 1):.0%} of the error here and "
            self.reasons |= dict.fromkeys(cost.block.operators, f"excluded by search: int8 {error}{gain}")

    def _try(self, costs: Sequence[Cost]) -> Trial | None:
        """Let the candidate with these parts in float answer val, unless it did already."""
        operators = [name for cost in costs for name in cost.block.operators]
        key = frozenset(operators)
        if key in self.trials:
            return self.trials[key]
        order = [node.name for node in self.lab.graph.graph.node if node.name in key]
        recipe = replace(self.recipe, name=f"{self.recipe.name}-{len(order)}-float", float_operators=tuple(order))
        if self.budget.over:
            self.cut_short = True
            return None
        if not self.lab.candidate(recipe).in_int8:
            return None
        trial = self.lab.trial(recipe)
        if trial is not None:
            self.trials[key] = trial
        return trial

    def _free(self, costs: Sequence[Cost]) -> None:
        """Free the fewest blocks that make the candidate provable, then give operators back."""
        ranked = sorted(costs, key=_worth)
        freed = self._fewest(len(ranked) - 1, lambda count: ranked[:count])
        if freed is None:
            return
        operators = [name for cost in ranked[:freed] for name in cost.block.operators]
        parts = measure_parts(self.lab, self.recipe, self.trials[frozenset()].candidate, operators, self.budget)
        self._explain_parts(parts, total_error(costs))
        ranked_parts = sorted(parts, key=_worth)
        self._fewest(len(ranked_parts), lambda count: ranked_parts[:count])

    def _explain_parts(self, parts: Sequence[Cost], total: float) -> None:
        for part in parts:
            if part.error is not None:
                why = f"excluded by search: int8 makes {min(part.error / total, 1):.0%} of the error here"
                self.reasons |= dict.fromkeys(part.block.operators, why)

    def _fewest(self, most: int, first: Callable[[int], Sequence[Cost]]) -> int | None:
        """Return the fewest leading parts that must be in float, by bisection; None where all of them do not help.

        More in float means fewer changed answers, apart from luck; where luck misleads, a few too many stay in float.
        """
        low, high, began = 0, most + 1, self.budget.spent
        while high - low > 1 and not self.budget.over:
            self.budget.say("which blocks must stay in float", 0, 1, began)
            middle = (low + high) // 2
            trial = self._try(first(middle))
            if trial is not None and trial.provable:
                high = middle
            else:
                low = middle
        return high if high <= most else None


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the fastest provable trial; of equally quick ones that whose logits err least; else the likeliest."""
    provable = [trial for trial in trials if trial.provable]
    if not provable:
        return min(trials, key=lambda trial: trial.excess)
    fastest = min(_ratio(trial) for trial in provable)
    quick = [trial for trial in provable if _ratio(trial) <= fastest * (1 + EQUALLY_QUICK)]
    return min(quick, key=lambda trial: trial.logit_error)


def _ratio(trial: Trial) -> float:
    return trial.ratio.estimate if trial.ratio else 1.0


def _worth(cost: Cost) -> tuple[float, float]:
    """Sort what hurts most for each millisecond first; what int8 slows down before all of that."""
    if cost.gain <= 0:
        return (-np.inf, cost.gain)
    return (-(cost.error or 0.0) / cost.gain, 0.0)


def _bargains(costs: Sequence[Cost], slow: Sequence[Cost]) -> list[Cost]:
    """Return the blocks that hurt most, as many as cost next to no time in float."""
    allowed = BARGAIN * sum(cost.int8_ms for cost in costs)
    found: list[Cost] = []
    for cost in sorted((cost for cost in costs if cost not in slow), key=_worth):
        if sum(one.gain for one in found) + cost.gain > allowed:
            break
        found.append(cost)
    return found
