"""Tables and folders of texts: what is read, what stays together, and one clear line for what cannot be used."""

import json
from pathlib import Path

import pytest

from edge_pipeline.data import TextSplit, open_dataset
from edge_pipeline.data.dataset import describe
from edge_runtime.errors import InputError

SCRIPTS = (
    "客户很满意",
    "العميل سعيد",
    "👍🏽 great",
    "naïve café",
    "Привет, мир",
    'say "hi", twice\nor more',
    "",
    "नमस्ते",
)


def write_csv(path: Path, rows: list[tuple[str, ...]], header: str = "text,label") -> Path:
    import csv

    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(header + "\n")
        csv.writer(stream).writerows(rows)
    return path


def many(count: int = 60) -> list[tuple[str, str]]:
    return [(f"message {number} {'abc'[number % 3] * number}", f"kind {number % 3}") for number in range(count)]


def test_csv_json_lines_and_folder_give_the_same_data(tmp_path: Path) -> None:
    rows = many() + [(text, "kind 0") for text in SCRIPTS]
    from_csv = open_dataset(write_csv(tmp_path / "a.csv", rows))
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    folder = tmp_path / "folder"
    for number, (text, label) in enumerate(rows):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{number}.txt").write_text(text, encoding="utf-8", newline="")
    from_json, from_folder = open_dataset(lines), open_dataset(folder)
    assert from_csv.fingerprints == from_json.fingerprints == from_folder.fingerprints
    assert from_csv.kind == "text" and from_csv.labels == ("kind 0", "kind 1", "kind 2")
    found = {text for split in from_csv.splits.values() for text, _ in split}
    assert set(SCRIPTS) <= found
    assert any("1 texts are empty" in line for line in describe(from_csv))


def test_columns_can_be_named_and_the_data_opens_again_by_its_options(tmp_path: Path) -> None:
    rows = [
        (str(number), f"{text} {number}", label, f"customer {number // 2}")
        for number, (text, label) in enumerate(many())
    ]
    file = write_csv(tmp_path / "a.csv", rows, "id,body,topic,customer")
    data = open_dataset(file, text="body", label="topic", group="customer")
    assert open_dataset(file, **data.options).fingerprints == data.fingerprints
    groups = [set(split.groups or ()) for split in data.splits.values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]


def test_texts_that_differ_in_form_alone_stay_together_and_are_a_leak_elsewhere(tmp_path: Path) -> None:
    twins = [(f"Order  NUMBER {number}!", "a") for number in range(40)] + [
        (f"order number {number}", "a") for number in range(40)
    ]
    data = open_dataset(write_csv(tmp_path / "a.csv", twins + [(f"other {n}", "b") for n in range(20)]))
    where = {text.lower().replace("  ", " ").rstrip("!"): set() for text, _ in twins}  # type: ignore[var-annotated]
    for name, split in data.splits.items():
        assert isinstance(split, TextSplit)
        for text, target in split:
            if target == 0:
                where[text.lower().replace("  ", " ").rstrip("!")].add(name)
    assert all(len(splits) == 1 for splits in where.values())
    given = [
        ("Hello there", "a", "train"),
        ("hello, there", "a", "test"),
        *((f"x{n}", "ab"[n % 2], "val") for n in range(4)),
    ]
    given += [(f"y{n}", "ab"[n % 2], "train") for n in range(30)]
    file = write_csv(tmp_path / "b.csv", given, "text,label,split")
    with pytest.raises(InputError, match=r"1 texts are in two splits with the same letters: line 2 = line 3"):
        open_dataset(file)
    assert open_dataset(file, allow_leaks=True).report.leaks == (("line 2", "line 3"),)


def test_several_labels(tmp_path: Path) -> None:
    rows = [(f"text {number}", ("red", "red|blue", "blue", "")[number % 4]) for number in range(40)]
    data = open_dataset(write_csv(tmp_path / "a.csv", rows), multilabel=True)
    assert data.labels == ("blue", "red")
    assert {target for split in data.splits.values() for _, target in split} == {(), (0,), (1,), (0, 1)}
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps({"text": f"t{n}", "label": ["red", "blue"]}) + "\n" for n in range(9)))
    with pytest.raises(InputError, match="line 1: 2 labels; give --multilabel"):
        open_dataset(lines)


BAD = {
    "no column 'label'": "text,topic\na,b\n",
    "column label has 30 different values in 30 rows": "text,label\n" + "".join(f"a{n},b{n}\n" for n in range(30)),
    "one class (x)": "text,label\n" + "".join(f"a{n},x\n" for n in range(30)),
    "line 3: 1 fields under a header of 2": "text,label\na,b\nbroken\n",
    "line 2: label is empty": "text,label\na,\n",
    "no rows": "text,label\n",
    "line 2: split 'tset'; write train, val or test": "text,label,split\na,b,tset\n",
    "1 of 2 rows have no split": "text,label,split\na,b,train\nc,b,\n",
    "the header names text twice": "text,text,label\na,b,c\n",
}


@pytest.mark.parametrize("message", BAD)
def test_tables_that_cannot_be_used_get_one_clear_line(tmp_path: Path, message: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(BAD[message], encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_dataset(file)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_broken_encodings_and_json_name_their_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(b"text,label\nfine,a\ncaf\xe9,b\n")
    with pytest.raises(InputError, match="line 3: not UTF-8"):
        open_dataset(file)
    lines = tmp_path / "bad.jsonl"
    for content, message in (
        ('{"text": "a"', "line 1: broken JSON"),
        ("[1]", "line 1: list"),
        ('{"text": 1, "label": "a"}', "text is int"),
    ):
        lines.write_text(content)
        with pytest.raises(InputError, match=message):
            open_dataset(lines)


def test_options_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="--label topic"):
        open_dataset(tmp_path / "images", label="topic")
