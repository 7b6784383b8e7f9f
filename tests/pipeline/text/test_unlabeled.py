"""Texts without labels are enough for an encoder: calibration, parity, and whether int8 finds fp32's neighbors."""

import csv
from pathlib import Path

import pytest

from edge_export.capture.interface import SourceOptions
from edge_export.config import ExportConfig, Outcome
from edge_export.quantize import RECIPES
from edge_pipeline.data.unlabeled_texts import lacks_labels, open_unlabeled_texts
from edge_pipeline.exporting import export
from edge_runtime import load
from edge_runtime.errors import InputError


def opened(path: Path, **options: object) -> tuple[dict[str, list[str]], list[str]]:
    asked = {"text": None, "group": None, "allow_leaks": False, "seed": 0} | options
    splits, notes = open_unlabeled_texts(path, **asked)  # type: ignore[arg-type]
    assert all(label is None for split in splits.values() for _, label in split)
    return {name: [text for text, _ in split] for name, split in splits.items()}, notes


@pytest.fixture(scope="module")
def lines(messages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The messages alone, one a line."""
    path = tmp_path_factory.mktemp("lines") / "lines.txt"
    with messages.open(encoding="utf-8", newline="") as stream:
        path.write_text("\n\n".join(row["text"] for row in csv.DictReader(stream)), encoding="utf-8")
    return path


def test_lines_and_tables_without_labels_are_split(lines: Path, messages: Path, tmp_path: Path) -> None:
    table, given = tmp_path / "a.csv", tmp_path / "given.jsonl"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["body"], *([line] for line in lines.read_text("utf-8").split("\n") if line)])
    assert lacks_labels(lines, None) and lacks_labels(table, None)
    assert not lacks_labels(messages, None) and not lacks_labels(table, "body") and not lacks_labels(tmp_path, None)
    splits, notes = opened(lines)
    assert (sum(map(len, splits.values())), set(splits)) == (630, {"train", "val", "test"})
    assert opened(table, text="body")[0] == splits and notes[0].startswith("no labels: 630 texts (")
    given.write_text("".join(f'{{"text": "text {split}", "split": "{split}"}}\n' for split in ("train", "val", "test")))
    assert opened(given)[0] == {split: [f"text {split}"] for split in ("train", "val", "test")}
    told = (("Same", "train"), ("other", "val"), ("same.", "test"))
    given.write_text("".join(f'{{"text": "{text}", "split": "{split}"}}\n' for text, split in told))
    with pytest.raises(InputError, match="two splits with the same letters"):
        opened(given)
    given.write_text('{"words": "Same"}\n')
    with pytest.raises(InputError, match="no column 'text'; there are words"):
        opened(given)


def test_neighbors_are_judged_where_nothing_has_a_label(tiny_encoder: Path, lines: Path, tmp_path: Path) -> None:
    config = ExportConfig(
        quantize="int8", source=SourceOptions(task="text-embedding", pooling="mean"), recipe=RECIPES["dynamic"],
        max_drop=1.0, timing_seconds=0.2, keep_fp32=True, fallback="fp32",
    )  # fmt: skip
    notes: list[str] = []
    result = export(tiny_encoder, tmp_path / "x.edge", data=lines, config=config, note=notes.append)
    assert result.outcome in (Outcome.SHIPPED, Outcome.FALLBACK) and notes[0].startswith("no labels: 630 texts")
    fp32, int8 = result.report["rows"]
    assert result.report["measure"] == "agreement" and fp32["top1"] == 1.0
    assert int8["top1"] > 0.5  # the nearest of some 90 others
    (note,) = [note for note in result.report["notes"] if "mean cosine with fp32" in note]
    assert float(note.split()[-1]) > 0.98
    assert "agreement with fp32" in result.report_html.read_text(encoding="utf-8")
    assert len(load(result.bundle, variant="cpu-fp32").predict("where").embedding) == 64  # type: ignore[arg-type]
