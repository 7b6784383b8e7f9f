"""CSV, JSON lines and plain text: what is masked, and every other byte as it was."""

import csv
import io
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_pipeline.scrubbing import ScrubConfig, scrub
from edge_pipeline.scrubbing.masking import Masker
from edge_pipeline.scrubbing.reading import CHUNK
from edge_pipeline.scrubbing.tables import scrub_table
from edge_pipeline.scrubbing.tally import Tally
from edge_runtime.errors import InputError

EMAIL = ScrubConfig(kinds=("email",))


@pytest.fixture
def scrubbed(tmp_path):
    """Scrub bytes as a file with an ending; give what was written and the report."""

    def run(name, content, config=EMAIL):
        source, output = tmp_path / name, tmp_path / f"out-{name}"
        source.write_bytes(content)
        report = scrub(source, output, config)
        assert source.read_bytes() == content
        return output.read_bytes(), report.record

    return run


CSV = (
    b'\xef\xbb\xbf"Text";label ;note\r\n'
    b'"a@b.org; he said ""hi"" a@b.org";c@d.org;x\r\n'
    b"\r\n"
    b'plain e@f.org;  spaced  ;"two\nlines g@h.org"\r\n'
    b';"";"untouched ""quotes"""'
)


def test_a_table_keeps_its_dialect(scrubbed):
    written, record = scrubbed("data.csv", CSV)
    expected = CSV.replace(b"a@b.org", b"[EMAIL]").replace(b"e@f.org", b"[EMAIL]").replace(b"g@h.org", b"[EMAIL]")
    assert written == expected and b"c@d.org" in written
    assert record.counts == {"note": {"email": 1}, "text": {"email": 3}}
    assert (record.items, record.changed) == (3, 2)


def test_columns_are_chosen(scrubbed):
    written, record = scrubbed("data.csv", CSV, ScrubConfig(kinds=("email",), columns=("Label",)))
    assert written == CSV.replace(b"c@d.org", b"[EMAIL]") and record.counts == {"label": {"email": 1}}


@given(
    st.lists(st.lists(st.text("ab@.;,\t\"\n '日", max_size=12), min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=60, deadline=None)
def test_a_table_reads_as_before_but_for_the_masks(rows, delimiter, end, quoting):
    buffer = io.StringIO()
    table = [["text", "note", "label"], *rows]
    csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    masker = Masker(ScrubConfig(kinds=("pattern",), patterns=(r"a@b",)))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        file.write_bytes(buffer.getvalue().encode())
        written = []
        scrub_table(file, written.append, masker, (), Tally())
    read = list(csv.reader(io.StringIO("".join(written), newline=""), delimiter=delimiter))
    assert read == [table[0], *([first.replace("a@b", "[PATTERN]"), second.replace("a@b", "[PATTERN]"), label]
                                for first, second, label in rows)]  # fmt: skip
    if not any("a@b" in field for row in rows for field in row[:2]):
        assert "".join(written) == buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header"),
        (b"text\n\xff\n", "line 2: not UTF-8"),
        (b"\xff\xfet\x00", "UTF-16"),
        (b'text,label\n"a@b.org,x\n' + b"y,z\n" * 9, "line 2: a quote is opened and never closed"),
        (b'text\n"a@b.org"c\n', "line 2: broken CSV"),
        (b"text,label\na@b.org,b,c\n", "line 2: 3 fields under a header of 2"),
        (b"a@b.org,ham\nx,spam\n", "personal data in the first line"),
        (b'text\n"' + b"a\n" * 600_000, "line 2: a row of over 1,048,576 characters"),
    ],
)
def test_tables_that_are_none(scrubbed, content, message):
    with pytest.raises(InputError, match=message) as caught:
        scrubbed("data.csv", content)
    assert "a@b.org" not in str(caught.value) and caught.value.__cause__ is None


def test_a_missing_column_names_the_others(scrubbed):
    with pytest.raises(InputError, match="no column 'body'; it has text, label, note"):
        scrubbed("data.csv", CSV, ScrubConfig(kinds=("email",), columns=("body",)))


def test_json_lines_keep_what_is_not_masked(scrubbed):
    lines = [
        '{"text":  "Mail a@b.org in Berlin", "spans": [{"start": 16, "end": 22, "label": "ns"}], "label": "x@y.org"}',
        '{"text": "nothing",   "n": 1.50}',
        "",
        '{"text": "\\u00fc a@b.org", "meta": {"by": ["c@d.org", 7]}, "n": 10000000000000000000001}',
        '{"tokens": ["write", "a@b.org", "now"], "tags": ["O", "B", "O"]}',
    ]
    written, record = scrubbed("data.jsonl", "\r\n".join(lines).encode())
    after = written.decode().split("\r\n")
    first, last = json.loads(after[0]), json.loads(after[4])
    assert first["text"] == "Mail [EMAIL] in Berlin" and first["label"] == "x@y.org"
    assert first["text"][first["spans"][0]["start"] : first["spans"][0]["end"]] == "Berlin"
    assert after[1:3] == lines[1:3]
    assert after[3] == '{"text": "\\u00fc [EMAIL]", "meta": {"by": ["[EMAIL]", 7]}, "n": 10000000000000000000001}'
    assert last["tokens"] == ["write", "[EMAIL]", "now"]
    assert record.counts == {"meta": {"email": 1}, "text": {"email": 2}, "tokens": {"email": 1}}
    assert (record.items, record.changed, record.merged_spans) == (4, 3, 0)


def test_numbers_and_half_characters_in_json(scrubbed):
    content = b'{"phone": 447700900123, "text": "\\ud83d a@b.org"}\n{"text": "tel"}\n'
    written, _ = scrubbed(
        "d.jsonl", content, ScrubConfig(kinds=("email", "pattern"), patterns=(r"PHONE=\b447\d{9}\b",))
    )
    assert written == b'{"phone": "[PHONE]", "text": "\\ud83d [EMAIL]"}\n{"text": "tel"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a@b.org"\n', "line 1: no JSON"),
        (b'["a@b.org"]\n', "line 1: no JSON object"),
        (b"[" * 100_000 + b"\n", "line 1: JSON nested too deep"),
        (b'{"text": "a@b.org", "spans": [{"start": 0, "end": 9}]}', r"a span of \(0, 9\) in a text of 7 characters"),
        (b'{"text": "a@b.org", "spans": [["a@b.org"]]}', "a span of no whole numbers"),
        (b'{"a@b.org": "x"}', "a key holds personal data"),
        (b'{"text": {"a@b.org": "x"}}', "a key holds personal data"),
        (b'{"text": "\xff"}', "line 1: not UTF-8"),
    ],
)
def test_json_lines_that_are_none(scrubbed, content, message):
    with pytest.raises(InputError, match=message) as caught:
        scrubbed("data.jsonl", content)
    assert "a@b.org" not in str(caught.value) and caught.value.__cause__ is None


def test_a_key_that_no_line_has(scrubbed):
    with pytest.raises(InputError, match="no line has 'body'; the keys are text"):
        scrubbed("d.jsonl", b'{"text": "x"}\n', ScrubConfig(kinds=("email",), columns=("body",)))


@pytest.mark.parametrize("end", ["\n", " "])
def test_plain_text_is_searched_across_its_parts(scrubbed, end):
    """Nothing is lost where a long text is cut, and nothing is found twice."""
    units = [f"{'x' * (at % 97)} user{at}@example.org" for at in range(40_000)]
    content = end.join(units)
    assert len(content) > 20 * CHUNK
    written, record = scrubbed("data.txt", content.encode())
    assert record.counts == {"(text files)": {"email": 40_000}} and record.items == 1
    assert written.decode() == end.join(f"{'x' * (at % 97)} [EMAIL]" for at in range(40_000))


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for rows in (500, 10_000):
        for name, line in (("d.csv", "hello {} a@b.org,x\n"), ("d.jsonl", '{{"text": "hello {} a@b.org"}}\n')):
            source = tmp_path / f"{rows}-{name}"
            header = "text,label\n" if name.endswith("csv") else ""
            source.write_text(header + "".join(line.format(at) for at in range(rows)), encoding="utf-8")
            tracemalloc.start()
            scrub(source, tmp_path / f"out-{rows}-{name}", EMAIL)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert max(peaks[2:]) < max(peaks[:2]) + 200_000
