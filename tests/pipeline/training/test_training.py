"""A training from images to a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from edge_export.architectures import create_network
from edge_export.ledger import LEDGER_FILE
from edge_export.run import WEIGHTS_FILE, read_run
from edge_pipeline.data import Dataset, open_dataset
from edge_pipeline.training import TrainConfig, train
from edge_pipeline.training.loader import ImageBatches, items_of
from edge_pipeline.training.progress import Silent
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import Region


class Listening(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.phases: list[str] = []
        self.rows: list[dict] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, name: str, total: int) -> None:
        self.phases.append(name)

    def epoch(self, row: dict) -> None:
        self.rows.append(row)


def test_learns_and_writes_a_run(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    heard = Listening()
    result = train(dataset, tmp_path / "run", replace(tiny, epochs=6), progress=heard)
    losses = [row["train_loss"] for row in heard.rows]
    assert losses[-1] < losses[0] - 0.2
    run = read_run(tmp_path / "run")
    assert run.labels == ("0", "1", "2", "3")
    assert run.preprocessing.crop_width == 32
    assert run.data.fingerprints == dataset.fingerprints
    assert run.metrics["test"]["n"] == 60
    assert run.metrics["test"]["top1"] > 0.5  # chance is 0.25
    assert run.metrics == result.metrics
    network = create_network(run.architecture, 4).module
    network.load_state_dict(load_file(tmp_path / "run" / WEIGHTS_FILE))
    assert any("smallest drop" in note for note in heard.notes)
    assert {path.name for path in (tmp_path / "run").iterdir() if not path.name.startswith(".")} == {
        "config.json", "metrics.jsonl", "report.html", "run.json", "test-openings.json", "weights.safetensors",
    }  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows == heard.rows
    assert set(rows[0]) >= {"epoch", "train_loss", "val_loss", "val_top1", "lr", "seconds"}
    # Its report looked at test, and an export must be able to say how often that was done.
    assert list(json.loads((tmp_path / "run" / LEDGER_FILE).read_text()).values()) == [1]


def test_report_is_one_file_with_everything(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    train(dataset, tmp_path / "run", replace(tiny, epochs=1, learning_rate=1e-9))  # learns nothing, so it errs
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for heading in ("Learning curves", "By class", "Confusion matrix", "Worst mistakes", "Configuration", "top-1"):
        assert heading in page
    assert page.count("<svg") == 3  # losses, score, matrix
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("data:image/png;base64,") >= 1


def test_best_epoch_is_kept_and_patience_ends_the_training(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    heard = Listening()
    config = replace(tiny, epochs=30, learning_rate=1e-9, patience=2, schedule="constant", warmup=0.0)
    result = train(dataset, tmp_path / "run", config, progress=heard)
    assert len(heard.rows) < 30
    assert result.metrics["epochs"] == result.best_epoch + 2
    best = max(heard.rows, key=lambda row: (row["val_top1"], -row["val_loss"]))
    assert result.best_epoch == best["epoch"]
    network = create_network(config.model, 4)
    network.module.load_state_dict(load_file(tmp_path / "run" / WEIGHTS_FILE))
    items = items_of(dataset.splits["val"])
    [images] = ImageBatches(items, network.preprocessing(32), workers=0).read([list(range(len(items)))], None)
    with torch.inference_mode():
        logits = network.module.eval()(images)
    loss = float(cross_entropy(logits, items.targets(4, multilabel=False), label_smoothing=config.label_smoothing))
    assert loss == pytest.approx(best["val_loss"], rel=1e-5)
    assert loss != pytest.approx(heard.rows[-1]["val_loss"], rel=1e-3)


def test_multilabel(digits: Path, tiny: TrainConfig, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    files = sorted(digits.rglob("*.png"))
    lines = [f"{file},{'even' if int(file.parent.name) % 2 == 0 else 'odd'}|{file.parent.name}" for file in files]
    lines = [f"{line},{file.parts[-3]}" for line, file in zip(lines, files, strict=True)]
    table.write_text("\n".join(["path,label,split", *lines]), encoding="utf-8")
    data = open_dataset(table, multilabel=True)
    heard = Listening()
    train(data, tmp_path / "run", replace(tiny, multilabel=True, class_weights=True, epochs=6), progress=heard)
    run = read_run(tmp_path / "run")
    assert run.task == "image-multilabel"
    assert run.metrics["test"]["macro_f1"] > 0.5
    assert heard.rows[-1]["val_loss"] < heard.rows[0]["val_loss"]


@pytest.mark.parametrize("freeze", ["none", "backbone"])
def test_a_region_travels_to_the_run(dataset: Dataset, tiny: TrainConfig, tmp_path: Path, freeze: str) -> None:
    config = replace(tiny, region="0,0.25,1,0.75", epochs=1, freeze=freeze)
    train(dataset, tmp_path / "run", config)
    run = read_run(tmp_path / "run")
    assert run.preprocessing.region == Region(0.0, 0.25, 1.0, 0.75)
    assert run.config["region"] == config.region


def test_a_loss_that_is_not_finite_ends_in_one_line(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"epoch \d, step \d+: the loss is .*lower --learning-rate \(now 1e\+30\)"):
        train(dataset, tmp_path / "run", replace(tiny, learning_rate=1e30, optimizer="sgd", warmup=0.0))


def test_same_seed_same_weights_and_another_seed_others(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny, epochs=1)
    digests = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(dataset, tmp_path / name, replace(config, seed=seed))
        digests.append(read_run(tmp_path / name).weights_sha256)
    assert digests[0] == digests[1] != digests[2]


def test_an_occupied_directory_is_left_alone(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty; pass --resume"):
        train(dataset, tmp_path, tiny)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_misspelt_model_does_not_occupy_the_directory(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--model test_eficientnet"):
        train(dataset, tmp_path / "run", replace(tiny, model="test_eficientnet"))
    train(dataset, tmp_path / "run", replace(tiny, epochs=1))
    assert read_run(tmp_path / "run").config["model"] == "test_efficientnet"


def test_training_smaller_ends_at_the_contract(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    train(dataset, tmp_path / "run", replace(tiny, size=48, train_size=32, epochs=1))
    assert read_run(tmp_path / "run").preprocessing.crop_width == 48


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.gpu
def test_on_a_gpu(dataset: Dataset, tiny: TrainConfig, tmp_path: Path) -> None:
    train(dataset, tmp_path / "run", replace(tiny, precision="auto"))
    assert read_run(tmp_path / "run").metrics["test"]["n"] == 60
