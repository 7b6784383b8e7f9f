"""What the arguments of `edge run` mean to a bundle of texts."""

from pathlib import Path

import pytest

from edge_pipeline.questions import Question, text_questions
from edge_runtime.errors import InputError


def asked(*inputs: object, column: str | None = None) -> tuple[list[Question], list[str]]:
    notes: list[str] = []
    return list(text_questions(tuple(map(str, inputs)), column, notes.append)), notes


def test_a_table_is_its_texts_and_any_other_file_one_text(tmp_path: Path) -> None:
    table, lines, note, tags = (tmp_path / name for name in ("a.csv", "a.jsonl", "a.txt", "a.conll"))
    table.write_text('text,body,label\nit broke,"two\nlines",x\nwhen?,three,y\n', encoding="utf-8")
    lines.write_text('{"text": "größe"}\n', encoding="utf-8")
    note.write_text("all of it\nis one", encoding="utf-8")
    tags.write_text("it O\nbroke B-x\n", encoding="utf-8")
    found, notes = asked(table, "plain text", lines, note, tags)
    assert [one.shown for one in found] == ["it broke", "when?", "plain text", "größe", str(note), "it broke"]
    assert found[4].asked == note and isinstance(found[0].asked, str)
    assert notes == [
        f"{table}: a table, 2 texts", f"{lines}: a table, 1 text", f"{note}: a file, read as one text",
        f"{tags}: a table, 1 text",
    ]  # fmt: skip
    assert [one.asked for one in asked(table, column="body")[0]] == ["two\nlines", "three"]
    with pytest.raises(InputError, match=r"no column 'words'; there are body, label, text"):
        asked(table, column="words")


def test_what_looks_like_a_file_but_is_none_is_told(tmp_path: Path) -> None:
    long, odd, missing = "word " * 2000, "nul \0 byte", str(tmp_path / "none.csv")
    found, notes = asked(long, odd, missing, "I read it. Then a.txt", tmp_path)
    assert [one.asked for one in found] == [long, odd, missing, "I read it. Then a.txt", str(tmp_path)]
    assert notes == [f"{missing}: there is no such file, so it is taken as a text"]
