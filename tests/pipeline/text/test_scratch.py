"""An encoder from nothing: its vocabulary holds what train says and no more, in any script, and the same every time."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_export.capture import capture
from edge_export.run import TOKENIZER_FILE, read_run
from edge_pipeline import train
from edge_pipeline.training.presets import config_from
from edge_runtime.errors import InputError

pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')

TEXTS = [
    "这本书很好，我喜欢。",
    "这本书不好，不喜欢。",
    "unhappily unhappily unhappy unhappy",
    "हिन्दी में हिन्दी",
    "été ETE été",
]


def test_words_are_taken_apart_in_any_script() -> None:
    from edge_pipeline.models.scratch import SPECIAL, train_tokenizer

    tokenizer = train_tokenizer(TEXTS)
    assert [tokenizer.token_to_id(name) for name in SPECIAL] == list(range(len(SPECIAL)))
    assert tokenizer.encode("这书").tokens == ["[CLS]", "这", "书", "[SEP]"]
    assert tokenizer.encode("unhappy").tokens[1:-1] == ["unhappy"]
    assert "".join(tokenizer.encode("unhappyly").tokens[1:-1]).replace("##", "") == "unhappyly"
    assert tokenizer.encode("हिन्दी").tokens[1:-1] == ["हिन्दी"]
    assert tokenizer.encode("Été").tokens[1:-1] == ["été"]
    assert tokenizer.encode("Ω").tokens[1:-1] == ["[UNK]"]


def test_equal_texts_give_an_equal_vocabulary_in_another_process() -> None:
    code = f"from edge_pipeline.models.scratch import train_tokenizer; print(train_tokenizer({TEXTS!r}).to_str())"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)]
    assert len(set(runs)) == 1


def test_it_learns_from_train_alone_and_is_exported(messages: Path, tmp_path: Path) -> None:
    table = tmp_path / "messages.csv"
    lines = messages.read_text(encoding="utf-8").splitlines()
    only_in_test = next(at for at, line in enumerate(lines) if line.endswith(",test"))
    lines[only_in_test] = f"zyzzyva zyzzyva zyzzyva {lines[only_in_test]}"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = config_from("text-scratch", {"epochs": 4, "precision": "fp32", "learning_rate": 3e-3, "max_length": 32})
    result = train(table, tmp_path / "run", asked)
    assert result.metrics["test"]["top1"] > 0.9
    assert "zyzz" not in (result.run / TOKENIZER_FILE).read_text(encoding="utf-8")
    run = read_run(result.run)
    assert run.network["head"]["pooling"] == "mean" and run.weights_source["kind"] == "none"
    assert capture(str(result.run)).parity.largest_difference < 1e-3


def test_what_cannot_be_learned_from_nothing_is_one_line(messages: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--model scratch"):
        train(messages, tmp_path / "run", config_from("text-scratch", {"lora": 4}))
