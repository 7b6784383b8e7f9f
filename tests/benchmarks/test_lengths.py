"""Texts by length: the buckets, the texts that fill them, what a benchmark tells, and no padding for nothing."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edge_benchmarks.bench.lengths import bucket_edges, lengths_of
from edge_benchmarks.bench.run import bench
from edge_benchmarks.bench.scenarios.offline import padding_share
from edge_benchmarks.report import render
from edge_runtime import load
from edge_runtime.errors import InputError

pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "edge-runtime[text]"')

PAD = 0
TEXTS = ["it", "where is my ?", "send two of them please", "it broke . " * 2, "when is it ?", "my größe is . ? ."] * 5


@pytest.fixture(scope="module")
def drafts() -> ModuleType:
    """The runtime's tests make small text bundles."""
    place = Path(__file__).parents[1] / "runtime/text/conftest.py"
    spec = importlib.util.spec_from_file_location("text_drafts", place)
    assert spec and spec.loader
    module = sys.modules["text_drafts"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def messages(drafts: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that reads texts of up to 40 tokens: one item at a time in int8, any number in fp32."""
    path = tmp_path_factory.mktemp("bundles") / "messages.edge"
    path.write_bytes(drafts.new_text_draft(max_length=40).archive())
    return path


def test_buckets_double_up_to_the_longest_input() -> None:
    assert bucket_edges(128) == [16, 32, 64, 128]
    assert bucket_edges(40) == [16, 32, 40]
    assert bucket_edges(12) == [12]


def test_synthetic_texts_have_exactly_so_many_tokens(messages: Path) -> None:
    model = load(messages)
    found = lengths_of(model, None, seed=3)
    assert [(one.tokens, len(model.preprocess(one.inputs[0].data.decode()))) for one in found.buckets] == [
        (16, 16), (32, 32), (40, 40),
    ]  # fmt: skip
    assert lengths_of(model, None, seed=3) == found != lengths_of(model, None, seed=4)
    lengths = [len(model.preprocess(one.data.decode())) for one in found.listed]
    assert min(lengths) == 8 and max(lengths) == 40 and lengths != sorted(lengths)


def test_real_texts_fill_the_buckets_of_their_length_with_their_share(messages: Path) -> None:
    model = load(messages)
    texts = [*(f"{'it ' * n}".strip() for n in range(1, 11)), "it " * 20, "it " * 90]
    found = lengths_of(model, [(text, 0) for text in texts], seed=0)
    assert [(one.tokens, one.share) for one in found.buckets] == [(16, 10 / 12), (32, 1 / 12), (40, 1 / 12)]
    first = found.buckets[0].inputs
    assert len(first) == 10 and sorted(one.data.decode() for one in first) == sorted(texts[:10])
    assert first[0].data.decode() == texts[5]  # of median length: what the model alone is timed on
    said = json.dumps(found.describe())
    assert "it" not in said.replace("items", "") and "sha256" not in said


def test_texts_that_the_contract_refuses_are_in_no_bucket(drafts: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "strict.edge"
    path.write_bytes(drafts.new_text_draft(truncation="error").archive())
    model = load(path)
    found = lengths_of(model, [("it " * 50, 0), ("it", 0)], seed=0)
    assert [(one.tokens, one.share, len(one.inputs)) for one in found.buckets] == [(12, 1.0, 1)]
    with pytest.raises(InputError, match="1 texts, and the model reads none of them"):
        lengths_of(model, [("it " * 50, 0)], seed=0)
    assert len(lengths_of(model, None, seed=0).buckets) == 1


def test_texts_that_are_read_in_windows_have_buckets_of_their_own(drafts: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "windows.edge"
    path.write_bytes(drafts.new_text_draft(truncation="window").archive())
    model = load(path)
    found = lengths_of(model, [("it " * count, 0) for count in (3, 20, 100, 100)], seed=0)
    assert [(one.tokens, one.share) for one in found.buckets] == [(16, 0.25), (32, 0.25), (128, 0.5)]
    made = lengths_of(model, None, seed=0)
    assert [one.tokens for one in made.buckets] == [16, 24]
    # 62 tokens are eight windows of 12, which read some of the inner 60 and the two special ones again.
    assert padding_share(model, [b"it " * 60]) == pytest.approx(1 - 62 / (8 * 12))


def test_a_batch_is_never_padded_beyond_its_longest(messages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at what ONNX Runtime is given, whoever made the batch."""
    for variant in ("cpu-fp32", "cpu-int8"):
        model = load(messages, variant=variant)
        seen: list[np.ndarray] = []
        ask = model._ask
        monkeypatch.setattr(model, "_ask", lambda batch, ask=ask, seen=seen: seen.append(batch) or ask(batch))
        model.predict(TEXTS)
        rows = [model.preprocess(text) for text in TEXTS[:4]]
        padded = np.zeros((4, 40), np.int64)
        for row, ids in zip(padded, rows, strict=True):
            row[: len(ids)] = ids
        model.infer(padded)
        assert all((batch[:, -1] != PAD).any() for batch in seen) and len(seen) > 1
        computed = sum(batch.size for batch in seen[: -4 if variant == "cpu-int8" else -1])
        used = sum(len(model.preprocess(text)) for text in TEXTS)
        assert padding_share(model, [text.encode() for text in TEXTS]) == pytest.approx(1 - used / computed)
        assert (computed == used) == (variant == "cpu-int8")


def test_a_benchmark_tells_latency_by_length_and_the_rate_of_a_list(messages: Path) -> None:
    report = bench(
        messages, seconds=0.3, cold_starts=0, threads=1, scenarios=["offline", "by-length"], batches=[2],
        data=lambda model: [(text, at % 3) for at, text in enumerate(TEXTS * 2)],
    )  # fmt: skip
    scenarios = [(row.scenario, row.what) for row in report.rows if row.arm == "cpu-fp32"]
    assert scenarios == [
        ("offline/batch=2", "model"), ("offline/texts=60", "end-to-end"),
        ("by-length/tokens=16", "end-to-end"), ("by-length/tokens=16", "model"),
    ]  # fmt: skip
    whole = next(row for row in report.rows if row.scenario.startswith("by-length") and row.what == "end-to-end")
    assert whole.share == 1.0 and "preprocess" in whole.stages
    padding = {row.arm: row.padding_share for row in report.rows if row.scenario == "offline/texts=60"}
    assert padding["cpu-int8"] == 0.0 < padding["cpu-fp32"]
    keys = {one.key for one in report.measurements}
    assert "messages/cpu-int8/by-length/tokens=16/latency_p50" in keys
    assert "messages/cpu-int8/offline/texts=60/throughput" in keys
    document = json.loads(json.dumps(report.to_dict()))
    assert document["settings"]["lengths"]["source"] == "data"
    assert "cpu-fp32, up to 16 tokens, 100% of texts |" in render(document, "markdown")
    terminal = render(document, "terminal")
    assert "By length of the text, from input to answer" in terminal
    assert f"{padding['cpu-fp32']:.1%} of the tokens computed for the list were padding" in terminal
    assert not any(text in json.dumps(document) for text in TEXTS if " " in text)


def test_images_have_no_lengths(bundle: Path) -> None:
    with pytest.raises(InputError, match="'by-length' is for bundles that read texts"):
        bench(bundle, seconds=0.1, cold_starts=0, threads=1, scenarios=["by-length"])


def test_the_page_draws_medians_over_lengths() -> None:
    from edge_benchmarks.report.plots import latency_by_length
    from edge_benchmarks.verdicts import Interval

    curves = {"a": [(16, Interval(1.0, 0.9, 1.1, 0.95)), (128, Interval(6.0, 5.0, float("inf"), 0.95))]}
    svg = latency_by_length(curves)
    assert ">16<" in svg and ">128<" in svg and "milliseconds" in svg


def test_arms_in_processes_of_their_own_answer_lists_too(messages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an arm has two threads the arms take turns apart."""
    from edge_benchmarks.bench.scenarios import apart, attempts

    monkeypatch.setattr(apart, "FEWEST_BLOCKS", 2)
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    report = bench(messages, seconds=0.1, cold_starts=0, threads=2, scenarios=["offline"], batches=[1])
    rates = {row.arm: row for row in report.rows if row.scenario == "offline/texts=64"}
    assert set(rates) == {"cpu-int8", "cpu-fp32"} and all(row.n > 0 for row in rates.values())
