"""Tables as files: nothing of a stranger's is run, and what a file cannot hold is no error."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.tables import LONGEST_CELL, clean, csv_file, safe_cell, xlsx_file

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "-2e5+1", "＝1+1"]


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def _sign(found: re.Match[str]) -> str:
    """A sign that XML cannot hold, as a spreadsheet's files write it."""
    return chr(int(found[1], 16))


def _sheet(content: bytes) -> list[list[tuple[str, str]]]:
    """The cells of a workbook's one sheet as (type, text), as a spreadsheet reads them."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(root.iter(f"{_SHEET}f"))
    assert not list(root.iter(f"{_SHEET}hyperlink"))
    return [
        [(cell.get("t", "n"), _ESCAPED.sub(_sign, "".join(cell.itertext()))) for cell in row.iter(f"{_SHEET}c")]
        for row in root.iter(f"{_SHEET}row")
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_text_in_both_formats(text: str) -> None:
    """In CSV it gets an apostrophe; in XLSX it is a cell of text."""
    cell = str(safe_cell(text))
    assert cell.startswith("'")
    assert cell.replace("'", "") == text
    assert _sheet(xlsx_file("t", ("h",), [(text,)]))[1] == [("inlineStr", text)]


@pytest.mark.parametrize(
    "text",
    ["x;=1+1", "x;=cmd|' /C calc'!A1", "Doe, J.; =1+1", "x\t=1+1", "x|@SUM(A1)", "x\n=1+1", 'x;"=1+1', "x;＝1+1"],
)
def test_a_cell_cut_at_another_separator_holds_no_formula(text: str) -> None:
    """A spreadsheet set up for semicolons (or tabs) cuts a line where it likes: what then begins a cell is text."""
    content = csv_file(("a", "b"), [(text, "one, two"), ("one, two", text)]).decode()
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator):
            assert not [cell for cell in row if cell.strip(' "').startswith(("=", "+", "-", "@", "＝"))], separator
    assert _sheet(xlsx_file("t", ("h",), [(text,)]))[1] == [("inlineStr", text)]


@pytest.mark.parametrize("value", ["-12.5", "+3", "2013.1.00020.S", "A = B", 7, -3, 0.5, ""])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    """A negative number in a column of numbers is no formula."""
    assert safe_cell(value) == value


def test_cells_keep_their_kinds() -> None:
    """Numbers are numbers, dates and large numbers exact text, yes and no words, nothing an empty cell."""
    row = (7, 0.5, True, date(2026, 11, 22), datetime(2026, 11, 22, 12, tzinfo=UTC), 2**60, None, float("nan"))
    cells = _sheet(xlsx_file("t", ("a", "b", "c", "d", "e", "f", "g", "h"), [row]))[1]
    assert cells == [
        ("n", "7"),
        ("n", "0.5"),
        ("inlineStr", "yes"),
        ("inlineStr", "2026-11-22"),
        ("inlineStr", "2026-11-22T12:00:00+00:00"),
        ("inlineStr", str(2**60)),
        ("inlineStr", "nan"),
    ]


def test_what_no_file_can_hold_is_replaced() -> None:
    """Control characters and halves of surrogate pairs become the sign for a lost character, in both formats."""
    text = "a\x00b\x1bc\ud800d"
    assert clean(text) == "a\ufffdb\ufffdc\ufffdd"
    assert csv_file(("h",), [(text,)]).decode().splitlines()[1] == clean(text)
    assert _sheet(xlsx_file("t", ("h",), [(text,)]))[1] == [("inlineStr", clean(text))]


@pytest.mark.parametrize("text", ["x" * 40_000, "\U0001d6fc" * 20_000])
def test_a_cell_too_long_for_a_spreadsheet_is_cut_and_says_so(text: str) -> None:
    """As a spreadsheet counts, in UTF-16 units."""
    cut = clean(text)
    assert len(cut.encode("utf-16-le")) // 2 <= LONGEST_CELL
    assert cut.endswith("(cut)")
    assert _sheet(xlsx_file("t", ("h",), [(text,)]))[1] == [("inlineStr", cut)]


def test_a_sheet_has_a_name_that_every_spreadsheet_takes() -> None:
    """Signs that no sheet's name may hold, too long a name, or none."""
    for name in ("a/b:c*d?e[f]", "n" * 60, "", "'quoted'"):
        with zipfile.ZipFile(io.BytesIO(xlsx_file(name, ("h",), []))) as book:
            assert b"<sheet name=" in book.read("xl/workbook.xml")


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=4))
def test_both_formats_hold_the_same_text(rows: list[list[str]]) -> None:
    """Whatever the cells: CSV reads back as many rows of as many cells, each as it was but for the apostrophe; XLSX too."""
    read = list(csv.reader(io.StringIO(csv_file(("a", "b"), rows).decode(), newline="")))
    assert read[1:] == [[str(safe_cell(cell)) for cell in row] for row in rows]
    cells = _sheet(xlsx_file("t", ("a", "b"), rows))[1:]
    assert [[text for _, text in row] for row in cells if row] == [
        [clean(cell) for cell in row if cell] for row in rows if any(row)
    ]


def test_a_workbook_does_not_tell_when_it_was_written() -> None:
    """The same rows give the same bytes on any day."""
    with zipfile.ZipFile(io.BytesIO(xlsx_file("t", ("h",), [("a",)]))) as book:
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[^<]*", book.read("docProps/core.xml").decode())) == {
            "1980-01-01T00:00:00Z"
        }
        assert {part.date_time[0] for part in book.infolist()} == {1980}
