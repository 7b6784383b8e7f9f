"""What is in two splits at once: bytes, groups, look-alikes; and copies with other labels."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from edge_pipeline.data import open_dataset
from edge_pipeline.data.decode import read_facts
from edge_pipeline.data.twins import near_twins
from edge_runtime.errors import InputError


@pytest.fixture
def splits(folder):
    """A folder with splits of 12 + 4 + 4 distinct pictures."""
    names = [
        f"{split}/{label}/{number}.png"
        for split, count in (("train", 6), ("val", 2), ("test", 2))
        for label in "ab"
        for number in range(count)
    ]
    return folder({name: seed for seed, name in enumerate(names)})


def test_the_same_bytes_in_two_splits_are_an_error_that_lists_the_pairs(splits):
    shutil.copy(splits / "train/a/0.png", splits / "test/a/copy.png")
    shutil.copy(splits / "train/b/1.png", splits / "val/b/other name.png")
    with pytest.raises(InputError) as caught:
        open_dataset(splits)
    text = str(caught.value)
    assert "2 images are in two splits with the same bytes" in text and "--allow-leaks" in text
    assert "test/a/copy.png = train/a/0.png" in text and "train/b/1.png = val/b/other name.png" in text
    data = open_dataset(splits, allow_leaks=True)
    assert data.report.leaks == (("test/a/copy.png", "train/a/0.png"), ("train/b/1.png", "val/b/other name.png"))
    assert any(line.startswith("leak: 2 images") for line in data.report.warnings)


def test_only_the_first_pairs_are_named(splits):
    for number in range(6):
        for label in "ab":
            shutil.copy(splits / f"train/{label}/{number}.png", splits / f"test/{label}/copy {number}.png")
    with pytest.raises(InputError, match=r"12 images .*; and 2 more") as caught:
        open_dataset(splits)
    assert str(caught.value).count(" = ") == 10


def test_copies_within_a_split_are_counted_and_other_labels_listed(splits):
    shutil.copy(splits / "train/a/0.png", splits / "train/a/copy.png")
    shutil.copy(splits / "train/a/1.png", splits / "train/b/copy.png")
    report = open_dataset(splits).report
    assert report.duplicates == 2
    assert report.conflicts == (("train/a/1.png", "train/b/copy.png"),)
    assert any("1 images have copies with different labels" in line for line in report.warnings)


def test_copies_in_a_flat_folder_stay_in_one_split(flat):
    root = flat({"cat": 30, "dog": 30})
    for number in range(30):
        shutil.copy(root / f"cat/{number:03d}.png", root / f"cat/copy {number}.png")
    report = open_dataset(root).report
    assert report.duplicates == 30 and report.leaks == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((90, 90), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
        lambda image: ImageEnhance.Contrast(image).enhance(0.8),
        lambda image: image.convert("L"),
    ],
    ids=["resized", "darker", "flatter", "gray"],
)
def test_look_alikes_across_splits_are_a_warning_with_their_share(splits, picture, change):
    change(picture(0, 64)).save(splits / "test/a/again.jpg", quality=60)
    report = open_dataset(splits).report
    (found,) = report.near_duplicates
    assert (found.split, found.other, found.count, found.of) == ("test", "train", 1, 5)
    assert found.examples == (("test/a/again.jpg", "train/a/0.png"),)
    assert any("1 of 5 test images (20.0%) look the same" in line and "--group" in line for line in report.warnings)


def test_digits_that_only_resemble_each_other_are_no_look_alikes():
    """Small pictures of few shapes, where perceptual hashes collide."""
    from sklearn.datasets import load_digits

    pixels = (load_digits().images * 15).astype(np.uint8)[:600]
    thumbnails = np.array([_thumbnail(image) for image in pixels])
    rows = np.arange(len(thumbnails))
    assert len(near_twins(thumbnails, rows[:200], rows[200:])) <= 2


def test_blank_pictures_are_not_each_others_look_alikes():
    thumbnails = np.full((50, 256), 255, np.uint8)
    thumbnails[:, ::7] -= np.arange(50, dtype=np.uint8)[:, None] % 5
    assert near_twins(thumbnails, np.arange(25), np.arange(25, 50)) == {}


def test_twins_are_those_of_a_plain_search():
    rng = np.random.default_rng(3)
    thumbnails = rng.integers(0, 256, (5000, 256)).astype(np.uint8)
    rows, others = np.arange(0, 5000, 2), np.arange(1, 5000, 2)
    expected = {}
    for row in range(0, 1000, 10):
        other = 4999 - row
        noise = rng.integers(-2, 3, 256)
        thumbnails[other] = np.clip(thumbnails[row].astype(int) + noise, 0, 255)
        expected[row] = other
    assert near_twins(thumbnails, rows, others) == expected
    # The second answer comes from the cache, and differs as soon as a pixel does.
    assert near_twins(thumbnails, rows, others) == expected
    thumbnails[expected.pop(10)] = 0
    assert near_twins(thumbnails, rows, others) == expected


def test_look_alikes_stay_in_one_split_of_a_flat_folder(flat, picture):
    root = flat({"cat": 30, "dog": 30})
    for number in range(0, 30, 2):
        Image.open(root / f"cat/{number:03d}.png").save(root / f"cat/{number:03d} again.jpg", quality=50)
    data = open_dataset(root)
    assert data.report.near_duplicates == ()
    where = {path.stem.split()[0] + path.parent.name: set() for split in data.splits.values() for path, _ in split}
    for name, split in data.splits.items():
        for path, _ in split:
            where[path.stem.split()[0] + path.parent.name].add(name)
    assert all(len(names) == 1 for names in where.values())


def test_a_group_in_two_splits_is_an_error(folder):
    names = [
        f"{split}/{label}/cam{n % 2}_{n}.png" for split in ("train", "val", "test") for label in "ab" for n in range(4)
    ]
    root = folder({name: seed for seed, name in enumerate(names)})
    with pytest.raises(
        InputError, match=r"2 groups are in two splits: cam0 \(train, val, test\); cam1 .*--allow-leaks"
    ):
        open_dataset(root, group=r"cam\d")
    assert any(
        "leak: 2 groups" in line for line in open_dataset(root, group=r"cam\d", allow_leaks=True).report.warnings
    )


def test_the_group_is_the_first_group_of_the_pattern_or_the_match(folder):
    names = [f"{label}/machine {m} frame {n}.png" for label in "ab" for m in range(8) for n in range(4)]
    root = folder({name: seed for seed, name in enumerate(names)})
    for pattern, group in ((r"machine (\d+)", "3"), (r"machine \d+", "machine 3")):
        data = open_dataset(root, group=pattern)
        seen = [set(split.groups) for split in data.splits.values()]
        assert sum(map(len, seen)) == len(set().union(*seen)) == 8 and any(group in groups for groups in seen)


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "not a regular expression"), ("machine", "finds nothing in cat/000.png")]
)
def test_a_pattern_that_does_not_fit(flat, pattern, message):
    with pytest.raises(InputError, match=message):
        open_dataset(flat({"cat": 4, "dog": 4}), group=pattern)


def _thumbnail(pixels: np.ndarray) -> np.ndarray:
    import io

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return np.frombuffer(read_facts(stream.getvalue()).thumbnail, np.uint8)


def test_a_chain_of_look_alikes_that_is_too_long_to_keep_together_is_a_loud_warning(flat, picture):
    """Two recordings of a still camera, one for each class: only a person can say what to do."""
    root = flat({"cat": 0, "dog": 0})
    for label, seed in (("cat", 1), ("dog", 2)):
        (root / label).mkdir(parents=True)
        still = np.asarray(picture(seed)).astype(int)
        for frame in range(20):
            noisy = np.clip(still + np.random.default_rng(frame).integers(-3, 4, still.shape), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(root / label / f"{frame}.png")
    data = open_dataset(root)
    assert [len(split) for split in data.splits.values()] == [28, 6, 6]
    assert sum("6 of 6" in line and "(100.0%)" in line and "--group" in line for line in data.report.warnings) == 3
