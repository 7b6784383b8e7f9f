"""Encoders whose tokenizer cannot go to a device: one clear line, before anything is trained."""

import shutil
from pathlib import Path

import pytest

from edge_pipeline.models.encoders import load_encoder
from edge_runtime.errors import InputError


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_encoder(str(folder), ["a", "b"], None, task="text-classification")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_tokenizer_that_is_python_alone_is_refused(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')
    transformers.CanineTokenizer(model_max_length=32).save_pretrained(tmp_path)
    transformers.CanineConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(tmp_path)
    assert "its tokenizer has no tokenizer.json, which devices need; choose another model" in refusal(tmp_path)


def test_a_directory_without_a_tokenizer_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    assert "transformers cannot load it" in refusal(folder)


def test_a_broken_tokenizer_file_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": ')
    (folder / "vocab.txt").unlink(missing_ok=True)
    assert "transformers cannot load it" in refusal(folder)
