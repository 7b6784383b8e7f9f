"""Splits a source's items and writes them as a data set, all of it or nothing."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from textwrap import fill

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.split import assign
from edge_pipeline.samples.interface import Kept, Progress, SampleReport, Samples, Source, Splits
from edge_pipeline.samples.registry import SOURCES
from edge_runtime.errors import InputError, MachineError


def write_sample(name: str, directory: Path | str, seed: int = 0, *, progress: Progress | None = None) -> SampleReport:
    """Write real data into `directory`.

    Images become `{train,val,test}/{class}/{number}.png`, texts become `data.csv` with the columns `text,label,split`,
    sentences with entities become `data.jsonl`. The splits are seeded, stratified by class and share no item: of equal
    ones one is kept, of contradicting ones none. The number in a picture's name is its place in its source.

    Raises:
        InputError: the name is unknown, or `directory` exists and is not empty.
        MachineError: the package that the data come with is not installed, or the disk does not take them.
    """
    if name not in SOURCES:
        raise InputError(f"{name!r} is not a sample; choose one of {', '.join(SOURCES)}")
    target = Path(directory).absolute()
    _require_free(target)
    source = SOURCES[name]
    samples = source.load()
    kept = samples.keep()
    splits = _split(source, samples, kept.rows, seed)
    report = SampleReport(
        name,
        Path(directory),
        Path(directory),
        samples.noun,
        samples.classes,
        {split: len(rows) for split, rows in splits.items()},
        kept.duplicates,
        kept.conflicts,
        seed,
    )
    try:
        data = _write_folder(target, samples, splits, _readme(source, report, kept), progress)
    except OSError as error:
        raise MachineError(f"{target}: cannot write the sample ({error}); check free space and permissions") from error
    return replace(report, data=report.directory / data)


def _require_free(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        what = "is not empty" if target.is_dir() else "is a file"
        raise InputError(f"{target} exists and {what}; remove it or choose another directory")


def _split(source: Source, samples: Samples, kept: NDArray[np.int64], seed: int) -> dict[str, NDArray[np.int64]]:
    """Return ascending rows for each split, made by the same code that splits a user's folder."""
    if samples.official_test is None:
        pool, test = kept, None
    else:
        is_test = samples.official_test[kept]
        pool, test = kept[~is_test], kept[is_test]
    sizes = {"val": source.val} | ({} if source.test is None else {"test": source.test})
    shares = {"train": 1 - sum(sizes.values()) / len(pool)} | {name: size / len(pool) for name, size in sizes.items()}
    positions = assign(samples.targets[pool], samples.units(pool), samples.digests(pool), shares, seed)
    splits = {name: pool[positions == position] for position, name in enumerate(shares)}
    return splits if test is None else splits | {"test": test}


def _readme(source: Source, report: SampleReport, kept: Kept) -> str | None:
    """Return what stands in the README.txt, or None where the origin is not stated."""
    if source.origin is None:
        return None
    counts = ", ".join(f"{split} {count:,}" for split, count in report.counts.items())
    return (
        f"{fill(f'{source.name}: {source.origin.text}', 100)}\n\n"
        f"Licence: {source.origin.licence}\n"
        f"Classes: {', '.join(report.classes)}\n"
        f"Items: {len(kept.rows):,} {report.noun} ({counts})\n"
        f"Left out: {kept.duplicates:,} that repeat another, {kept.conflicts:,} whose repeats have other labels\n"
        f"Written by: edge sample {source.name} DIR --seed {report.seed}\n"
    )


def _write_folder(target: Path, samples: Samples, splits: Splits, readme: str | None, progress: Progress | None) -> str:
    """Write into a sibling and rename it, so that `target` is never half a data set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # `.` and `..` have no name of their own, so the sibling could not stand beside them.
    target = target.resolve()
    sibling = target.with_name(f".{target.name}.partial-{os.getpid()}")
    shutil.rmtree(sibling, ignore_errors=True)
    try:
        sibling.mkdir()
        data = samples.write(sibling, splits, progress)
        if readme is not None:
            (sibling / "README.txt").write_text(readme, encoding="utf-8")
        if target.is_dir():
            target.rmdir()
        sibling.rename(target)
    finally:
        shutil.rmtree(sibling, ignore_errors=True)
    return data
