"""What reading lists of papers promises."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from harvesters import files
from harvesters.errors import PageRefused
from harvesters.files import BibtexFile, PapersFile
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedAuthor

DATA = Path(__file__).parent.parent / "data"


def bib(text: str | bytes) -> ParsedPage:
    """What a BibTeX file of this content gives."""
    body = text.encode() if isinstance(text, str) else text
    source = BibtexFile(Path("unused"))
    assert isinstance(source, Source)
    return source.parse(Page(source.name, "list.bib", body, "", {}, True))


def test_entries_become_papers() -> None:
    """The golden pair: a BibTeX file as authors write it, and the papers it gives."""
    expected = json.loads((DATA / "papers.bib.json").read_text())
    parsed = bib((DATA / "papers.bib").read_bytes())
    found = [
        {
            "key": record.key,
            "title": record.title,
            "authors": [author.name for author in record.authors],
            "ids": [record.doi, record.bibcode, record.arxiv_id],
            "where": [record.kind, record.journal, record.volume, record.page, record.year],
            "published": [str(record.published_on), record.published_precision],
        }
        for record in parsed.records
    ]
    assert found == expected["papers"]
    assert [[refusal.place, refusal.key, refusal.reason] for refusal in parsed.refusals] == expected["refusals"]
    assert list(parsed.unread_fields) == expected["unread"]


def test_entry_in_another_encoding_costs_itself() -> None:
    """A Latin-1 entry is refused with its line; the others are read."""
    parsed = bib(b"@article{a,\n title={one}}\n@article{b,\n title={na\xefve}}\n@article{c, title={three}}")
    assert [record.title for record in parsed.records] == ["one", "three"]
    assert (parsed.refusals[0].place, parsed.refusals[0].key) == ("list.bib line 3", "b")
    assert "UTF-8" in parsed.refusals[0].reason


def test_entries_that_ads_made_say_so() -> None:
    """By the address or the note that ADS writes into them: its terms go with their abstracts."""
    parsed = bib(
        "@article{a, title={T}, adsurl={https://ui.adsabs.harvard.edu/abs/2021ApJ...900....1D}}\n"
        "@article{b, title={T}, adsnote={Provided by the SAO/NASA Astrophysics Data System}}\n@article{c, title={T}}"
    )
    assert [record.extra.get("taken_from") for record in parsed.records] == ["ads", "ads", None]


def test_cut_off_author_lists_are_marked() -> None:
    """ "and others" is no author, and the record says that names are missing."""
    (record,) = bib("@article{a, title={T}, author={Example, Aino and others}}").records
    assert record.authors == (HarvestedAuthor("Example, Aino"),)
    assert record.extra["authors_truncated"] == "yes"


@pytest.mark.parametrize("body", ["", "no entries here", "@comment{x}", "<html>@</html>"])
def test_files_without_entries_are_refused_whole(body: str) -> None:
    """A file that is no BibTeX is told apart from an empty list."""
    with pytest.raises(PageRefused, match=r"list\.bib: holds no BibTeX entry"):
        bib(body)


def test_hostile_braces_are_refused_quickly() -> None:
    """A million braces cost their entry, not the run."""
    parsed = bib(
        "@article{a, title={" + "{" * 1_000_000 + "}\n@article{b, title={" + "{" * 900 + "x" + "}" * 900 + "}}"
    )
    assert [record.title for record in parsed.records] == ["x"]
    assert len(parsed.refusals) == 1


def papers(rows: list[object]) -> ParsedPage:
    """What a JSONL file of these rows gives."""
    source = PapersFile(Path("unused"))
    body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()
    return source.parse(Page(source.name, "list.jsonl from row 11", body, "", {}, True))


def test_rows_become_papers() -> None:
    """Every documented column is read."""
    row = {
        "id": "p1",
        "title": "Rings",
        "authors": ["Example, Aino", {"name": "Beispiel, Bo", "affiliation": "Uni X", "orcid": "0000-0000-0000-0000"}],
        "year": 2100,
        "doi": "10.1000/a",
        "arxiv": "arXiv:2601.00007v3",
        "kind": "article",
        "is_refereed": True,
        "journal": "Fictional Journal",
        "published_on": "2100-05-06",
        "keywords": "rings; gaps",
        "targets": ["HD 1", "HD 2"],
        "path": "text/p1.tex",
    }
    (record,) = papers([row]).records
    assert record.authors == (
        HarvestedAuthor("Example, Aino"),
        HarvestedAuthor("Beispiel, Bo", "Uni X", "0000-0000-0000-0000"),
    )
    assert (record.key, record.arxiv_id, record.arxiv_version) == ("p1", "2601.00007", 3)
    assert (record.kind, record.is_refereed, record.year) == ("article", True, 2100)
    assert (record.published_on, record.published_precision) == (date(2100, 5, 6), "day")
    assert (record.keywords, record.extra, record.path) == (("rings", "gaps"), {"targets": "HD 1; HD 2"}, "text/p1.tex")


def test_year_alone_is_a_date_known_to_the_year() -> None:
    """Nothing is made up: the precision says what is known."""
    (record,) = papers([{"id": "p", "title": "Rings", "year": "2100"}]).records
    assert (record.published_on, record.published_precision) == (date(2100, 1, 1), "year")


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"title": "x"}, '"id"'),
        ({"id": "p"}, "neither a title nor"),
        ({"id": "p", "path": "p.pdf", "title": " "}, "neither a title nor"),
        ({"id": "p", "title": "x", "year": "soon"}, '"year"'),
        ({"id": "p", "title": "x", "year": 1e400}, '"year"'),
        ({"id": "p", "title": "x", "kind": "poem"}, '"kind"'),
        ({"id": "p", "arxiv": "none"}, '"arxiv"'),
        ({"id": "p", "bibcode": "x" * 19}, '"bibcode"'),
        ({"id": "p", "alternate_bibcodes": ["2021ApJ...900....1D", "x" * 19]}, '"alternate_bibcodes"'),
        ({"id": "p", "title": "x", "authors": [None]}, '"authors"'),
        ({"id": "p", "title": "x", "authors": 7}, '"authors"'),
        ({"id": "p", "title": "x", "is_refereed": "perhaps"}, '"is_refereed"'),
        ("{", "no JSON"),
        ("7", "no JSON object"),
    ],
)
def test_bad_rows_cost_themselves(row: object, word: str) -> None:
    """The refusal names file, row and field; the neighbours are read."""
    parsed = papers([{"id": "before", "title": "x"}, row, {"id": "after", "doi": "10.1000/a"}])
    assert [record.key for record in parsed.records] == ["before", "after"]
    assert parsed.refusals[0].place == "list.jsonl row 12"
    assert word in parsed.refusals[0].reason


def test_long_files_come_in_slices_and_go_on_from_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices give every row once, whichever was stored last, and keep the file's row numbers."""
    monkeypatch.setattr(files, "_ROWS_PER_PAGE", 4)
    path = tmp_path / "list.jsonl"
    path.write_text("".join(json.dumps({"id": f"p{n}", "title": "x"}) + "\n" for n in range(1, 11)) + "{broken\n")
    source = PapersFile(path)
    pages = list(source.pages({}))
    assert [page.is_last for page in pages] == [False, False, True]
    keys = [record.key for page in pages for record in source.parse(page).records]
    assert keys == [f"p{n}" for n in range(1, 11)]
    assert source.parse(pages[-1]).refusals[0].place == "list.jsonl row 11"
    assert [page.place for page in source.pages(pages[0].next_cursor)] == [page.place for page in pages[1:]]
