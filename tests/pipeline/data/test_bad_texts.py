"""Texts and labels that cannot be used, or should be looked at: one clear line that shows no text."""

import codecs
import json
from pathlib import Path

import pytest

from edge_pipeline.data import open_dataset
from edge_pipeline.data.text_opening import is_text_data
from edge_runtime.errors import InputError

GOOD = [(f"number {at} is {'abc'[at % 3] * (at % 7)} here", "xyz"[at % 3]) for at in range(60)]
PLAIN = "text,label\n" + "".join(f"{text},{label}\n" for text, label in GOOD)

REFUSED = {
    "UTF-16, UTF-8 is expected; save it as UTF-8": PLAIN.encode("utf-16"),
    "line 1: a NUL character, as UTF-16 and binary files have": PLAIN.encode("utf-16-le"),
    "line 3: a NUL character": b"text,label\na,b\nc\0c,d\n",
    "line 2: not UTF-8 (byte 14)": b"text,label\nabc\xff,b\n",
    "broken CSV (unexpected end of data); check the quotes": b'text,label\n"never closed,a\nmore,b\n',
    "no rows; there is nothing to learn from": b"",
    "all 60 texts are empty; name the right column with --text": "text,label\n" + "".join(f" ,{y}\n" for _, y in GOOD),
    "60 of 60 texts are names of files; name the column of texts with --text": "text,label\n"
    + "".join(f"letters/2024/{at}.txt,{y}\n" for at, (_, y) in enumerate(GOOD)),
    "column label has 10,000 different values in 20,000 rows, so they are no classes": "text,label\n"
    + "".join(f"word {at},c{at % 10_000}\n" for at in range(20_000)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, message: str) -> None:
    content = REFUSED[message]
    file = tmp_path / "bad.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        open_dataset(file, text="text")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_the_text_column_is_no_label_column(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(PLAIN)
    with pytest.raises(InputError, match="column text has 60 different values in 60 rows"):
        open_dataset(file, label="text")


def test_a_file_of_a_folder_is_read_as_strictly(tmp_path: Path) -> None:
    for at, (text, label) in enumerate(GOOD):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{at}.txt").write_text(text)
    (tmp_path / "x" / "odd.txt").write_bytes(b"one\ntwo\0\n")
    with pytest.raises(InputError, match=r"odd\.txt line 2: a NUL character"):
        open_dataset(tmp_path)


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    plain = open_file(tmp_path, PLAIN.encode())
    for content in (
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
    ):
        assert open_file(tmp_path, content).fingerprints == plain.fingerprints


def open_file(folder: Path, content: bytes):
    file = folder / "a.csv"
    file.write_bytes(content)
    return open_dataset(file)


def test_labels_that_differ_in_case_or_spaces_alone_are_named(tmp_path: Path) -> None:
    rows = [
        (f"{text} {at}", ("Spam", "spam", "no spam", "No  Spam", "ham")[at % 5]) for at, (text, _) in enumerate(GOOD)
    ]
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    (line,) = [line for line in open_dataset(lines).report.warnings if "differ only" in line]
    assert "'No  Spam' and 'no spam', 'Spam' and 'spam'; if they are one class" in line and "ham'," not in line
    assert not any("differ only" in line for line in open_file(tmp_path, PLAIN.encode()).report.warnings)


def test_one_text_with_two_labels_is_told_by_its_lines(tmp_path: Path) -> None:
    content = PLAIN + "The same words,x\nthe same  WORDS!,y\n"
    report = open_file(tmp_path, content.encode()).report
    assert report.conflicts == (("line 62", "line 63"),)
    (line,) = [line for line in report.warnings if "different labels" in line]
    assert "1 texts have copies with different labels: line 62 = line 63" in line and "same words" not in line.lower()


def test_a_class_of_one_text_trains_and_is_told_to_be_judged_nowhere(tmp_path: Path) -> None:
    data = open_file(tmp_path, (PLAIN + "a lonely one,rare\n").encode())
    assert data.report.counts["train"]["rare"] == 1
    for split in ("val", "test"):
        assert f"{split} has no text of rare, so nothing can be said about it" in data.report.warnings


def test_a_class_that_train_lacks_is_refused(tmp_path: Path) -> None:
    rows = [(text, label, ("train", "val", "test")[at // 20]) for at, (text, label) in enumerate(GOOD)]
    content = "text,label,split\n" + "".join(",".join(row) + "\n" for row in [*rows, ("odd", "rare", "test")])
    with pytest.raises(InputError, match="no train text of rare"):
        open_file(tmp_path, content.encode())


def test_a_text_of_ten_megabytes_is_read_and_named(tmp_path: Path) -> None:
    data = open_file(tmp_path, (PLAIN + "many words " * 950_000 + ",x\n").encode())
    (line,) = [line for line in data.report.warnings if "characters or more" in line]
    assert "1 texts have 1,000,000 characters or more, such as line 62" in line and len(line) < 200


def test_a_text_that_is_everywhere_names_few_of_its_lines(tmp_path: Path) -> None:
    content = PLAIN + "".join(f"the same words,{'xy'[at % 2]}\n" for at in range(30))
    (line,) = [line for line in open_file(tmp_path, content.encode()).report.warnings if "different labels" in line]
    assert line.endswith("= line 71 and 20 more")


def test_a_picture_among_texts_does_not_make_them_images_and_notes_beside_images_are_no_texts(tmp_path: Path) -> None:
    for at, (text, label) in enumerate(GOOD):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{at}.txt").write_text(text)
    (tmp_path / "x" / "logo.png").touch()
    assert is_text_data(tmp_path, None)
    for at in range(len(GOOD)):
        (tmp_path / "x" / f"{at}.png").touch()
    assert not is_text_data(tmp_path, None)
