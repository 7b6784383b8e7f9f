"""Arrays and folders of data for models from elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_pipeline.source_data import DataOptions, read_labels, source_data
from edge_runtime.errors import InputError


def opened(path: Path, **options: object):
    with source_data(path, DataOptions(**options)) as material:  # type: ignore[arg-type]
        return material, {
            name: [(np.asarray(Image.open(file)), target) for file, target in split]
            for name, split in material.data.splits.items()
        }


def images(count: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 10, 3), dtype=np.uint8)


def test_arrays_come_back_pixel_for_pixel(tmp_path):
    x, y = images(), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x=x, y=y, split=np.array(["train"] * 20 + ["val"] * 10 + ["test"] * 10))
    material, splits = opened(tmp_path / "a.npz")
    assert material.labels == ()
    assert [len(splits[name]) for name in ("train", "val", "test")] == [20, 10, 10]
    for (pixels, target), expected, label in zip(splits["test"], x[30:], y[30:], strict=True):
        np.testing.assert_array_equal(pixels, expected)
        assert target == label


def test_arrays_by_split_with_names_of_classes(tmp_path):
    parts = {f"x_{name}": images(10, seed) for seed, name in enumerate(("train", "val", "test"))}
    labels = {f"y_{name}": np.arange(10) % 2 + 9 for name in ("train", "val", "test")}
    np.savez(tmp_path / "a.npz", **parts, **labels, labels=np.array([f"class {n}" for n in range(11)]))
    material, splits = opened(tmp_path / "a.npz")
    # Numbers are the model's own: 10 must not come before 9, as names sorted by letters would have it.
    assert material.labels[10] == "class 10"
    assert {target for _, target in splits["val"]} == {9, 10}


def test_the_same_arrays_have_the_same_fingerprints(tmp_path):
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=images(), y=np.arange(40) % 2)
    first, second = (opened(tmp_path / f"{name}.npz")[0] for name in "ab")
    assert first.data.fingerprints == second.data.fingerprints


def test_images_without_labels_are_split_by_content(tmp_path):
    for index, pixels in enumerate(images(30)):
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    material, splits = opened(tmp_path)
    assert {target for split in splits.values() for _, target in split} == {None}
    assert sum(map(len, splits.values())) == 30
    assert all(len(splits[name]) for name in ("train", "val", "test"))
    assert "no labels: 30 images" in material.notes[0]
    assert opened(tmp_path)[0].data.fingerprints == material.data.fingerprints


def test_folders_of_splits_without_labels(tmp_path):
    for split, seed in (("train", 0), ("val", 1), ("test", 2)):
        (tmp_path / split).mkdir()
        for index, pixels in enumerate(images(5, seed)):
            Image.fromarray(pixels).save(tmp_path / split / f"{index}.png")
    _, splits = opened(tmp_path)
    assert {name: len(split) for name, split in splits.items()} == {"train": 5, "val": 5, "test": 5}


def test_folders_of_classes_follow_the_labels_file(tmp_path):
    for name, seed in (("cat", 0), ("dog", 1)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index, pixels in enumerate(images(10, seed)):
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{index}.png")
    (tmp_path / "names.txt").write_text("fish\ndog\ncat\n")
    material, splits = opened(tmp_path / "data", labels=tmp_path / "names.txt")
    assert material.labels == ("fish", "dog", "cat")
    assert {target for _, target in splits["train"]} == {1, 2}
    (tmp_path / "names.txt").write_text("fish\ndog\n")
    with pytest.raises(InputError, match=r"1 of its labels are none of the 2 names of the model's outputs .cat."):
        opened(tmp_path / "data", labels=tmp_path / "names.txt")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"z": np.zeros(3)}, "holds z; expected x"),
        ({"x": images().astype(np.float32) / 255, "y": np.zeros(40, int)}, r"divided by 255.*--preprocess scale255"),
        ({"x": images().astype(np.float32) / 127.5 - 1}, r"from -1 to 1.*give the uint8 images"),
        ({"x": images() + np.float32(0.5)}, "give the uint8 images"),
        ({"x": np.full((3, 4, 4, 3), np.nan)}, "144 of its values NaN or infinite"),
        ({"x": images().transpose(0, 3, 1, 2)}, r"images are uint8 \(n, height, width, 3\)"),
        ({"x": images(), "y": np.zeros(39, int)}, r"y has shape \(39,\) for 40 images"),
        ({"x": images(), "y": np.zeros(40)}, "y is float64; class numbers or names"),
        ({"x": images(), "split": np.array(["train"] * 39 + ["holdout"])}, "split 'holdout'; write train"),
        ({"x": images(), "y": np.zeros(40, int)}, "a.npz: one class .0."),
        ({"x_train": images(), "y_train": np.arange(40) % 2, "x_test": images(4, 1)}, "labels for some splits alone"),
        ({"x_train": images(), "x_test": images()}, "40 images are in two splits"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=words) as caught:
        opened(tmp_path / "a.npz")
    assert "edge-arrays-" not in str(caught.value).replace("items/", "")


def test_floats_that_are_pixels_are_pixels(tmp_path):
    labels = np.arange(40) % 2
    found = []
    for name, dtype in (("bytes", np.uint8), ("floats", np.float32)):
        np.savez(tmp_path / f"{name}.npz", x=images().astype(dtype), y=labels)
        found.append(opened(tmp_path / f"{name}.npz")[0].data.fingerprints)
    assert found[0] == found[1]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"no archive"])
def test_files_that_are_no_arrays(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        opened(tmp_path / "a.npz")


def test_pickled_arrays_are_not_run(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"not a readable \.npz file of plain arrays"):
        opened(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "one\n", "fewer than two"),
        ("a.txt", "one\ntwo\none\n", "'one' stands twice"),
        ("a.json", '{"0": "one"}', "a JSON list of names"),
        ("a.json", "[", "Expecting value"),
    ],
)
def test_labels_files_that_cannot_be_used(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_labels(tmp_path / name)
