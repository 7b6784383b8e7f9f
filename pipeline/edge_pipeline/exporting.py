"""Export from Python or the command line: find the data, then hand both to `edge_export`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_export.capture import labels_of
from edge_export.config import ExportConfig, ExportData, ExportResult
from edge_export.run import Run, is_run, read_run
from edge_pipeline.data import Dataset, open_dataset
from edge_pipeline.data.cache import cache_directory
from edge_pipeline.data.unlabeled import open_frames
from edge_pipeline.source_data import DataOptions, Material, groups_of, source_data
from edge_runtime.errors import InputError


def export(
    source: str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    options: DataOptions | None = None,
    unlabeled: str | Path | None = None,
    config: ExportConfig | None = None,
    progress: Callable[[str], None] = lambda stage: None,
    note: Callable[[str], None] = lambda line: None,
) -> ExportResult:
    """Turn a source into a proven bundle, or refuse.

    Args:
        source: The directory that `train` wrote, an `.onnx` file, a Hugging Face directory, `timm:NAME`,
            `torchvision:NAME` or `package.module:factory`.
        out: A `.edge` file, or a directory that does not exist yet. Reports are written beside it.
        data: A folder of images, a CSV file, or a `.npz` file with arrays. None takes the data that a run was trained
            on, and insists that it is unchanged.
        options: How to read the data of a source that is no run; a run remembers it.
        unlabeled: A folder of frames without labels, which bound the drop by how many answers change on them.
        config: What to make and within which budgets, and `config.source` what the source does not say itself; None
            exports fp32.
        progress: Told the name of each stage as it begins.
        note: Told what someone should know about the data, line by line.

    Raises:
        InputError: the source, the data or the target cannot be used.
        RefusedError: the ONNX graph does not answer as the source does.
    """
    from edge_export.export import export as export_bundle

    config = config or ExportConfig()
    embeds = config.source.task == "text-embedding"
    progress("reading the data")
    with _find_material(str(source), Path(data) if data else None, options or DataOptions(), embeds) as material:
        for line in material.notes:
            note(line)
        said = replace(
            config.source,
            labels=config.source.labels or material.labels,
            task="image-multilabel" if material.multilabel else config.source.task,
        )
        # What a search measured is kept, so that one that was killed goes on where it was.
        asked = replace(config, source=said, cache=config.cache or cache_directory() / "search")
        given = replace(material.data, unlabeled=open_frames(unlabeled) if unlabeled else None)
        return export_bundle(source, Path(out), given, asked, progress)


@contextmanager
def _find_material(source: str, data: Path | None, options: DataOptions, embeds: bool) -> Iterator[Material]:
    directory = Path(source)
    if not is_run(directory):
        if data is None:
            raise InputError(f"{source}: not a run, so it remembers no data; give --data FOLDER, FILE.csv or FILE.npz")
        known = () if embeds else labels_of(source)
        with source_data(data, options, known, embeds=embeds) as material:
            yield material
        return
    if any((options.labels, options.multilabel, options.text, options.label, options.group, options.allow_leaks)):
        raise InputError(
            f"{source}: a run remembers how its data is read; leave out --labels, --multilabel, --text, --label, "
            "--group and --allow-leaks"
        )
    dataset = _data_of_run(directory, data)
    given = ExportData(dataset.splits, dataset.fingerprints, groups_of(dataset))
    yield Material(given, dataset.labels, dataset.multilabel, dataset.report.warnings)


def _data_of_run(directory: Path, data: Path | None) -> Dataset:
    run = read_run(directory)
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
