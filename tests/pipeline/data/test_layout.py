"""Folders with splits, flat folders, and what is found in them beside images."""

from pathlib import Path

import pytest

from edge_pipeline.data import describe, open_dataset
from edge_runtime.errors import InputError


def test_a_flat_folder_is_split_by_class_in_fixed_shares(flat):
    data = open_dataset(flat({"cat": 40, "dog": 20}))
    assert data.labels == ("cat", "dog")
    assert data.report.counts == {
        "train": {"cat": 28, "dog": 14},
        "val": {"cat": 6, "dog": 3},
        "test": {"cat": 6, "dog": 3},
    }
    paths = [path for split in data.splits.values() for path, _ in split]
    assert len(set(paths)) == 60 and all(path.is_file() for path in paths)
    assert data.report.warnings == ()


def test_a_split_can_be_iterated_again_and_indexed(flat):
    train = open_dataset(flat({"cat": 5, "dog": 5})).splits["train"]
    items = list(train)
    assert items == list(train) == [train[index] for index in range(len(train))]
    assert {(path.parent.name, target) for path, target in items} == {("cat", 0), ("dog", 1)}


@pytest.mark.parametrize("alias", ["val", "Valid", "validation", "dev"])
def test_splits_are_taken_as_they_are_under_their_usual_names(folder, alias):
    files = {f"{split}/{label}/{n}.png" for split in ("train", alias, "test") for label in "ab" for n in range(3)}
    data = open_dataset(folder({path: seed for seed, path in enumerate(sorted(files))}))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 6, "val": 6, "test": 6}
    assert all(path.parts[-3] == alias for path, _ in data.splits["val"])


def test_two_names_of_one_split_are_refused(folder):
    root = folder({"train/a/1.png": 1, "val/a/2.png": 2, "valid/a/3.png": 3})
    with pytest.raises(InputError, match="val and valid are both the val split"):
        open_dataset(root)


def test_a_missing_val_is_carved_from_train_and_said(folder):
    names = [
        f"{split}/{label}/{n}.png"
        for split, count in (("train", 20), ("test", 4))
        for label in "ab"
        for n in range(count)
    ]
    data = open_dataset(folder({name: seed for seed, name in enumerate(names)}))
    assert data.report.counts["val"] == {"a": 3, "b": 3}
    assert data.report.counts["test"] == {"a": 4, "b": 4}
    assert "no val split: 15% of train was carved off" in data.report.warnings[0]


def test_a_missing_test_is_said(folder):
    names = [f"{split}/{label}/{n}.png" for split in ("train", "val") for label in "ab" for n in range(4)]
    data = open_dataset(folder({name: seed for seed, name in enumerate(names)}))
    assert list(data.splits) == ["train", "val"]
    assert any("no test split" in line for line in data.report.warnings)


def test_a_class_named_train_is_a_class(flat):
    data = open_dataset(flat({"train": 8, "bus": 8}))
    assert data.labels == ("bus", "train")


def test_names_with_spaces_and_other_scripts(folder):
    names = [f"{label}/фото {n} 图.png" for label in ("猫 图片", "Straße 1") for n in range(6)]
    data = open_dataset(folder({name: seed for seed, name in enumerate(names)}, name="数 据"))
    assert data.labels == ("Straße 1", "猫 图片")
    assert sum(map(len, data.splits.values())) == 12
    assert any("数 据" in line for line in describe(data))


def test_labels_are_sorted_as_torchvision_sorts_them(flat):
    assert open_dataset(flat({"10": 3, "9": 3, "B": 3, "a": 3})).labels == ("10", "9", "B", "a")


def test_noise_is_passed_over_with_a_count(flat):
    root = flat({"cat": 8, "dog": 8})
    for name in (".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", "dog/notes.txt", "dog/._001.png", "dog/LICENSE"):
        (root / name).write_bytes(b"x")
    (root / ".git").mkdir()
    (root / "__MACOSX").mkdir()
    data = open_dataset(root)
    assert data.labels == ("cat", "dog")
    assert data.report.ignored == {".txt": 1, "hidden": 3, "without ending": 1}
    assert data.report.skipped == () and data.report.warnings == ()
    assert "1 .txt" in "\n".join(describe(data))


def test_loose_images_and_empty_classes_are_said(flat, picture):
    root = flat({"cat": 8, "dog": 8})
    picture(99).save(root / "loose.png")
    (root / "bird").mkdir()
    data = open_dataset(root)
    assert data.labels == ("cat", "dog")
    assert any("1 images beside the folders" in line for line in data.report.warnings)
    assert any("bird holds no images" in line for line in data.report.warnings)


def test_images_deep_in_a_class_folder_count_and_links_do_not_run_in_circles(folder):
    root = folder(
        {
            f"{label}/day {n % 2}/cam/{n}.png": seed
            for seed, (label, n) in enumerate((c, n) for c in "ab" for n in range(6))
        }
    )
    (root / "a" / "loop").symlink_to(root / "a")
    (root / "b" / "elsewhere").symlink_to(folder({f"{n}.png": 100 + n for n in range(3)}, name="other disk"))
    data = open_dataset(root)
    assert [sum(counts[label] for counts in data.report.counts.values()) for label in "ab"] == [6, 9]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1.png": 1}, "no folders of classes"),
        ({"cat/1.png": 1, "cat/2.png": 2, "cat/3.png": 3}, r"one class \(cat\)"),
        ({"cat/readme.txt": b"x", "dog/readme.txt": b"x"}, "no images"),
        ({"val/cat/1.png": 1, "test/cat/1.png": 2}, "found test, val, but no train folder"),
        (
            {"train/cat/1.png": 1, "train/dog/2.png": 2, "val/cat/3.png": 3, "test/cow/4.png": 4},
            "no train image of cow",
        ),
        ({"cat/1.png": 1, "dog/2.png": 2}, "2 separate items or groups cannot fill 3 splits"),
    ],
)
def test_folders_that_cannot_be_used_get_one_clear_line(folder, files, message):
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(folder(files))
    assert "\n" not in str(caught.value) and str(caught.value).count("data") >= 1


def test_what_is_not_there_or_no_folder(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist; give a folder"):
        open_dataset(tmp_path / "nowhere")
    (tmp_path / "data.zip").write_bytes(b"x")
    with pytest.raises(InputError, match=r"neither a folder nor a \.csv file"):
        open_dataset(tmp_path / "data.zip")


def test_few_items_of_a_class_go_to_train_first(flat):
    data = open_dataset(flat({"cat": 20, "rare": 2, "three": 3}))
    assert [data.report.counts[split]["rare"] for split in ("train", "val", "test")] == [2, 0, 0]
    assert [data.report.counts[split]["three"] for split in ("train", "val", "test")] == [1, 1, 1]
    assert "test has no image of rare, so nothing can be said about it" in data.report.warnings


def test_a_relative_path_is_kept_absolute(flat, monkeypatch):
    root = flat({"cat": 4, "dog": 4})
    monkeypatch.chdir(root.parent)
    assert open_dataset(Path("data")).path == root
