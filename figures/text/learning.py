"""What MiniLM learns of real texts, and what int8 costs it: training, export and verdict by the commands' functions."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from interface import Figure
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, judge_accuracy
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_export.candidates import BASELINE
from edge_pipeline.samples import write_sample
from text.encoder import encoder_folder

FOLDS = 5
SEED = 0
ASKED = {"trec": 95.0, "sms": 98.5}
ASKED_DROP, ASKED_BOUND, ASKED_SIZE = 0.3, 1.0, 0.27
INT8 = "cpu-int8"


def measure_folds() -> list[Figure]:
    """Train on four fifths of TREC and answer the fifth, five times; every question is answered once."""
    with TemporaryDirectory(prefix="edge-trec-") as name:
        folder = Path(name)
        rows = _rows(write_sample("trec", folder / "data").data)
        fold_of = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
        held = [_answered(folder, _table(folder, rows, fold_of, fold)) for fold in range(FOLDS)]
    answers = Answers(
        np.concatenate([one.labels for one, _ in held]),
        {model: np.concatenate([one.logits[model] for one, _ in held]) for model in (BASELINE, INT8)},
        [],
    )
    how = f"{FOLDS} folds of edge sample trec, pooled; MiniLM, edge train with the preset text"
    return _figures("TREC", answers, held[0][1], ASKED["trec"], how)


def measure_split(sample: str) -> list[Figure]:
    """Train on a sample's train split and answer its test split."""
    with TemporaryDirectory(prefix=f"edge-{sample}-") as name:
        folder = Path(name)
        answers, size = _answered(folder, write_sample(sample, folder / "data").data)
    how = f"edge sample {sample}, test split; MiniLM, edge train with the preset text"
    return _figures(sample.upper(), answers, size, ASKED[sample], how)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _table(folder: Path, rows: list[dict[str, str]], fold_of: NDArray[np.int64], fold: int) -> Path:
    """Write the data with one fold as test and a tenth of the others as val."""
    generator = np.random.default_rng(SEED + fold)
    file = folder / f"fold-{fold}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "split"])
        for row, own in zip(rows, fold_of, strict=True):
            split = "test" if own == fold else "val" if generator.random() < 0.1 else "train"
            writer.writerow([row["text"], row["label"], split])
    return file


def _answered(folder: Path, data: Path) -> tuple[Answers, float]:
    """Return what the baseline and int8 say of test, and the size of int8 over the baseline's."""
    from edge_export.candidates import make_baseline, make_int8
    from edge_export.capture import capture
    from edge_export.judge import answer
    from edge_export.quantize import RECIPES
    from edge_pipeline import train
    from edge_pipeline.data import open_dataset
    from edge_pipeline.training.presets import config_from

    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    train(data, run, config_from("text", {"model": str(encoder_folder())}))
    captured = capture(str(run))
    graph, baseline, _ = make_baseline(captured)
    int8 = make_int8(graph, RECIPES["dynamic"], None)
    # The folds are what is measured, so each one's test split is opened for it alone.
    samples: Any = open_dataset(data).splits["test"]
    return answer([baseline, int8], captured, samples), len(int8.model) / len(baseline.model)


def _figures(title: str, answers: Answers, size: float, asked: float, how: str) -> list[Figure]:
    return list(_make_figures(title, answers, size, asked, how))


def _make_figures(title: str, answers: Answers, size: float, asked: float, how: str) -> Iterator[Figure]:
    right = answers.right(BASELINE)
    share = wilson_interval(int(right.sum()), len(right))
    how = f"{how}; n = {len(right):,}"
    values = (100 * share.estimate, 100 * share.low, 100 * share.high)
    yield Figure(f"{title}: top-1, fp32", *values, asked, "at least", "%", how, of_estimate=True)
    verdict = judge_accuracy(answers, BASELINE, INT8, max_drop=ASKED_BOUND / 100)
    changed = f"{how}; {verdict.changed:,} answers changed, verdict {verdict.verdict.value}"
    drop, bound = 100 * verdict.drop, 100 * verdict.drop_bound
    yield Figure(f"{title}: drop of int8", drop, None, None, ASKED_DROP, "at most", "%", changed)
    yield Figure(f"{title}: upper bound of the drop (95 %)", bound, None, None, ASKED_BOUND, "at most", "%", changed)
    yield Figure(f"{title}: size of int8 over fp32", size, None, None, ASKED_SIZE, "at most", "x", how)
