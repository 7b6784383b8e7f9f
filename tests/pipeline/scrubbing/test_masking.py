"""Masks that overlap, and entity spans that move with their text."""

from hypothesis import given
from hypothesis import strategies as st

from edge_pipeline.scrubbing import ScrubConfig
from edge_pipeline.scrubbing.masking import Edit, Masker, _apply, shift_spans


def test_what_overlaps_becomes_one_mask(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Jane Doe\n", encoding="utf-8")
    masker = Masker(ScrubConfig(kinds=("email", "name", "pattern"), names=names, patterns=(r"REF=Doe \d+",)))
    masked = masker.mask("Jane Doe 17, jane@doe.org")
    assert masked.text == "[NAME], [EMAIL]" and masked.counts == {"name": 1, "email": 1}


def test_spans_move_with_their_text(masker):
    text = "Mail a.b@c.org to Berlin, 12345678Z"
    spans = [
        {"start": 18, "end": 24, "label": "ns", "id": 7},
        {"start": 5, "end": 14, "label": "mail"},
        {"start": 28, "end": 35, "label": "part"},
        {"start": 0, "end": 4, "label": "verb"},
    ]
    masked = masker.mask(text)
    shifted = shift_spans(spans, masked.edits)
    assert masked.text == "Mail [EMAIL] to Berlin, [ID]"
    assert [(masked.text[span["start"] : span["end"]], span["label"]) for span in shifted] == [
        ("Mail", "verb"),
        ("[EMAIL]", "mail"),
        ("Berlin", "ns"),
        ("[ID]", "part"),
    ]
    assert shifted[2]["id"] == 7 and spans[0]["start"] == 18


def test_spans_that_meet_in_a_mask_become_one():
    edits = [Edit(0, 10, "[NAME]")]
    spans = [{"start": 0, "end": 4, "label": "a"}, {"start": 5, "end": 14, "label": "b"}]
    assert shift_spans(spans, edits) == [{"start": 0, "end": 10, "label": "a"}]
    nested = [{"start": 0, "end": 20, "label": "a"}, {"start": 12, "end": 14, "label": "b"}]
    assert [(span["start"], span["end"]) for span in shift_spans(nested, edits)] == [(0, 16), (8, 10)]


@st.composite
def texts_with_edits_and_spans(draw):
    """A text of distinct characters, disjoint edits and disjoint spans."""
    size = draw(st.integers(1, 40))
    text = "".join(chr(0x4E00 + at) for at in range(size))
    cuts = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=8)))
    edits = [Edit(start, end, "[M]") for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    ends = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=10)))
    spans = [{"start": start, "end": end} for start, end in zip(ends[::2], ends[1::2], strict=False)]
    return text, edits, spans


@given(texts_with_edits_and_spans())
def test_a_span_covers_what_it_covered_and_nothing_else(case):
    text, edits, spans = case
    after = _apply(text, edits)
    hidden = {at for edit in edits for at in range(edit.start, edit.end)}
    shifted = shift_spans(spans, edits)
    covered = "".join(after[span["start"] : span["end"]] for span in shifted)
    seen = {text[at] for span in spans for at in range(span["start"], span["end"]) if at not in hidden}
    assert set(covered) - set("[M]") == seen and covered.replace("[M]", "").isalpha() == bool(seen)
    bounds = [at for span in shifted for at in (span["start"], span["end"])]
    assert bounds == sorted(bounds) and (not bounds or 0 <= bounds[0] <= bounds[-1] <= len(after))
