"""Makes candidates of recipes, and measures what they answer and how long they take."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import NO_WORD, Answers
from edge_export.candidates import BASELINE, Candidate, make_int8
from edge_export.capture import Captured
from edge_export.config import Samples
from edge_export.graphs.profile import Kernel, profile
from edge_export.inputs import model_rows, typical_inputs
from edge_export.judge import answer, time_models
from edge_export.optimize import PassRecord
from edge_export.quantize import Observation, Recipe, make_quantized
from edge_export.search.memory import Memory
from edge_export.search.question import Question
from edge_export.search.trial import Trial, judge_trial
from edge_export.sessions import predictor
from edge_runtime.errors import BundleError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx

SUBSET = 64
"""Items of val on which the error of a recipe is measured. Every logit counts, so few items tell: the error of a block
varied by a fifth between subsets of this size, and blocks differ by factors."""

LENGTHS = (0.2, 0.5, 0.8)
"""Shares of the texts, sorted by length, whose texts are timed together: kernels differ in what they are quick at."""

TIMING_SECONDS, WARMUP_SECONDS = 0.6, 0.2
"""For each arm of a timing inside the search; the verdict on what ships has its own, longer one."""


@dataclass
class Laboratory:
    """Everything that a measurement needs."""

    baseline: Candidate
    graph: "onnx.ModelProto"
    """What recipes quantize: the baseline after the passes for int8."""
    passes: tuple[PassRecord, ...]
    """What those passes did."""
    observation: Observation | None
    """None where no recipe needs one."""
    captured: Captured
    val: Samples
    answers: Answers
    """The baseline's on val."""
    question: Question
    """What test will ask."""
    memory: Memory
    inputs: list[NDArray[Any]] = field(init=False)
    """What is timed, each a batch of one: of texts, several lengths that val has."""

    def __post_init__(self) -> None:
        """Choose the subset: half of it the items that the baseline is least sure of, half spread over val."""
        items = list(self.val)
        sure = np.sort(self.answers.logits[BASELINE], axis=-1)
        margin = sure[..., -1] - sure[..., -2] if sure.shape[-1] > 1 else np.abs(sure[..., 0])
        if margin.ndim > 1:  # of a text with spans, the word that it is least sure of
            margin = np.where(self.answers.labels == NO_WORD, np.inf, margin).min(axis=1, initial=np.inf)
        near = np.argsort(margin, kind="stable")[: SUBSET // 2]
        spread = np.linspace(0, len(items) - 1, min(len(items), SUBSET // 2)).astype(int)
        chosen = sorted({*near.tolist(), *spread.tolist()})
        preprocess, self._read = self.captured.preprocessor(), self.captured.reader()
        tensors = [preprocess(items[at][0]) for at in chosen]
        self._inputs = preprocess.stack(tensors)
        judged = not self.answers.tags and not self.answers.cosines
        self._expected = self.answers.logits[BASELINE][chosen] if judged else self._raw()
        self._made: dict[str, Candidate] = {}
        self.inputs = typical_inputs(model_rows(preprocess, tensors), LENGTHS)

    def _raw(self) -> NDArray[np.float32]:
        """Return what the baseline's graph answers on the subset, where something made of it is judged."""
        ask = predictor(self.baseline.model, options=self.baseline.session, read=self._read)
        return self._padless(ask(self._inputs))

    def _padless(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take no notice of what is said of padding."""
        contract = self.captured.preprocessing
        if logits.ndim != 3 or not isinstance(contract, TextPreprocessing):
            return logits
        counted: NDArray[np.float32] = logits * (self._inputs != contract.pad_id)[..., np.newaxis]
        return counted

    def candidate(self, recipe: Recipe) -> Candidate:
        """Make the candidate of a recipe."""
        key = _key(recipe)
        if key not in self._made:
            self._made[key] = make_int8(self.graph, recipe, self.observation, self.passes)
        return self._made[key]

    def error(self, recipe: Recipe) -> float:
        """Return the mean square error of a recipe's logits on the subset; infinity where it gives no finite ones.

        Without measured biases: they take seconds, and what costs a part most does so with them and without.
        """
        recipe = replace(recipe, bias_correction="weights") if recipe.bias_correction == "measured" else recipe

        def measure() -> NDArray[np.float32]:
            try:
                made = make_quantized(self.graph, recipe, self.observation)
                ask = predictor(made.model.SerializeToString(), options=made.session, read=self._read)
                logits = self._padless(ask(self._inputs))
            except BundleError:  # a recipe that ONNX Runtime cannot run is a recipe that cannot ship
                return np.array(np.inf, dtype=np.float32)
            return np.array(np.mean((logits - self._expected) ** 2, dtype=np.float64), dtype=np.float32)

        value = float(self.memory.recall(["error", _document(recipe)], measure))
        return value if np.isfinite(value) else np.inf

    def trial(self, recipe: Recipe) -> Trial | None:
        """Let a recipe's candidate answer all of val; None where its logits are not finite."""
        made = self.candidate(recipe)

        def measure() -> NDArray[np.float32]:
            return answer([made], self.captured, self.val).logits[made.name]

        logits = self.memory.recall(["val", _document(recipe)], measure)
        if not np.isfinite(logits).all():
            return None
        return judge_trial(made, self.answers, logits, self.question)

    def kernels(self, candidate: Candidate) -> list[Kernel]:
        """Profile a candidate on one input, of middle length."""
        return profile(candidate.model, candidate.session, self.inputs[len(self.inputs) // 2])

    def timed(self, trials: Sequence[Trial], seed: int = 0) -> list[Trial]:
        """Time trials beside the baseline in one interleaved run, and return them with their ratios."""
        names = [f"{index}" for index in range(len(trials))]
        arms = [replace(trial.candidate, name=name) for trial, name in zip(trials, names, strict=True)]
        seconds = TIMING_SECONDS * (len(arms) + 1) * len(self.inputs)
        models = [self.baseline, *arms]
        timings = time_models(models, None, self.inputs, seconds=seconds, seed=seed, warmup_seconds=WARMUP_SECONDS)
        return [replace(trial, ratio=timings.ratio(name, BASELINE)) for trial, name in zip(trials, names, strict=True)]


def _document(recipe: Recipe) -> dict[str, object]:
    return {name: value for name, value in recipe.to_dict().items() if name != "name"}


def _key(recipe: Recipe) -> str:
    return json.dumps(_document(recipe), sort_keys=True)
