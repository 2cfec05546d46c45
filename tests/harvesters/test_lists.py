"""What reading other libraries' lists promises."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harvesters import files
from harvesters.errors import PageRefused, SourceStopped
from harvesters.files import PROJECTS, ListFile
from harvesters.formats import FORMATS, format_of
from harvesters.lists import NamesList, PapersTable, authors_in
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedAuthor

TELBIB = """author,title,journal,volume,pages,year,bibcode,telescope,instrument,programid,datastatus,survey,sciver
"Doe, J.; Roe, R.","Cold dust, at last",ApJ,822,36-44,2016,2016ApJ...822...36D,ALMA,Band 6," 2012.1.00076.S : North America   2013.1.00879.S , ALMA-Partner ",PI,,no
"Poe, E.",Warm gas,A&A,610,A11,2018,2018A%26A...610A..11P,"ALMA; APEX",,67.B-0108(A),Archive,X,
,No name at all,ApJ,1,1,2016,,,,,,,
"Foe, F.",A wrong year,ApJ,1,1,soon,2016ApJ...822...37F,,,,,,
too,short
"""


def parsed(source: ListFile, body: str | bytes) -> ParsedPage:
    """What a file of this content gives."""
    assert isinstance(source, Source)
    raw = body.encode() if isinstance(body, str) else body
    return source.parse(Page(source.name, "list.csv", raw, source.content_type, {}, True))


def table(body: str | bytes) -> ParsedPage:
    """What a table of this content gives."""
    return parsed(PapersTable(Path("unused")), body)


def names(body: str | bytes) -> ParsedPage:
    """What a plain list of this content gives."""
    return parsed(NamesList(Path("unused")), body)


def test_a_telbib_table_becomes_papers() -> None:
    """Every column of telbib's export is read or kept, and the cell with the codes stays as it was written."""
    first, second = table(TELBIB).records
    assert (first.key, first.bibcode, first.title) == (
        "2016ApJ...822...36D",
        "2016ApJ...822...36D",
        "Cold dust, at last",
    )
    assert first.authors == (HarvestedAuthor("Doe, J."), HarvestedAuthor("Roe, R."))
    assert (first.journal, first.volume, first.page, first.year) == ("ApJ", "822", "36", 2016)
    assert first.extra[PROJECTS] == "2012.1.00076.S : North America   2013.1.00879.S , ALMA-Partner"
    assert {n: first.extra[n] for n in ("telescope", "instrument", "datastatus", "sciver")} == {
        "telescope": "ALMA", "instrument": "Band 6", "datastatus": "PI", "sciver": "no",
    }  # fmt: skip
    assert (second.bibcode, second.extra["telescope"]) == ("2018A&A...610A..11P", "ALMA; APEX")


def test_bad_rows_of_a_table_cost_themselves() -> None:
    """A row without a name, with a year that is none, or with too few cells is refused with its number; rows are told."""
    told = table(TELBIB)
    assert [r.place for r in told.refusals] == ["list.csv row 4", "list.csv row 5", "list.csv row 6"]
    assert [r.key for r in told.refusals] == [None, "2016ApJ...822...37F", None]
    assert "no bibcode, DOI or arXiv number" in told.refusals[0].reason
    assert told.rows == (2, 3)
    assert told.unread_fields == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_are_found_by_their_names_whatever_stands_between(delimiter: str) -> None:
    """In any order, in other libraries' words, and with a column nobody knows, which is kept and reported."""
    rows = [
        ["Remark", "Project codes", "ADS Bibcode", "arXiv ID"],
        ["good", "2013.1.00001.S", "2016ApJ...822...36D", "-"],
    ]
    told = table("\n".join(delimiter.join(row) for row in rows))
    (record,) = told.records
    assert (record.bibcode, record.arxiv_id, record.extra[PROJECTS]) == ("2016ApJ...822...36D", None, "2013.1.00001.S")
    assert (record.extra["remark"], told.unread_fields) == ("good", ("remark",))


def test_an_identifier_counts_in_whichever_column_it_stands() -> None:
    """A preprint's number in the column of bibcodes is read; a word in the column of DOIs is told and costs nothing."""
    told = table("bibcode,doi\narXiv:1407.1057v2,none yet\n2016ApJ...822...36D 2016ApJ...822...37D,\n")
    (record,) = told.records
    assert (record.arxiv_id, record.arxiv_version, record.bibcode) == ("1407.1057", 2, None)
    assert record.extra["unusable"] == "'none yet' is no doi"
    assert "several" in told.refusals[0].reason


def test_rows_of_one_paper_are_one_record() -> None:
    """A row for each pair of paper and project is one paper with all its codes; a row that contradicts is refused."""
    told = table(
        "bibcode,programid,title\n2016ApJ...822...36D,2013.1.00001.S,Dust\n2016ApJ...822...36D,2013.1.00002.S,Dust\n"
        "2016ApJ...822...36D,2013.1.00003.S,Gas\n"
    )
    assert {record.extra[PROJECTS] for record in told.records} == {"2013.1.00001.S; 2013.1.00002.S"}
    assert (told.rows, told.refusals[0].place) == ((2, 3), "list.csv row 4")
    assert "than row 2" in told.refusals[0].reason


def test_a_table_without_names_is_refused_whole() -> None:
    """A header that has no column of identifiers is quoted."""
    with pytest.raises(PageRefused, match=r"list.csv: the header has no column bibcode, doi, arXiv number|no column"):
        table("title,year\nCold dust,2016\n")


def test_what_we_export_ourselves_is_read() -> None:
    """The CSV of the public pages: refereed as yes and no, codes with blanks between, a guard before a formula."""
    told = table(
        'title,authors,year,refereed,doi,projects\n\'=Dusty,"Doe, J.",2021,no,10.9999/x,2013.1.00001.S 2015.1.00002.S\n'
    )
    (record,) = told.records
    assert (record.title, record.is_refereed, record.year) == ("=Dusty", False, 2021)
    assert record.authors == (HarvestedAuthor("Doe, J."),)


def test_a_plain_list_mixes_identifiers() -> None:
    """One a line in every dress, comments and blank lines between; a bibcode tells its year, nothing tells a title."""
    told = names(
        "# our papers\r\n\r\n2016ApJ...822...36D\r\nhttps://doi.org/10.3847/1538-4357/AB0001  # accepted\r\n"
        "arXiv:2101.00001v2\r\nhttps://ui.adsabs.harvard.edu/abs/2018A%26A...610A..11P/abstract\r\n2014arXiv1408.1393K\r\n"
    )
    assert [r.key for r in told.records] == [
        "2016ApJ...822...36D", "doi:10.3847/1538-4357/AB0001", "arXiv:2101.00001", "2018A&A...610A..11P",
        "2014arXiv1408.1393K",
    ]  # fmt: skip
    assert [r.year for r in told.records] == [2016, None, None, 2018, 2014]
    assert [r.kind for r in told.records] == [None, None, None, None, "eprint"]
    assert told.rows == (3, 4, 5, 6, 7)
    assert {r.title for r in told.records} == {None}


def test_lines_of_a_list_may_have_cells() -> None:
    """Other names of the same paper are joined, words are kept; two papers in a line are refused, and so are words alone."""
    told = names(
        "2016ApJ...822...36D,10.9999/x,kepler\n2016ApJ...822...36D 2016ApJ...822...37D\n"
        "2016ApJ...822...36D;2016ApJ...822...37D\nDoe et al. 2016\n\0\n"
    )
    (record,) = told.records
    assert (record.bibcode, record.doi, record.extra["column 3"]) == ("2016ApJ...822...36D", "10.9999/x", "kepler")
    assert told.unread_fields == ("column 3",)
    assert [r.place for r in told.refusals] == [f"list.csv row {n}" for n in (2, 3, 4, 5)]
    assert ["several" in r.reason for r in told.refusals] == [True, True, False, False]
    assert "'Doe et al. 2016'" in told.refusals[2].reason


def test_long_lists_keep_their_line_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices give every line once, with the number it has in the file."""
    monkeypatch.setattr(files, "_ROWS_PER_PAGE", 2)
    path = tmp_path / "list.txt"
    path.write_text("".join(f"2101.0000{n}\n" for n in range(1, 6)), encoding="utf-8")
    source = NamesList(path)
    told = [source.parse(page) for page in source.pages({})]
    assert [row for page in told for row in page.rows] == [1, 2, 3, 4, 5]
    path.write_text("".join(f"2101.0000{n}\n" for n in range(1, 6)), encoding="utf-16")
    assert [source.parse(page).rows for page in source.pages({})] == [page.rows for page in told]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Doe, J.; Roe, R.", ["Doe, J.", "Roe, R."]),
        ("Doe, J., Roe, R. M., & Poe, E.", ["Doe, J.", "Roe, R. M.", "Poe, E."]),
        ("Doe, Jane and Roe, Richard", ["Doe, Jane", "Roe, Richard"]),
        ("Jane Doe, Richard Roe", ["Jane Doe", "Richard Roe"]),
        ("Jane Doe and Richard Roe", ["Jane Doe", "Richard Roe"]),
        ("van der Doe, Jane", ["van der Doe, Jane"]),
        ("Doe, Jane Ann", ["Doe, Jane Ann"]),
        ("Doe, J.-P.", ["Doe, J.-P."]),
        ("", []),
    ],
)
def test_names_in_one_cell_are_told_apart(cell: str, expected: list[str]) -> None:
    """Whatever a library writes between authors."""
    assert authors_in(cell) == (expected, False)
    assert authors_in(f"{cell}, et al.")[1] is True


# -- which format a file is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "format_"),
    [
        ("% library\n@article{a, title={One}}\n", "bibtex"),
        ('\n{"id": "p1", "title": "x"}\n', "jsonl"),
        ("Title;Bibcode\nCold dust;2016ApJ...822...36D\n", "table"),
        ("bibcode\n2016ApJ...822...36D\n", "table"),
        ("# ours\n2016ApJ...822...36D,kepler\n", "list"),
        ("https://arxiv.org/abs/2101.00001 # ours\n", "list"),
    ],
)
@pytest.mark.parametrize("name", ["list.bib", "list.dat", "list.csv"])
def test_a_format_is_found_by_content(tmp_path: Path, body: str, format_: str, name: str) -> None:
    """Whatever the file is called, packed or not."""
    path = tmp_path / name
    path.write_bytes(body.encode())
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(body.encode()))
    assert {format_of(path).name, format_of(packed).name} == {format_}
    source = FORMATS[format_].source(packed, name="x")
    (page,) = source.pages({})
    assert page.body == body.encode()
    assert len(source.parse(page).records) == 1


def test_where_content_does_not_say_the_name_does(tmp_path: Path) -> None:
    """A list whose first line is rubbish is still a list; a web page under no known name is nothing."""
    path = tmp_path / "list.txt"
    path.write_text("rubbish\n2016ApJ...822...36D\n", encoding="utf-8")
    assert format_of(path).name == "list"
    page = tmp_path / "page"
    page.write_text("<html>\x1b[2J</html>", encoding="utf-8")
    with pytest.raises(SourceStopped, match=r"is none of bibtex, table, jsonl, list; it begins '<html>\?"):
        format_of(page)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b'[{"bibcode": "2016ApJ...822...36D"}]', "one object a line"),
        (gzip.compress(b"2016ApJ...822...36D\n" * 10_000)[:-20], "damaged gzip"),
        (b"\x1f\x8b\x08rubbish", "damaged gzip"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, body: bytes, reason: str) -> None:
    """The sentence names the file."""
    path = tmp_path / "list.dat"
    path.write_bytes(body)
    with pytest.raises(SourceStopped, match=rf"list\.dat: .*{reason}"):
        list(FORMATS["list"].source(path, name="x").pages({})) if "gzip" in reason else format_of(path)


def test_a_packed_bomb_is_refused_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than a file may hold is named; devices and pipes are not opened."""
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1024**2)
    path = tmp_path / "bomb.txt.gz"
    path.write_bytes(gzip.compress(bytes(50 * 1024**2)))
    with pytest.raises(SourceStopped, match="larger than 1 MB"):
        list(NamesList(path).pages({}))
    with pytest.raises(SourceStopped, match="no regular file"):
        list(NamesList(Path("/dev/zero")).pages({}))
