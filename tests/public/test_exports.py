"""Papers as files: what is written is read back as it was, whatever strangers put into titles and names."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from limits import parse

from biblio.public import rates
from biblio.public.exports import FORMATS, HEADER, bibcodes, bibtex, citation, citation_tags, row
from biblio.public.queries import PublicPaper
from biblio.store.words import Scheme
from harvesters import bibtex as reader
from tests.public.conftest import Shelf
from tests.web.visitors import Visitor

PAPER = PublicPaper(
    paper_id=7,
    title="Dust & gas at 100%: an “_odd_” survey ~ #1 of ¹³CO",
    authors=("Çelik, D.", "Berg, Lena", "Fictional Search and Survey Team", "O'Dell-Test, X."),
    year=2019,
    journal="Journal of Tests & Trials",
    volume="12",
    page="34-56",
    published_on=None,
    is_refereed=True,
    is_withdrawn=False,
    identifiers={Scheme.DOI: "10.9999/a_b(1)", Scheme.BIBCODE: "2019A&A...123A..45C", Scheme.ARXIV: "1901.00001"},
    projects=("2013.1.00020.S",),
)


def test_bibtex_reads_back() -> None:
    """Our own reader of BibTeX finds title, authors (a group kept whole), reference and identifiers again."""
    (entry,) = list(reader.entries(bibtex([PAPER])))
    record = reader.record_of("bibtex", "papers.bib", entry)
    assert [author.name for author in record.authors] == list(PAPER.authors)
    assert record.title == PAPER.title
    assert (record.doi, record.arxiv_id, record.bibcode) == ("10.9999/a_b(1)", "1901.00001", "2019A&A...123A..45C")
    assert (record.year, record.volume, record.page) == (2019, "12", "34")


def test_no_key_stands_twice() -> None:
    """Two papers of one bibcode, or without any, have keys of their own."""
    papers = [
        PAPER,
        replace(PAPER, paper_id=8),
        replace(PAPER, paper_id=9, identifiers={}),
        replace(PAPER, paper_id=10, identifiers={}),
    ]
    keys = re.findall(r"^@\w+\{([^,]+),$", bibtex(papers), re.M)
    assert keys == ["2019A&A...123A..45C", "2019A&A...123A..45C.8", "paper9", "paper10"]


_HOSTILE = st.text(max_size=60) | st.text(alphabet='{}\\"@,%$ a', max_size=20)


@given(_HOSTILE, st.lists(_HOSTILE.filter(bool), max_size=3))
def test_bibtex_stays_one_entry_whatever_is_in_it(title: str, names: list[str]) -> None:
    """Braces are balanced, as BibTeX counts them, and no title or name ends the entry or begins another."""
    written = bibtex([replace(PAPER, title=title, authors=tuple(names)), replace(PAPER, paper_id=8)])
    assert len(list(reader.entries(written))) == 2
    assert written.count("{") == written.count("}")


def test_bibcodes_are_a_list_that_ads_takes() -> None:
    """One a line; a paper without one is left out."""
    assert bibcodes([PAPER, replace(PAPER, identifiers={})]) == "2019A&A...123A..45C\n"


def test_a_row_has_a_cell_for_every_head() -> None:
    """The table's columns are those named."""
    assert len(row(PAPER)) == len(HEADER)
    assert row(PAPER)[-1] == "https://doi.org/10.9999/a_b(1)"


def test_a_citation_names_authors_year_reference_and_identifier() -> None:
    """As a text cites it; a preprint by its number."""
    assert citation(PAPER).startswith("Çelik, D.; Berg, Lena; Fictional Search and Survey Team et al., 2019, ")
    assert citation(PAPER).endswith("Journal of Tests & Trials, 12, 34-56, doi:10.9999/a_b(1)")
    young = replace(PAPER, journal=None, volume=None, page=None, identifiers={Scheme.ARXIV: "1901.00001"})
    assert citation(young).endswith("arXiv e-print, arxiv:1901.00001")


def test_machines_read_the_head_of_a_page() -> None:
    """Reference managers find title, each author, date, journal and identifiers; nothing empty is there."""
    tags = citation_tags(PAPER)
    assert [content for name, content in tags if name == "citation_author"] == list(PAPER.authors)
    told = dict(tags)
    assert told["citation_publication_date"] == "2019"
    assert (told["citation_firstpage"], told["citation_lastpage"]) == ("34", "56")
    assert told["citation_doi"] == "10.9999/a_b(1)"
    assert all(content for _, content in tags)


@pytest.mark.parametrize("where", ["/?q=", "/project/2013.1.00020.S", "/paper/{rings}"])
def test_every_view_of_papers_comes_in_every_format(app: Flask, shelf: Shelf, where: str) -> None:
    """Search, project and paper, as table, workbook, BibTeX and bibcodes."""
    address = where.format(rings=shelf.rings)
    for kind in FORMATS:
        answer = Visitor(app).get(address + ("&" if "?" in address else "?") + f"format={kind}")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        content = answer.get_data()
        if kind == "csv":
            rows = list(csv.reader(io.StringIO(content.decode())))
            assert rows[0] == list(HEADER)
            assert any("Rings" in one[0] for one in rows)
        elif kind == "xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                assert b"Rings in the disc" in book.read("xl/worksheets/sheet1.xml")
        elif kind == "bib":
            assert b"@article{2019JTest.123...45C," in content
        else:
            assert content == b"2019JTest.123...45C\n"


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("address", ["/?q=&format=csv", "/projects?format=xlsx", "/project/2013.1.00020.S?format=bib"])
def test_a_flood_of_files_is_stopped(app: Flask, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Beyond what one address may take the answer says so, and when to come back; pages for people go on."""
    monkeypatch.setattr(rates, "_ALL", parse("3 per minute"))
    visitor = Visitor(app)
    answers = [visitor.get(address) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert "The next one can be had in" in answers[-1].get_data(as_text=True)
    assert visitor.get("/?q=").status_code == 200


@pytest.mark.usefixtures("shelf")
def test_large_files_are_fewer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of many rows counts twice; small ones are given when there is no large one more, also by a HEAD request."""
    monkeypatch.setattr(rates, "_LARGE", parse("1 per hour"))
    monkeypatch.setattr(rates, "LARGE", 1)
    visitor = Visitor(app)
    assert visitor.get("/?q=&format=csv").status_code == 200
    refused = visitor.get("/?q=&format=bib")
    assert refused.status_code == 429
    assert 60 < int(refused.headers["Retry-After"]) <= 3600
    assert app.test_client().head("/?q=&format=bib").status_code == 429
    assert visitor.get("/?q=rings&format=csv").status_code == 200
