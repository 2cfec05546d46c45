"""Lists of others are read a row at a time; what cannot be read is named, and costs nothing else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from biblio.compare.reading import Entry, open_list
from harvesters.errors import HarvestError, PageRefused, SourceStopped
from harvesters.rows import MAX_LINE_CHARS, csv_rows

BIBCODE = "2019ApJ...900....1C"


def read(tmp_path: Path, body: str | bytes, name: str = "list.csv", kind: str | None = None) -> list[Entry]:
    """Return everything that a file holds."""
    path = tmp_path / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    with open_list(path, kind=kind) as opened:
        return list(opened.entries)


def papers(entries: list[Entry]) -> list[tuple[str, str]]:
    """Return the papers' identifiers with their projects."""
    return [(e.paper.key, e.paper.projects) for e in entries if e.paper]


TABLE = f"bibcode,title,programid\n{BIBCODE},Rings,2013.1.00020.S : Europe\n"


@pytest.mark.parametrize(
    "body",
    [
        TABLE.encode(),
        b"\xef\xbb\xbf" + TABLE.encode(),
        b"\xff\xfe" + TABLE.encode("utf-16-le"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").replace("\n", "\r\n").encode(),
        b"sep=,\n\n" + TABLE.encode(),
        gzip.compress(TABLE.encode()),
        gzip.compress(b"\xff\xfe" + TABLE.encode("utf-16-le")),
        TABLE.replace("2013", "'=2013").replace("'=", "").replace(BIBCODE, f'"{BIBCODE}"').encode(),
        json.dumps({"bibcode": BIBCODE, "projects": ["2013.1.00020.S : Europe"]}).encode(),
        f"<r><numFound>1</numFound><record><bibcode>{BIBCODE}</bibcode>"
        "<programids>2013.1.00020.S : Europe</programids></record></r>".encode(),
        f'<response><result numFound="1"><doc><str name="bibcode">{BIBCODE}</str>'
        '<arr name="programid"><str>2013.1.00020.S : Europe</str></arr></doc></result></response>'.encode(),
    ],
    ids=[
        *("utf8", "bom", "utf16le", "utf16be", "semicolons", "tabs", "sep", "gzip", "gzip-utf16", "quoted", "jsonl"),
        *("telbib-xml", "solr-xml"),
    ],
)
def test_a_list_reads_the_same_in_every_dress(tmp_path: Path, body: bytes) -> None:
    """Encodings, delimiters, packing, JSON lines and XML give one paper with its project."""
    assert papers(read(tmp_path, body)) == [(BIBCODE, "2013.1.00020.S : Europe")]


def test_our_own_export_is_a_list(tmp_path: Path) -> None:
    """A row of our decisions says whether it was rejected there."""
    body = f"code,bibcode,doi,arxiv,verdict\n2013.1.00020.S,{BIBCODE},,,reject\n2013.1.00020.S,,10.9999/X,,accept\n"
    read_ones = read(tmp_path, body)
    assert [(e.paper.verdict, e.paper.key) for e in read_ones if e.paper] == [
        ("reject", BIBCODE),
        ("accept", "doi:10.9999/X"),
    ]


def test_bibtex_and_plain_names(tmp_path: Path) -> None:
    """Entries and lines name papers by what they hold; broken ones by their line."""
    bib = "@article{a, title={Rings}, doi={10.9999/rings}}\n@article{b, title={No}\n@article{c, author={X}}\n"
    entries = read(tmp_path, bib, "list.bib")
    assert [e.paper.key if e.paper else e.place for e in entries] == ["doi:10.9999/rings", "line 2", "line 3"]
    names = read(tmp_path, f"# ours\n{BIBCODE}\narXiv:1901.00001v2\nno name at all\n", "list.txt")
    assert [e.paper.key if e.paper else e.place for e in names] == [BIBCODE, "arXiv:1901.00001", "row 4"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2019ApJ...900\0....1C,x,y", "NUL"),
        ("2019ApJ,too,many,cells", "4 fields"),
        ("no bibcode,x,y", "no bibcode"),
        ('"unclosed,x,y', "no CSV row"),
        ("\udcff,x,y", "no UTF-8"),
        ("x" * (MAX_LINE_CHARS + 5) + ",x,y", "field larger"),
        ('=cmd|"/C calc"!A0,x,y', "no bibcode"),
    ],
    ids=["nul", "columns", "no name", "unclosed", "latin1", "huge", "formula"],
)
def test_a_bad_row_costs_itself(tmp_path: Path, line: str, why: str) -> None:
    """It is named with its row and the reason; the rows around it are read."""
    good = f"{BIBCODE},Rings,\n"
    body = f"bibcode,title,programid\n{good}{line}\n{good}".encode(errors="surrogateescape")
    entries = read(tmp_path, body)
    assert [bool(e.paper) for e in entries] == [True, False, True]
    assert entries[1].place == "row 3"
    assert why in (entries[1].reason or "")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"PK\x03\x04sheet", "spreadsheet"),
        ("bibcode,title\n2019,x\n".encode("utf-16-le"), "UTF-16 without its mark"),
        (b"title,year\nRings,2019\n", "no column bibcode, doi or arxiv; it reads: title,year"),
        (b"\x1f\x8bbroken", "damaged"),
        (b"<html><body>Log in</body></html>", "no record"),
        (b'<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>', "document type"),
        (b"<r><record><bibcode>", "broken or cut off"),
    ],
    ids=["empty", "xlsx", "utf16", "columns", "gzip", "html", "doctype", "cut off"],
)
def test_a_file_that_is_no_list_is_refused_by_name(tmp_path: Path, body: bytes, why: str) -> None:
    """The error names the file and says what is wrong."""
    with pytest.raises(HarvestError, match=why) as refused:
        read(tmp_path, body)
    assert "list.csv" in str(refused.value)


def test_utf16_that_was_cut_off_within_a_character_is_read(tmp_path: Path) -> None:
    """A file with an odd number of bytes: what came before is kept, and it is no failure of ours."""
    body = TABLE.replace("\n", f"\n{BIBCODE.replace('1C', '2D')},Gaps,\n", 1).encode("utf-16")
    assert [key for key, _ in papers(read(tmp_path, body[:-1]))][:1] == [BIBCODE.replace("1C", "2D")]
    assert [row.reason is None for row in csv_rows(body[:-1], "bibcode")] == [True, False]


def test_a_packed_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    """Rows before the damage came; then the damage is told."""
    packed = gzip.compress(("bibcode\n" + f"{BIBCODE}\n" * 300_000).encode(), 1)
    path = tmp_path / "list.csv"
    path.write_bytes(packed[: len(packed) // 2])
    with open_list(path, kind="table") as opened, pytest.raises(SourceStopped, match="damaged gzip"):
        list(opened.entries)


def test_a_table_without_names_of_papers_is_refused(tmp_path: Path) -> None:
    """Asked to read it as a table, the header's columns are told."""
    with pytest.raises(PageRefused, match="no column"):
        read(tmp_path, "title,year\nRings,2019\n", kind="table")


def test_a_header_of_very_many_columns_is_refused_in_a_few_words(tmp_path: Path) -> None:
    """A hundred thousand columns, each named twice, cost one look each, and are not all repeated to the reader."""
    columns = ",".join(f"c{number // 2}" for number in range(100_000))
    with pytest.raises(PageRefused, match="twice") as refused:
        read(tmp_path, f"bibcode,{columns}\n{BIBCODE}\n")
    assert len(str(refused.value)) < 200
