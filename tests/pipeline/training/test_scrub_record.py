"""A run says that its data were scrubbed as long as they are what `edge scrub` wrote."""

import shutil
from dataclasses import replace
from pathlib import Path

from edge_export.run import read_run
from edge_pipeline.scrubbing import ScrubConfig, scrub
from edge_pipeline.scrubbing.record import fingerprint, record_path
from edge_pipeline.training import TrainConfig, train


def test_a_run_keeps_the_record_of_its_data(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    """On images, since they train in a second; a record is the same for every form of data."""
    data = tmp_path / "data"
    shutil.copytree(digits, data)
    (tmp_path / "note.txt").write_text("a@b.org", encoding="utf-8")
    record = scrub(tmp_path / "note.txt", tmp_path / "clean.txt", ScrubConfig(kinds=("email",))).record
    written = record_path(tmp_path / "clean.txt").read_text(encoding="utf-8")
    record_path(data).write_text(written.replace(record.sha256, fingerprint(data)), encoding="utf-8")
    once = replace(tiny, epochs=1)
    train(data, tmp_path / "run", once)
    noted = read_run(tmp_path / "run").data.scrubbed
    assert noted is not None and noted["counts"] == {"(text files)": {"email": 1}} and "a@b.org" not in str(noted)
    shutil.copy(next((data / "train" / "1").iterdir()), data / "train" / "1" / "another.png")
    train(data, tmp_path / "changed", once)
    assert read_run(tmp_path / "changed").data.scrubbed is None
