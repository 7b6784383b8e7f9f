"""Adapters: few are trained, none is left in the weights, they can be kept, and a break changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from edge_export.run import read_run
from edge_pipeline import train
from edge_pipeline.training import TrainConfig
from edge_pipeline.training.loop import Loop
from edge_pipeline.training.presets import config_from

transformers: Any = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')
peft: Any = pytest.importorskip("peft", reason='needs peft: pip install "edge-toolchain[text]"')
ADAPTERS: list[dict[str, object]] = [{"lora": 4}, {"adalora": 2}]
OTHERS: list[dict[str, object]] = [{"lora": 4}, {"model": "scratch", "max_length": 16}, {}]


def config(encoder: Path, preset: str, **changes: object) -> TrainConfig:
    fast = {"model": str(encoder), "learning_rate": 3e-3, "precision": "fp32", "patience": None}
    return config_from(preset, fast | changes)


def weights(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(run / "weights.safetensors"))


@pytest.mark.parametrize("way", ADAPTERS, ids=str)
def test_kept_adapters_around_the_base_are_what_was_merged(
    tiny_encoder: Path, messages: Path, tmp_path: Path, way: dict[str, object]
) -> None:
    run = train(messages, tmp_path / "run", config(tiny_encoder, "text-lora", epochs=2, keep_adapters=True, **way)).run
    merged = weights(run)
    assert not [name for name in merged if "lora" in name or "base_layer" in name]
    base = transformers.AutoModel.from_pretrained(tiny_encoder)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    again = peft.PeftModel.from_pretrained(base, run / "adapters").merge_and_unload().state_dict()
    linear = [name for name in again if name.endswith(("query.weight", "dense.weight")) and "pooler" not in name]
    assert len(linear) == 8 and all((again[name] != before[name]).any() for name in linear)
    assert all((merged[f"encoder.{name}"] - again[name]).abs().max() < 1e-6 for name in linear)
    assert read_run(run).config["keep_adapters"] is True


def test_adalora_ends_with_the_ranks_that_were_asked_for() -> None:
    import torch

    from edge_pipeline.models.adapters import add_adaptive_adapters
    from edge_pipeline.training.rank_budget import RankBudget

    torch.manual_seed(0)
    shape = transformers.BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    adapted = add_adaptive_adapters(transformers.BertModel(shape, add_pooling_layer=False), 2, 20)
    budget, optimizer = RankBudget(adapted), torch.optim.AdamW(adapted.parameters(), lr=1e-2)
    first = float(budget.penalty().detach())
    for step in range(20):
        loss = adapted(torch.randint(0, 20, (4, 6))).last_hidden_state.square().mean() + budget.penalty()
        loss.backward()
        optimizer.step()
        budget.after_step(step)
        optimizer.zero_grad()
    singular = [values for name, values in adapted.named_parameters() if "lora_E" in name]
    assert len(singular) == 12 and {len(values) for values in singular} == {3}
    assert sum(int((values != 0).sum()) for values in singular) == 2 * 12
    assert float(budget.penalty().detach()) < first


@pytest.mark.parametrize("way", [ADAPTERS[1], *(pytest.param(way, marks=pytest.mark.slow) for way in OTHERS)], ids=str)
def test_a_training_broken_twice_ends_with_the_same_weights(
    tiny_encoder: Path, messages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: dict[str, object]
) -> None:
    asked = config(tiny_encoder, "text", epochs=4, **way)
    whole = weights(train(messages, tmp_path / "whole", asked).run)
    original, broken = Loop.run, tmp_path / "broken"

    # AdaLoRA is taking ranks away at the end of the first epoch, and has taken the last one at the end of the third.
    def stop(epoch: int) -> None:
        if epoch in (1, 3):
            raise KeyboardInterrupt

    monkeypatch.setattr(Loop, "run", lambda self: original(self, stop))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(messages, broken, asked, resume=True)
    resumed = weights(train(messages, broken, asked, resume=True).run)
    assert whole.keys() == resumed.keys() and all((whole[name] == resumed[name]).all() for name in whole)
