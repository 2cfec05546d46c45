"""Identifiers in one spelling, and which descriptions cannot be of one paper."""

from __future__ import annotations

import pytest

from biblio.catalogue.identity import (
    Likeness,
    arxiv_of_bibcode,
    bibcodes,
    identifiers,
    normal_arxiv,
    normal_bibcode,
    normal_doi,
    objection,
    title_similarity,
)


@pytest.mark.parametrize(
    ("written", "doi"),
    [
        ("10.3847/1538-4357/AB0001", "10.3847/1538-4357/ab0001"),
        ("https://doi.org/10.1051/0004-6361%2F201935", "10.1051/0004-6361/201935"),
        ("doi: 10.1093/mnras/stz1.", "10.1093/mnras/stz1"),
        ("(10.1016/0019-1035(75)90001-2)", "10.1016/0019-1035(75)90001-2"),
        ("https://doi.org/10.9999/x%00y", None),
        ("none", None),
        (None, None),
    ],
)
def test_dois_have_one_spelling(written: str | None, doi: str | None) -> None:
    """Address, prefix, case and closing signs do not make another DOI."""
    assert normal_doi(written) == doi


@pytest.mark.parametrize(
    ("written", "arxiv"),
    [
        ("2101.00001v3", "2101.00001"),
        ("arXiv:1501.1234", "1501.1234"),
        ("http://arxiv.org/abs/astro-ph/0309136v2", "astro-ph/0309136"),
        ("https://arxiv.org/pdf/2101.00001v1.pdf", "2101.00001"),
        ("math.GT/0309136", "math/0309136"),
        ("2101.00001 [astro-ph.GA]", "2101.00001"),
        ("9999", None),
    ],
)
def test_arxiv_numbers_have_one_spelling(written: str, arxiv: str | None) -> None:
    """Versions, addresses and subject classes do not make another number."""
    assert normal_arxiv(written) == arxiv


@pytest.mark.parametrize(
    ("written", "bibcode"),
    [
        ("2021A&amp;A...650A..10D", "2021A&A...650A..10D"),
        ("2021A%26A...650A..10D", "2021A&A...650A..10D"),
        (" 2021ApJ...900....1D ", "2021ApJ...900....1D"),
        ("2021ApJ...900....1", None),
        ("Doe et al. 2021 ApJ ", None),
    ],
)
def test_bibcodes_have_one_spelling(written: str, bibcode: str | None) -> None:
    """Escaped ampersands are undone; what has not 19 characters is none."""
    assert normal_bibcode(written) == bibcode


@pytest.mark.parametrize(
    ("bibcode", "arxiv"),
    [
        ("2015arXiv150102345A", "1501.02345"),
        ("2010arXiv1001.1234A", "1001.1234"),
        ("2003astro.ph..9136P", "astro-ph/0309136"),
        ("2021ApJ...900....1D", None),
    ],
)
def test_preprint_bibcodes_spell_out_their_number(bibcode: str, arxiv: str | None) -> None:
    """The bibcode of a preprint leads to the arXiv record of the same paper."""
    assert arxiv_of_bibcode(bibcode) == arxiv


def test_identifiers_come_in_the_order_of_trust() -> None:
    """DOI, then bibcodes, then arXiv; a DOI of arXiv's is its number."""
    record = {"doi": "10.1/not", "bibcode": "2021ApJ...900....1D", "alternate_bibcodes": ["2021arXiv210100001D"]}
    assert [str(i) for i in identifiers(record)] == [
        "bibcode 2021ApJ...900....1D",
        "bibcode 2021arXiv210100001D",
        "arxiv 2101.00001",
    ]
    assert [str(i) for i in identifiers({"doi": "10.48550/arXiv.2101.00001"})] == ["arxiv 2101.00001"]


def _paper(title: str | None, *authors: str, **facts: str) -> Likeness:
    return Likeness.of([{"title": title, "authors": [{"name": a} for a in authors], **facts}])


def test_another_spelling_is_no_objection() -> None:
    """Mark-up, case and the order of names are no reason to keep two records apart."""
    one = _paper(r"The {H$\alpha$} line of \textit{Nowhere}", "Doe, Jane")
    assert objection(one, _paper("The Hα line of Nowhere", "Jane Doe")) is None
    assert title_similarity("Cold Dust", "cold  {Dust}") == 1.0


def test_clearly_different_papers_are_kept_apart() -> None:
    """Different titles object together with authors, arXiv numbers or places that have nothing in common."""
    dust = _paper("Cold dust in a made-up galaxy", "Doe, Jane", arxiv_id="2101.00001", volume="900", page="1")
    assert "no author" in str(objection(dust, _paper("A survey of invented comets", "Roe, Richard")))
    comets = _paper("A survey of invented comets", "Doe, Jane", arxiv_id="2102.00002")
    assert "arXiv numbers" in str(objection(dust, comets))
    printed = _paper("A survey of invented comets", "Doe, Jane", volume="901", page="77-80")
    assert "volume and page" in str(objection(dust, printed))


def test_what_is_not_known_objects_to_nothing() -> None:
    """A record without title or authors may belong to any paper that its identifier names."""
    assert objection(_paper(None), _paper("Cold dust", "Doe, Jane")) is None
    assert objection(_paper("Quite another title"), _paper("Cold dust", "Doe, Jane")) is None


def test_all_bibcodes_a_record_names_are_the_papers() -> None:
    """The record's own first, then former ones, then those among ADS's names of the paper; nothing else, none twice."""
    record = {
        "bibcode": "2021ApJ...900....1D",
        "alternate_bibcodes": ["2021arXiv210100001D"],
        "extra": {"identifiers": "10.1/x arXiv:2101.00001 2021ApJ...900....1D 2020EAS...tmp...12D"},
    }
    assert bibcodes(record) == ("2021ApJ...900....1D", "2021arXiv210100001D", "2020EAS...tmp...12D")
    assert bibcodes({"title": "No bibcode"}) == ()
