"""A model trained elsewhere, through the command, to a bundle that answers as its file does."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner, Result

import edge_runtime
from edge_pipeline.cli import edge
from edge_runtime.bundle import read_bundle

QUICK = [
    "--timing-seconds",
    "1",
    "--calibration-samples",
    "64",
    "--search-time",
    "0",
    "--provisional",
    "--fallback",
    "fp32",
    "--quantize",
    "int8",
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(edge, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def shipped(digits, digits_onnx: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("shipped")
    np.savez(folder / "digits.npz", x=digits[0], y=digits[1])
    out = folder / "digits.edge"
    result = run(
        digits_onnx, "--data", folder / "digits.npz", "--preprocess", "scale255", "-o", out, "--max-drop", 3, *QUICK
    )
    return out, result


def test_it_ships_and_says_what_it_took(shipped):
    out, result = shipped
    assert result.exit_code == 0, result.output
    report = json.loads(Path(f"{out}.report.json").read_text())
    assert report["source"] == "onnx"
    assert report["measure"] == "top-1"
    assert report["rows"][0]["top1"] > 0.93
    for words in ("preprocessing as given", "opset 12 to 17", "Softmax was taken off", "takes gray"):
        assert any(words in note for note in report["notes"])
        assert words in result.output


def both(bundle: Path, file: Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the bundle through the runtime, and those of the file itself."""
    model = edge_runtime.load(bundle)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    theirs = np.concatenate(
        [session.run(None, {"image": image[None, None].astype(np.float32) / 255})[0] for image in images]
    )
    batch = np.stack([model.preprocess(np.repeat(image[..., None], 3, axis=2)) for image in images])
    logits = model.infer(batch)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True), theirs


@pytest.mark.filterwarnings("ignore::edge_runtime.EdgeWarning")  # where time was in doubt
def test_the_bundle_answers_as_the_file(shipped, digits, digits_onnx: Path):
    ours, theirs = both(shipped[0], digits_onnx, digits[0][1500:1600])
    assert np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1)) >= 0.98
    assert np.abs(ours - theirs).mean() < 0.01


def test_without_labels_everything_speaks_of_agreement(digits, digits_onnx: Path, tmp_path: Path):
    np.savez(tmp_path / "bare.npz", x=digits[0])
    out = tmp_path / "bare.edge"
    result = run(
        digits_onnx, "--data", tmp_path / "bare.npz", "--preprocess", "scale255", "-o", out, "--max-drop", 3, *QUICK
    )
    assert result.exit_code == 0, result.output
    assert "agreement %" in result.output
    assert "top-1" not in result.output
    report = json.loads(Path(f"{out}.report.json").read_text())
    assert report["measure"] == report["accuracy"]["measure"] == "agreement"
    if report["outcome"] == "shipped":
        assert "agrees with fp32" in report["reason"]
    assert report["rows"][0]["top1"] == 1.0
    assert report["unknown"] == {}
    page = Path(f"{out}.report.html").read_text()
    assert "agreement with fp32" in page
    assert "op-1" not in page
    # Read, not loaded: on a busy machine whether so small a network is faster is in doubt, and loading says so.
    assert read_bundle(out).manifest.provenance["measure"] == "agreement"


def test_labels_in_another_order_are_noticed(digits, digits_onnx: Path, tmp_path: Path):
    np.savez(tmp_path / "shifted.npz", x=digits[0], y=(digits[1] + 1) % 10)
    out = tmp_path / "x.edge"
    result = run(digits_onnx, "--data", tmp_path / "shifted.npz", "--preprocess", "scale255", "-o", out)
    assert result.exit_code != 0
    assert "guessing among 10 labels" in str(result.exception)
    assert not out.exists()


def test_names_in_the_order_of_the_outputs(digits, digits_onnx: Path, tmp_path: Path):
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    (tmp_path / "names.txt").write_text("\n".join(names))
    np.savez(tmp_path / "named.npz", x=digits[0], y=np.array(names)[digits[1]])
    out = tmp_path / "named.edge"
    given = ["--data", tmp_path / "named.npz", "--preprocess", "scale255", "--labels", tmp_path / "names.txt"]
    result = run(digits_onnx, *given, "-o", out, "--timing-seconds", 1)
    assert result.exit_code == 0, result.output
    assert edge_runtime.load(out).labels == tuple(names)
    ours, theirs = both(out, digits_onnx, digits[0][1500:1600])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert json.loads(Path(f"{out}.report.json").read_text())["rows"][0]["top1"] > 0.93
