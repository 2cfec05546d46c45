"""Strangers' words made readable, quotes in their context, and the people of a project among the authors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.catalogue.readable import LONGEST, readable
from biblio.verify.paper.authors import Team, marked, split
from biblio.verify.paper.quotes import Quote, passages
from biblio.verify.paper.views import score_words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$^{12}$CO($J$=3--2) in HD\\,163296", "¹²CO(J=3–2) in HD 163296"),
        ("H$_2$O at $z\\simeq4.3$", "H₂O at z≃4.3"),
        ("CO<SUB>2</SUB> &amp; <i>dust</i>", "CO₂ & dust"),
        ("50% of discs", "50% of discs"),
        ("a < b and c > d", "a < b and c > d"),
        ("\\'{E}toile", "Étoile"),
        ("two\n  lines", "two lines"),
        ("\x00\u202eevil\u2066", "evil"),
        ("&#8238;evil&#x200b; &rlm;&#x61c;sign&zwj;s", "evil signs"),
        (None, ""),
    ],
)
def test_titles_read_as_a_person_would_write_them(written: str | None, read: str) -> None:
    """TeX, HTML and control characters become plain text."""
    assert readable(written) == read


_PIECES = [*"\\{}$^_%<>&;#ab1 \x00\u202e~", "&#8238;", "&#x00;", "&NewLine;"]


@given(st.lists(st.sampled_from(_PIECES), max_size=60).map("".join) | st.text(max_size=200))
def test_reading_a_stranger_never_fails(text: str) -> None:
    """Whatever stands in a title, something plain comes out, on one line and bounded."""
    read = readable(text)
    assert len(read) <= LONGEST
    assert not set(read) & {"\n", "\x00", "\u202e"}


def _quote(text: str, word: str, begin: int = 0, end: int | None = None, part: str = "main.tex") -> Quote:
    start = text.index(word)
    return Quote(part, None, "acknowledgement", start, start + len(word), text[begin:end], begin)


def test_overlapping_contexts_are_one_passage_with_every_quote_marked() -> None:
    """Three codes of one sentence, each kept with its own context, are shown once."""
    text = "We used data of ALPHA and BETA and of GAMMA in this work."
    found, names = passages([_quote(text, "ALPHA", 0, 30), _quote(text, "BETA", 5, 45), _quote(text, "GAMMA", 20)])
    assert len(found) == 1
    assert "".join(s.text for s in found[0].segments) == text
    assert [s.text for s in found[0].segments if s.mark] == ["ALPHA", "BETA", "GAMMA"]
    assert len(set(names.values())) == 3


def test_quotes_of_different_files_stay_apart_and_acknowledgements_come_first() -> None:
    """The place where authors state their data is read first."""
    text = "Data of ALPHA were used."
    body = Quote("a.tex", None, "body", 8, 13, text, 0)
    found, _ = passages([body, _quote(text, "ALPHA", part="b.tex")])
    assert [(p.label, p.place) for p in found] == [("acknowledgements", "b.tex"), ("main text", "a.tex")]


def test_two_texts_of_one_name_are_two_passages() -> None:
    """A source may give two passages of one field, each counted from its own beginning: neither marks the other's words."""
    first, second = "made with ALPHA data by all of us, with thanks", "of ALPHA data by all of us, with thanks to you"
    found, names = passages([_quote(first, "ALPHA"), _quote(second, "ALPHA")])
    assert [["".join(s.text for s in p.segments if s.mark)] for p in found] == [["ALPHA"], ["ALPHA"]]
    assert len(set(names.values())) == 2


def test_passages_of_a_record_say_where_they_come_from() -> None:
    """The name of a field in a search answer says nothing to a librarian."""
    found, _ = passages([_quote("of ALPHA data", "ALPHA", part="ack")])
    assert found[0].place == "passage from ADS"


def test_a_place_is_marked_once() -> None:
    """Two passages of one name may have a quote at the same place: a mark's name stands on the page once."""
    found, names = passages([_quote("by ALPHA and others", "ALPHA"), _quote("in ALPHA of ours", "ALPHA")])
    marks = [s.mark for p in found for s in p.segments if s.mark]
    assert marks == list(names.values())
    assert len(marks) == 1


def test_offsets_that_do_not_fit_lose_the_mark_and_not_the_page() -> None:
    """A quote that lies outside its kept passage is shown without a mark."""
    found, _ = passages([Quote("a.tex", None, "body", 500, 510, "Short text.", 0)])
    assert [s.mark for s in found[0].segments] == [None]


@given(
    st.text(alphabet="abcdefgh .", min_size=30, max_size=80),
    st.lists(st.tuples(st.integers(0, 79), st.integers(1, 10)), max_size=6),
)
def test_marks_never_change_the_words(text: str, spans: list[tuple[int, int]]) -> None:
    """Marking any set of spans of one title gives the title back when the segments are put together."""
    quotes = [
        Quote("title", None, "title", start, min(start + length, len(text)), text, 0)
        for start, length in spans
        if start < len(text)
    ]
    found, _ = passages(quotes)
    for passage in found:
        assert "".join(s.text for s in passage.segments).split() == text.split()


def test_the_pi_is_marked_with_initials_and_without_accents() -> None:
    """ "O. Müller" among the authors is the PI "Müller, Oskar"; a namesake with another initial is not."""
    team = Team("2016.1.00001.S", "Müller, Oskar", ("Quill, Jonas",))
    authors = marked([(1, "Muller, O.", None), (2, "Müller, Anna", None), (3, "J. Quill", None)], [team])
    assert [a.mark for a in authors] == ["PI", None, "co-I"]
    assert authors[0].pi_of == ("2016.1.00001.S",)


def test_of_three_thousand_authors_the_marked_ones_are_shown() -> None:
    """A long list is cut; the project's people stay in sight wherever they stand."""
    names = [(n, f"Person{n}, A.", None) for n in range(1, 3001)]
    names[41] = (42, "Quill, Jonas", None)
    shown, hidden = split(marked(names, [Team("X", None, ("Quill, Jonas",))]))
    assert [a.position for a in shown] == [1, 2, 3, 4, 5, 6, 7, 8, 42]
    assert len(shown) + len(hidden) == 3000


@pytest.mark.parametrize(
    ("score", "words"),
    [(None, "no score"), (1.0, "> 99.9 %"), (0.994, "99.4 %"), (0.62, "62 %"), (0.018, "1.8 %"), (0.0, "< 0.1 %")],
)
def test_a_score_never_claims_to_be_sure(score: float | None, words: str) -> None:
    """0 and 100 per cent are never shown."""
    assert score_words(score) == words
