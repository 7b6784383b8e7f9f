"""Sentence embeddings: from a directory of transformers to a bundle that answers with them, and how int8 is judged."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_export.capture.interface import SourceOptions
from edge_export.config import ExportConfig, ExportResult
from edge_export.quantize import RECIPES
from edge_pipeline.cli.run import command
from edge_pipeline.evaluation import evaluate
from edge_pipeline.exporting import export
from edge_runtime import Model, load, selftest
from edge_runtime.errors import InputError

TEXTS = ["where is my box", "please send the part", "größe ? 中", "it is broken . it is late", ""]
EXAMPLE = Path(__file__).parents[3] / "examples" / "search.py"


def made(encoder: Path, messages: Path, out: Path) -> ExportResult:
    config = ExportConfig(
        quantize="int8",
        source=SourceOptions(task="text-embedding"),
        max_drop=1.0,
        max_class_drop=1.0,
        recipe=RECIPES["dynamic"],
        timing_seconds=1.0,
        fallback="fp32",
        keep_fp32=True,
    )
    return export(encoder, out, data=messages, config=config)


@pytest.fixture(scope="module")
def result(tiny_encoder: Path, messages: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    """Of the tiny encoder, whose directory says `mean`; int8 of so small a network may be slower: then fp32 ships."""
    folder = tmp_path_factory.mktemp("embeddings")
    encoder = folder / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    (encoder / "1_Pooling").mkdir()
    pooling = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (encoder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return made(encoder, messages, folder / "mean.edge")


@pytest.fixture(scope="module")
def bundle(result: ExportResult) -> Path:
    assert result.bundle is not None
    return result.bundle


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return load(bundle, threads=1, variant="cpu-fp32")


def sentence_transformers(encoder: Path, texts: list[str], pooling: str) -> np.ndarray:
    """What the library of that name defines: the mean of unmasked tokens or the first one, over its length."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder)
    network = transformers.AutoModel.from_pretrained(encoder).eval()
    given = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = network(**given).last_hidden_state
    mask = given["attention_mask"].unsqueeze(-1).float()
    pooled = hidden[:, 0] if pooling == "cls" else (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled, dim=1).numpy()


def test_embeddings_are_those_of_sentence_transformers(model: Model, tiny_encoder: Path) -> None:
    ours = np.stack([answer.embedding for answer in model.predict(TEXTS)])
    assert ours.dtype == np.float32 and ours.shape == (len(TEXTS), 64)
    np.testing.assert_allclose(ours, sentence_transformers(tiny_encoder, TEXTS, "mean"), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-6)
    alone = np.stack([model.predict(text).embedding for text in TEXTS])
    np.testing.assert_allclose(alone, ours, atol=2e-6)


def test_the_bundle_proves_itself_and_has_no_labels(model: Model, bundle: Path) -> None:
    selftest(bundle).raise_for_failures()
    assert model.manifest.task == "text-embedding" and model.labels == ()
    told = model.predict("where").to_dict()
    assert set(told) == {"embedding", "content_id"} and len(told["embedding"]) == 64


def test_a_nearest_neighbor_with_the_same_label_is_right(bundle: Path, model: Model, messages: Path) -> None:
    evaluation = evaluate(bundle, messages, variant="cpu-fp32", threads=1)
    assert evaluation.measure == "nearest neighbor"
    rows = [line.rsplit(",", 2) for line in messages.read_text(encoding="utf-8").splitlines()[1:]]
    test = [(text.strip('"'), label) for text, label, split in rows if split == "test"]
    found = np.stack([answer.embedding for answer in model.predict([text for text, _ in test])])
    near = found @ found.T
    np.fill_diagonal(near, -2)
    right = [test[at][1] == label for at, (_, label) in zip(near.argmax(axis=1), test, strict=True)]
    assert evaluation.summary.top1.estimate == pytest.approx(np.mean(right), abs=0.01)


def test_int8_is_judged_by_its_own_neighbors(result: ExportResult) -> None:
    assert result.report["measure"] == "nearest neighbor"
    (note,) = [note for note in result.report["notes"] if "mean cosine with fp32" in note]
    assert float(note.split()[-1]) > 0.98


def test_a_directory_that_does_not_say_how_it_pools_is_one_line(
    tiny_encoder: Path, messages: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="give --pooling"):
        made(tiny_encoder, messages, tmp_path / "x.edge")


def test_the_command_line_shows_numbers(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(bundle), "where is it"], standalone_mode=False) == 0
    assert "(64 numbers)" in capsys.readouterr().out
    assert command.main([str(bundle), "where is it", "--json"], standalone_mode=False) == 0
    assert len(json.loads(capsys.readouterr().out)[0]["embedding"]) == 64


def test_the_example_searches(bundle: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("where is my box\nplease send the part\n\nit is late\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("search", EXAMPLE)
    assert spec is not None and spec.loader is not None
    search = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(search)
    assert search.main(str(bundle), str(texts), "please send the part", "it is late", most=1) == [
        ["please send the part"],
        ["it is late"],
    ]
