"""Files and folders, all or nothing; the record; no value in anything that is said."""

import json
import logging
import os
import traceback

import pytest

from edge_pipeline.scrubbing import ScrubConfig, masking, read_scrub_record, scrub
from edge_pipeline.scrubbing.record import record_path
from edge_runtime.errors import InputError, MachineError

SECRET = "jane.doe@example.org"
EMAIL = ScrubConfig(kinds=("email",))


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text(f"text,label\nmail {SECRET} now,a\nnothing,b\n", encoding="utf-8")
    return file


def test_a_record_holds_as_long_as_the_data(table, tmp_path):
    output = tmp_path / "new" / "clean.csv"
    report = scrub(table, output, EMAIL)
    assert read_scrub_record(output) == report.record
    assert report.record.to_dict().items() >= {"kind": "scrub", "schema": 1, "items": 2, "changed": 1}.items()
    assert record_path(output).name == "clean.csv.scrub.json" and SECRET not in record_path(output).read_text()
    assert read_scrub_record(table) is None
    output.write_text(output.read_text().replace("now", "then"))
    assert read_scrub_record(output) is None
    record_path(output).write_text('{"kind": "scrub"}')
    with pytest.raises(InputError, match="no record of edge scrub"):
        read_scrub_record(output)


def test_a_folder_keeps_its_layout(tmp_path):
    source = tmp_path / "in"
    files = {
        "train/pos/1.txt": f"mail {SECRET}",
        "train/neg/2.txt": "nothing",
        "more.csv": f"text,label\n{SECRET},a\n",
        "notes.pdf": "x",
        f"mail/{SECRET}.txt": "hello",
        ".cache/3.txt": SECRET,
    }
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content, encoding="utf-8")
    (source / "link.txt").symlink_to(source / "more.csv")
    output = tmp_path / "out"
    report = scrub(source, output, EMAIL)
    written = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert written == {"train/pos/1.txt", "train/neg/2.txt", "more.csv", f"mail/{SECRET}.txt"}
    assert (output / "train/pos/1.txt").read_text() == "mail [EMAIL]"
    assert report.left_out == {".pdf": 1} and report.telling_paths == 1
    assert report.record.counts == {"(text files)": {"email": 1}, "text": {"email": 1}}
    assert read_scrub_record(output) == report.record
    (output / "train/neg/2.txt").rename(output / "train/neg/3.txt")
    assert read_scrub_record(output) is None


@pytest.mark.parametrize("kind", ["same", "file", "link", "folder"])
def test_nothing_that_exists_is_overwritten(table, tmp_path, kind):
    output = table if kind == "same" else tmp_path / "there"
    if kind == "file":
        output.write_text("mine")
    elif kind == "link":
        output.symlink_to(table)
    elif kind == "folder":
        output.mkdir()
    before = table.read_bytes()
    with pytest.raises(InputError, match="exists; remove it or choose another name"):
        scrub(table, output, EMAIL)
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("nowhere.csv", "out.csv", "no such file"),
        ("data.pdf", "out.pdf", "cannot scrub .pdf; .csv, .tsv"),
        ("empty", "out", "no .csv, .tsv"),
        ("full", "full/out", "inside"),
    ],
)
def test_what_cannot_be_scrubbed(tmp_path, source, output, message):
    (tmp_path / "data.pdf").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=message):
        scrub(tmp_path / source, tmp_path / output, EMAIL)
    assert not (tmp_path / output).exists()


def test_a_failure_midway_leaves_nothing(table, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space left on device"):
        scrub(table, tmp_path / "clean.csv", EMAIL)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize("where", ["finder", "form"])
def test_no_value_in_a_traceback_or_a_log(table, tmp_path, monkeypatch, caplog, where):
    """A defect of ours or of a library may raise anything; what it quotes goes no further."""

    def broken(*arguments, **_):
        raise ValueError(f"cannot handle {SECRET}")

    if where == "finder":
        monkeypatch.setitem(
            masking.KINDS, "email", masking.KINDS["email"].__class__("email", "", lambda _: {"[E]": broken})
        )
    else:
        monkeypatch.setattr(masking, "_apply", broken)
    with caplog.at_level(logging.DEBUG), pytest.raises(RuntimeError) as caught:
        scrub(table, tmp_path / "clean.csv", EMAIL)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "ValueError" in said and SECRET not in said and "jane" not in said
    assert where == "form" or "while looking for email" in said
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_the_command(table, tmp_path, run):
    names = tmp_path / "names.txt"
    names.write_text("nothing\n", encoding="utf-8")
    output = tmp_path / "clean.csv"
    arguments = (
        "--names",
        names,
        "--pattern",
        "VERB=mail",
        "--kinds",
        "email,phone",
        "--region",
        "GB",
        "--text",
        "text",
    )
    code, out, err = run("scrub", table, "-o", output, *arguments, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "") and SECRET not in out
    assert document["counts"] == {"text": {"email": 1, "name": 1, "pattern": 1}}
    assert (document["names"], document["patterns"], document["regions"]) == (1, 1, ["GB"])
    assert output.read_text() == "text,label\n[VERB] [EMAIL] now,a\n[NAME],b\n"
    code, out, _ = run("scrub", table, "-o", tmp_path / "again.csv", "--kinds", "email")
    assert code == 0 and out.endswith("again.csv: 2 items, 1 changed\ntext: email 1\n")
    code, out, err = run("scrub", table, "-o", output)
    assert code == 1 and err.startswith("error: ") and "exists" in err and err.count("\n") == 1
