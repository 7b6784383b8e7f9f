"""Export from Python or the command line: find the data, then hand both to `edge_export`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_export.config import ExportConfig, ExportData, ExportResult
from edge_export.run import Run, is_run, read_run
from edge_pipeline.data import Dataset, open_dataset
from edge_runtime.errors import InputError


def export(
    source: str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    config: ExportConfig | None = None,
    progress: Callable[[str], None] = lambda stage: None,
    note: Callable[[str], None] = lambda line: None,
) -> ExportResult:
    """Turn a run into a proven bundle, or refuse.

    Args:
        source: The directory that `train` wrote.
        out: A `.edge` file, or a directory that does not exist yet. Reports are written beside it.
        data: The data set; None takes the one that the run was trained on, and insists that it is unchanged.
        config: What to make and within which budgets; None exports fp32.
        progress: Told the name of each stage as it begins.
        note: Told what someone should know about the data, line by line.

    Raises:
        InputError: the source, the data or the target cannot be used.
        RefusedError: the ONNX graph does not answer as the source does.
    """
    from edge_export.export import export as export_bundle

    source = Path(source)
    progress("reading the data")
    dataset = _find_data(source, Path(data) if data else None)
    for line in dataset.report.warnings:
        note(line)
    given = ExportData(
        splits=dataset.splits,
        fingerprints={name: split.fingerprint for name, split in dataset.splits.items()},
    )
    return export_bundle(source, Path(out), given, config or ExportConfig(), progress)


def _find_data(source: Path, data: Path | None) -> Dataset:
    if not is_run(source):
        if data is None:
            raise InputError(f"{source}: not a run, so it remembers no data; give --data DIR")
        return open_dataset(data)
    run = read_run(source)
    options: dict[str, Any] = dict(run.data.options)
    dataset = open_dataset(data or Path(run.data.path), **options)
    _check_labels(dataset, run, data or Path(run.data.path))
    if data is None:
        _check_unchanged(dataset, run)
    return dataset


def _check_labels(dataset: Dataset, run: Run, path: Path) -> None:
    if dataset.labels != run.labels:
        unlike = sorted(set(dataset.labels) ^ set(run.labels)) or ["the order"]
        raise InputError(
            f"{path}: its labels are not the run's ({', '.join(unlike[:5])}); give the data it was trained on"
        )


def _check_unchanged(dataset: Dataset, run: Run) -> None:
    now = {name: split.fingerprint for name, split in dataset.splits.items()}
    changed = [name for name, fingerprint in run.data.fingerprints.items() if now.get(name) != fingerprint]
    if changed:
        raise InputError(
            f"{run.data.path}: changed since training (split {', '.join(changed)}), so the verdict would be about "
            "other data; restore it, train again, or pass it as --data to export with it as it is now"
        )
