"""Word embeddings are moved to where the loss rises, and put back to the bit; what has none is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_export.run import read_run
from edge_pipeline import train
from edge_pipeline.training import TrainConfig
from edge_pipeline.training.adversary import Adversary, make_adversary
from edge_pipeline.training.presets import config_from
from edge_pipeline.training.progress import Silent

transformers: Any = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)


def config(encoder: Path, preset: str = "text", **changes: Any) -> TrainConfig:
    fast = {"model": str(encoder), "learning_rate": 3e-3, "precision": "fp32", "epochs": 1, "patience": None}
    return config_from(preset, fast | changes)


@pytest.mark.parametrize("trained", [True, False])
def test_the_loss_rises_where_words_are_moved_and_they_come_back(tiny_encoder: Path, trained: bool) -> None:
    import torch

    model = transformers.AutoModel.from_pretrained(tiny_encoder).eval()
    table = model.get_input_embeddings().weight.requires_grad_(trained)
    before, ids = table.detach().clone(), torch.tensor([[2, 9, 11, 3], [2, 7, 9, 3]])
    others = torch.tensor([word not in ids for word in range(len(table))])

    def loss() -> torch.Tensor:
        found: torch.Tensor = model(ids).last_hidden_state[:, 0, :8].square().sum()
        return found

    adversary = make_adversary(model, 0.05)
    assert adversary is not None
    plain = loss()
    plain.backward()  # type: ignore[no-untyped-call]
    with adversary.moved(ids):
        assert loss() > plain + 1e-3
        move = table.detach() - before
    assert float(move.norm()) == pytest.approx(0.05, rel=1e-3)
    assert not move[others].any()
    assert torch.equal(table, before)
    assert (table.grad is not None) == trained  # no optimizer would clear that of a table that is not trained


def test_a_step_learns_at_both_places(
    tiny_encoder: Path, messages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(name: str, **changes: Any) -> str:
        return read_run(train(messages, tmp_path / name, config(tiny_encoder, **changes)).run).weights_sha256

    @contextmanager
    def stays(self: Adversary, ids: object) -> Iterator[None]:
        yield

    found = [weights("none", adversary=None), weights("some", adversary=0.05), weights("more", adversary=0.1)]
    monkeypatch.setattr(Adversary, "moved", stays)
    assert len({*found, weights("stays", adversary=0.1)}) == 4
    assert read_run(tmp_path / "some").config["adversary"] == 0.05


def test_adapters_learn_beside_moved_words_that_stay_as_they_are(
    tiny_encoder: Path, messages: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    name = "embeddings.word_embeddings.weight"
    base = load_file(tiny_encoder / "model.safetensors")[name]
    runs = [
        train(messages, tmp_path / str(size), config(tiny_encoder, "text-lora", adversary=size)).run
        for size in (None, 1.0)
    ]
    assert all((load_file(run / "weights.safetensors")[f"encoder.{name}"] == base).all() for run in runs)
    assert len({read_run(run).weights_sha256 for run in runs}) == 2


def test_a_head_alone_has_no_words_to_move_and_that_is_said(tiny_encoder: Path, messages: Path, tmp_path: Path) -> None:
    notes = Notes()
    train(messages, tmp_path / "run", config(tiny_encoder, "text-frozen", adversary=1.0), progress=notes)
    assert [line for line in notes.lines if line.startswith("--adversary: ")]


def test_a_move_is_no_longer_than_a_word() -> None:
    import torch

    table = torch.nn.Parameter(torch.tensor([[0.3, 0.4], [0.0, 0.1], [0.0, 0.0]]))
    table.grad = torch.tensor([[0.0, 0.0], [0.0, 7.0], [0.0, 0.0]])
    for size, moved in ((1.0, 0.2), (0.05, 0.05)):
        with Adversary(table, size).moved(torch.tensor([[1, 1]])):
            assert table[1].tolist() == pytest.approx([0.0, 0.1 + moved])
