"""What encoders learn of real texts, and what int8 costs it: by the commands' own functions."""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from interface import Figure
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, judge_accuracy
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_export.candidates import BASELINE
from edge_pipeline.samples import write_sample
from edge_pipeline.samples.texts import text_units
from text.encoder import encoder_folder
from text.kept import kept_run

FOLDS = 5
LORA_FOLDS = 3
"""Of those, as many as a difference of one point needs."""
SEED = 0
ASKED_DROP, ASKED_BOUND, ASKED_SIZE = 0.3, 1.0, 0.27
ASKED_LORA, ASKED_SHARE = 1.5, 5.0
INT8 = "cpu-int8"
LORA = "lora"


class Subject(NamedTuple):
    """What is trained on a sample, and what is asked of it."""

    sample: str
    title: str
    asked: float
    """Top-1 in percent."""
    preset: str = "text"
    model: Callable[[], Path | str] = encoder_folder


SUBJECTS: Mapping[str, Subject] = {
    "trec": Subject("trec", "TREC", 95.0),
    "sms": Subject("sms", "SMS", 98.5),
    "sentiment-zh": Subject("sentiment-zh", "Chinese sentiment", 80.0, "text-scratch", lambda: "scratch"),
}


class Held(NamedTuple):
    """What a run says of items that it never saw."""

    answers: Answers
    size: float
    """Of int8 over fp32."""
    run: Path
    recipe: str
    """Of int8, as the search over val chose it."""


def measure_folds() -> list[Figure]:
    """Train on four fifths of TREC and answer the fifth, five times; every question is answered once."""
    subject = SUBJECTS["trec"]
    held = _folds_held(subject, subject.preset, {})
    how = f"{FOLDS} folds of edge sample trec, pooled; MiniLM, edge train with the preset text"
    size = max(one.size for one in held)
    return _figures(subject, _pooled(held, (BASELINE, INT8)), size, f"{how}; int8 as val chose it: {_recipes(held)}")


def measure_lora() -> list[Figure]:
    """Compare adapters of rank 8 with full training, on some of the same folds of TREC."""
    subject = SUBJECTS["trec"]
    folds = range(LORA_FOLDS)
    both = _pooled(_folds_held(subject, "text", {}, folds, (BASELINE,)), (BASELINE,))
    other = _pooled(_folds_held(subject, "text-lora", {"lora": 8}, folds, (BASELINE,)), (BASELINE,))
    together = Answers(both.labels, {BASELINE: both.logits[BASELINE], LORA: other.logits[BASELINE]}, [])
    verdict = judge_accuracy(together, BASELINE, LORA, max_drop=ASKED_LORA / 100)
    right = wilson_interval(int(together.right(LORA).sum()), len(together.labels))
    how = f"{LORA_FOLDS} of the same {FOLDS} folds, paired; presets text and text-lora; n = {len(both.labels):,}"
    share = 100 * _trained_share()
    return [
        Figure("TREC: full minus LoRA of rank 8", 100 * verdict.drop, None, None, ASKED_LORA, "at most", "%", how),
        Figure(
            "TREC: upper bound of that (95 %)", 100 * verdict.drop_bound, None, None, ASKED_LORA, "at most", "%",
            f"{how}; LoRA has {100 * right.estimate:.2f} % ({100 * right.low:.2f} to {100 * right.high:.2f})",
        ),
        Figure("parameters that LoRA of rank 8 trains", share, None, None, ASKED_SHARE, "at most", "%", "MiniLM"),
    ]  # fmt: skip


def measure_split(name: str) -> list[Figure]:
    """Train on a sample's train split and answer its test split."""
    subject = SUBJECTS[name]
    with TemporaryDirectory(prefix=f"edge-{name}-") as folder:
        held = _held(subject, write_sample(subject.sample, Path(folder) / "data").data, subject.preset, {})
    what = "MiniLM" if subject.model is encoder_folder else "an encoder from scratch"
    how = f"edge sample {subject.sample}, test split; {what}, edge train with the preset {subject.preset}"
    return _figures(subject, held.answers, held.size, f"{how}; int8 as val chose it: {_recipes([held])}")


def _recipes(held: list[Held]) -> str:
    return ", ".join(sorted({one.recipe for one in held}))


def _folds_held(
    subject: Subject,
    preset: str,
    choices: Mapping[str, Any],
    folds: Iterable[int] = range(FOLDS),
    models: tuple[str, ...] = (BASELINE, INT8),
) -> list[Held]:
    with TemporaryDirectory(prefix="edge-folds-") as name:
        folder = Path(name)
        with write_sample(subject.sample, folder / "data").data.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [_held(subject, _table(folder, rows, fold), preset, choices, models) for fold in folds]


def _table(folder: Path, rows: list[dict[str, str]], fold: int) -> Path:
    """Write the data with one fold as test and a tenth of the others as val; what says nearly the same is in one."""
    _, unit = np.unique(text_units([row["text"] for row in rows]), return_inverse=True)
    fold_of = np.random.default_rng(SEED).permutation(unit.max() + 1) % FOLDS
    in_val = np.random.default_rng(SEED + fold).random(len(fold_of)) < 0.1
    file = folder / f"fold-{fold}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "split"])
        for row, one in zip(rows, unit, strict=True):
            split = "test" if fold_of[one] == fold else "val" if in_val[one] else "train"
            writer.writerow([row["text"], row["label"], split])
    return file


def _held(
    subject: Subject,
    data: Path,
    preset: str,
    choices: Mapping[str, Any],
    models: tuple[str, ...] = (BASELINE, INT8),
) -> Held:
    """Return what the baseline and the int8 that val chooses say of test."""
    from edge_export.config import ExportConfig, ExportData
    from edge_export.contest import hold_contest
    from edge_export.judge import answer
    from edge_pipeline.data import open_dataset

    run = kept_run(data, preset, {"model": str(subject.model()), **choices})
    dataset = open_dataset(data)
    given = ExportData(dataset.splits, dataset.fingerprints)
    asked = ExportConfig(quantize="int8" if INT8 in models else "none")
    contest = hold_contest(run, given, asked, lambda _: None)
    made = contest.finalists
    # The folds are what is measured, so each one's test split is opened for it alone.
    answers = answer(made, contest.captured, dataset.splits["test"])
    return Held(answers, len(made[-1].model) / len(made[0].model), run, str(made[-1].recipe.get("name", "")))


def _pooled(held: list[Held], models: tuple[str, ...]) -> Answers:
    return Answers(
        np.concatenate([one.answers.labels for one in held]),
        {model: np.concatenate([one.answers.logits[model] for one in held]) for model in models},
        [],
    )


def _trained_share() -> float:
    """Return the share of parameters that adapters of rank 8 and the head are."""
    from edge_pipeline.models.adapters import add_adapters
    from edge_pipeline.models.encoders import load_encoder

    network = load_encoder(str(encoder_folder()), list("abcdef"), None, task="text-classification").network
    network.encoder = add_adapters(network.encoder, 8)
    sizes = np.array([(one.numel(), one.numel() * one.requires_grad) for one in network.parameters()])
    total, trained = sizes.sum(0)
    return float(trained / total)


def _figures(subject: Subject, answers: Answers, size: float, how: str) -> list[Figure]:
    right: NDArray[np.bool_] = answers.right(BASELINE)
    share = wilson_interval(int(right.sum()), len(right))
    how = f"{how}; n = {len(right):,}"
    values = (100 * share.estimate, 100 * share.low, 100 * share.high)
    verdict = judge_accuracy(answers, BASELINE, INT8, max_drop=ASKED_BOUND / 100)
    changed = f"{how}; {verdict.changed:,} answers changed, verdict {verdict.verdict.value}"
    drop, bound, name = 100 * verdict.drop, 100 * verdict.drop_bound, subject.title
    return [
        Figure(f"{name}: top-1, fp32", *values, subject.asked, "at least", "%", how, of_estimate=True),
        Figure(f"{name}: drop of int8", drop, None, None, ASKED_DROP, "at most", "%", changed),
        Figure(f"{name}: upper bound of the drop (95 %)", bound, None, None, ASKED_BOUND, "at most", "%", changed),
        Figure(f"{name}: size of int8 over fp32", size, None, None, ASKED_SIZE, "at most", "x", how),
    ]
