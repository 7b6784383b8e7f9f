"""CSV files as spreadsheets and scripts write them."""

import pytest

from edge_pipeline.data import open_dataset
from edge_runtime.errors import InputError


@pytest.fixture
def images(folder):
    """A folder of 24 pictures with a comma in their names."""
    return folder({f"img/no, {number:02d}.png": number for number in range(24)})


def rows_of(count: int = 24) -> list[list[str]]:
    return [[f"img/no, {number:02d}.png", "cat" if number % 2 else "dog"] for number in range(count)]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8-sig")])
def test_spreadsheets_of_every_kind(images, write_csv, delimiter, encoding):
    file = write_csv(images / "labels.csv", [["Path", " label "], *rows_of(), []], delimiter, encoding)
    data = open_dataset(file)
    assert data.labels == ("cat", "dog") and data.path == file
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 16, "val": 4, "test": 4}
    assert all(path.is_file() for path, _ in data.splits["train"])


def test_split_and_group_columns(images, write_csv):
    rows = [
        [*row, ["Training", "dev", "test"][number // 8], f"rec{number // 4}"] for number, row in enumerate(rows_of())
    ]
    data = open_dataset(write_csv(images / "labels.csv", [["path", "label", "split", "group"], *rows]))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 8, "val": 8, "test": 8}
    assert set(data.splits["val"].groups) == {"rec2", "rec3"}


def test_absolute_paths(images, write_csv, tmp_path):
    rows = [[str(images / path), label] for path, label in rows_of()]
    data = open_dataset(write_csv(tmp_path / "elsewhere" / "labels.csv", [["path", "label"], *rows]))
    assert all(path.is_file() for path, _ in data.splits["test"])


def test_several_labels_an_image(images, write_csv):
    labels = ["cat|dog", "dog", "", "cat | bird|cat"]
    rows = [[path, labels[number % 4]] for number, (path, _) in enumerate(rows_of())]
    file = write_csv(images / "labels.csv", [["path", "label"], *rows])
    data = open_dataset(file, multilabel=True)
    assert data.labels == ("bird", "cat", "dog")
    found = {path.name: target for split in data.splits.values() for path, target in split}
    assert [found[f"no, {number:02d}.png"] for number in range(4)] == [(1, 2), (2,), (), (0, 1)]


def test_a_bar_in_a_label_is_pointed_out(images, write_csv):
    rows = [[path, "cat|dog" if number % 2 else "dog"] for number, (path, _) in enumerate(rows_of())]
    data = open_dataset(write_csv(images / "labels.csv", [["path", "label"], *rows]))
    assert any("--multilabel" in line for line in data.report.warnings)


def test_a_row_that_repeats_counts_once(images, write_csv):
    file = write_csv(images / "labels.csv", [["path", "label"], *rows_of(), rows_of()[0]])
    data = open_dataset(file)
    assert sum(map(len, data.splits.values())) == 24
    assert "1 rows repeat an earlier row" in data.report.warnings[0]


def test_one_missing_file_is_skipped_and_many_are_an_error(images, write_csv):
    rows = [["path", "label"], *rows_of(), ["img/gone.png", "cat"]]
    data = open_dataset(write_csv(images / "labels.csv", rows))
    assert [(item.path, item.reason) for item in data.report.skipped] == [("img/gone.png", "No such file or directory")]
    with pytest.raises(InputError, match=r"2 of 26 images cannot be read: img/away.png \(No such file"):
        open_dataset(write_csv(images / "labels.csv", [*rows, ["img/away.png", "cat"]]))


HEADER = "path,label\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no column path and label in the header \(empty\)"),
        ("file,label\na.png,cat\n", "no column path in the header file, label; .* --text and --label"),
        ("img/a.png,cat\n", "no column path and label"),
        ("path,label,label\na.png,cat,dog\n", "names label twice"),
        (HEADER, "no rows under the header"),
        (HEADER + "a.png,cat\nb.png\n", "line 3: 1 fields under a header of 2"),
        (HEADER + "no, 1.png,cat\n", "line 2: 3 fields under a header of 2; put names that contain ',' in quotes"),
        (HEADER + "a.png,\n", "line 2: a.png has no label"),
        (HEADER + ",cat\n", "line 2: the path is empty"),
        (HEADER + '"a.png,cat\n', "line 2: broken CSV"),
        (HEADER + "a.png,cat\na.png,dog\n", "line 3: a.png was listed before with another label"),
        ("path,label,split\na.png,cat,learn\n", "split 'learn'; write train, val or test"),
        ("path,label,split\na.png,cat,train\nb.png,cat,\n", "1 of 2 rows have no split"),
    ],
)
def test_broken_files_get_one_clear_line(tmp_path, text, message):
    file = tmp_path / "labels.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(file)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_another_encoding_is_named(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes("path,label\nStraße.png,cat\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"not UTF-8 \(byte 15\); save it as 'CSV UTF-8'"):
        open_dataset(file)


def test_multilabel_needs_a_csv(flat):
    with pytest.raises(InputError, match="need a CSV file"):
        open_dataset(flat({"cat": 4, "dog": 4}), multilabel=True)
