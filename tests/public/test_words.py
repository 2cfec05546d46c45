"""Texts as words, queries as terms, and what is marked: one word is one word however it is printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from biblio.public.marks import Marks
from biblio.public.queries import PublicPaper
from biblio.public.wanted import Wanted, identifier_in, read_address, read_query
from biblio.public.wordlists import WordList
from biblio.public.words import name_words, places, short_name, words
from biblio.runtime import checked_profile
from biblio.store.words import Scheme
from matching.grammar import Grammar

GRAMMAR = Grammar.from_plain(checked_profile("alma").codes)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("H$_2$CO", "h2co"),
        ("H<SUB>2</SUB>CO", "h2co"),
        ("H₂CO", "h2co"),
        ("$^{13}$CO", "13co"),
        (r"H$\alpha$", "halpha"),
        ("Hα", "halpha"),
        ("Çelik", "celik"),
        ("Müller-Straße", "muller strasse"),
        ("O'Dell", "o dell"),
        ("CO($J$=3--2)", "co j 3 2"),
        ("100%", "100"),
        ("\u202edesrever \u200b", "desrever"),
        ("\\_%$", ""),
    ],
)
def test_one_word_is_one_word_however_it_is_printed(written: str, read: str) -> None:
    """TeX, HTML, sub- and superscripts, Greek and accents do not matter."""
    assert " ".join(words(written)) == read


@given(st.text(max_size=80))
def test_places_are_those_of_the_words(text: str) -> None:
    """The fast and the exact way to cut a text agree, and every place holds its word."""
    assert [word for _, _, word in places(text)] == words(text)
    assert all(words(text[start:end]) == [word] for start, end, word in places(text))


@pytest.mark.parametrize(
    ("printed", "short"),
    [
        ("Berg, Lena", "Berg, L."),
        ("Berg, L. M.", "Berg, L."),
        ("Lena Berg", "Berg, L."),
        ("Ewine van Test", "van Test, E."),
        ("van Test, Ewine", "van Test, E."),
        ("Fictional Survey Collaboration", "Fictional Survey Collaboration"),
        ("Plato", "Plato"),
        ("Berg,", "Berg"),
        ("  ", ""),
    ],
)
def test_names_are_listed_by_surname_and_initial(printed: str, short: str) -> None:
    """However a source prints them; a group goes by its whole name."""
    assert short_name(printed) == short


def test_a_name_is_found_either_way_round() -> None:
    """Surname first or last, the words stand in a row."""
    for printed in ("Berg, Lena", "Lena Berg"):
        row = " ".join(name_words(printed))
        assert "berg lena" in row
        assert "lena berg" in row


def test_phrases_stay_within_one_text() -> None:
    """Words in a row are found, words of two texts (or with an empty place between) are not."""
    lists = WordList()
    for text in (["cold", "gas", "disc"], ["disc", "", "cold"], ["gas"]):
        lists.add(text)
    assert lists.find(("cold", "gas")).tolist() == [True, False, False]
    assert lists.find(("gas", "disc")).tolist() == [True, False, False]
    assert lists.find(("disc", "cold")).tolist() == [False] * 3
    assert lists.find(("co",), is_begun=True).tolist() == [True, True, False]
    assert lists.find(("cold", "g"), is_begun=True).tolist() == [True, False, False]
    assert lists.find(("nothing",)).tolist() == lists.find(()).tolist() == [False] * 3


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=7), max_size=6),
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=3),
)
def test_phrases_are_found_as_by_reading(texts: list[list[str]], phrase: list[str]) -> None:
    """The places of words give what reading every text from left to right would."""
    lists = WordList()
    for text in texts:
        lists.add(text)
    size = len(phrase)
    read = [any(text[i : i + size] == phrase for i in range(len(text))) for text in texts]
    assert lists.find(phrase).tolist() == read


def test_a_query_is_cut_into_terms() -> None:
    """Quotes hold words together, fields and minus belong to what follows; an endless query is cut off."""
    terms = read_query('rings "young disc" author:"Berg, L" -dust 2019 title:h2co', GRAMMAR)
    assert [(t.words, t.field, t.is_not, t.years) for t in terms] == [
        (("rings",), "", False, None),
        (("young", "disc"), "", False, None),
        (("berg", "l"), "author", False, None),
        (("dust",), "", True, None),
        (("2019",), "", False, (2019, 2019)),
        (("h2co",), "title", False, None),
    ]
    assert [t.words for t in read_query('an "unclosed quote')] == [("an",), ("unclosed",), ("quote",)]
    assert len(read_query("word " * 500, GRAMMAR)) == 12


@pytest.mark.parametrize(
    "written",
    ["2013.1.00020.S", "2013.1.00020.s", "ADS/JAO.ALMA#2013.1.00020.S", '"2013.1.00020.S"', "project:2013.1.00020.S",
     'project:"2013.1.00020.S"', "2013.1.00020.S.", "(2013.1.00020.S)"],
)  # fmt: skip
def test_a_code_is_read_in_any_spelling(written: str) -> None:
    """With prefix, in quotes, after the field's name, in small letters: the same code, and nothing else is looked for."""
    terms = read_query(f"{written} disc", GRAMMAR)
    assert [term.codes[:1] for term in terms if term.codes] == [("2013.1.00020.S",)]
    assert [term.words for term in terms if term.words] == [("disc",)]


@given(st.text(max_size=100))
def test_no_query_breaks_the_reader(text: str) -> None:
    """Whatever is typed is cut into terms, each of which can be marked in that same text, escaped."""
    terms = read_query(text, GRAMMAR)
    paper = PublicPaper(1, text, (text,), None, None, None, None, None, False, False, abstract=text or None)
    marks = Marks(terms)
    for shown in (marks.title(paper), marks.authors(paper), marks.abstract(paper), marks.passage(paper) or Markup("")):
        bare = shown.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in bare
        assert shown.count("<mark>") == shown.count("</mark>")


def paper(title: str = "", authors: tuple[str, ...] = (), abstract: str | None = None) -> PublicPaper:
    """A paper with just what is marked."""
    return PublicPaper(1, title, authors, None, None, None, None, None, False, False, abstract=abstract)


def test_what_was_looked_for_is_marked_and_everything_else_escaped() -> None:
    """Words, beginnings of words, phrases and names; a stranger's script stays text."""
    marks = Marks(read_query('disc "cold gas" author:celik -dust'))
    assert marks.title(paper("<script>discs</script> of cold gas & dust")) == (
        "&lt;script&gt;<mark>discs</mark>&lt;/script&gt; of <mark>cold gas</mark> &amp; dust"
    )
    assert marks.authors(paper(authors=("A, B.", "C, D.", "E, F.", "G, H.", "Çelik, D.", "I, J."))) == (
        "A, B.; C, D.; E, F. … <mark>Çelik</mark>, D. and 2 more"
    )
    assert marks.title(paper("Discussion of a torus")) == "<mark>Discussion</mark> of a torus"
    assert Marks(read_query('"disc"')).title(paper("Discussion")) == "Discussion"
    assert Marks(read_query("title:disc")).name("Disc, A.") == "Disc, A."


def test_a_passage_shows_where_the_abstract_has_it() -> None:
    """A stretch around the first place, cut between words; none where nothing stands."""
    text = "word " * 100 + "the isotopologue " + "word " * 100
    shown = Marks(read_query("isotopologue")).passage(paper(abstract=text))
    assert shown is not None
    assert "<mark>isotopologue</mark>" in shown
    assert shown.startswith("… word")
    assert shown.endswith("word …")
    assert len(shown) < 330
    assert Marks(read_query("other")).passage(paper(abstract=text)) is None


def test_an_address_gives_back_what_it_asked_for() -> None:
    """Filters, span and order stand in the address; what cannot be read is left out; a span the wrong way round is turned."""
    wanted = read_address({"q": [" disc "], "year": ["2019", "x", "2019"], "author": ["Berg, L.", "Ahn, B."], "from": ["2020"],
                           "to": ["2015"], "sort": ["citations"], "journal": [""]})  # fmt: skip
    assert wanted == Wanted("disc", {"year": ("2019",), "author": ("Berg, L.", "Ahn, B.")}, 2015, 2020, "newest")
    again = {name: [value] if isinstance(value, str) else value for name, value in wanted.address().items()}
    assert read_address(again) == wanted


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("10.9999/rings.1", ((Scheme.DOI, "10.9999/rings.1"),)),
        ("https://doi.org/10.9999/RINGS.1", ((Scheme.DOI, "10.9999/rings.1"),)),
        ("arXiv:1901.00001v2", ((Scheme.ARXIV, "1901.00001"),)),
        ("https://ui.adsabs.harvard.edu/abs/2019JTest.123...45C/abstract", ((Scheme.BIBCODE, "2019JTest.123...45C"),)),
        ("10.9999/rings.1 and more", ()),
        ("rings", ()),
        ("", ()),
    ],
)
def test_a_query_that_is_an_identifier_is_known_as_one(written: str, names: tuple[tuple[Scheme, str], ...]) -> None:
    """And only where it is nothing else."""
    assert identifier_in(written) == names
