"""What the workbook promises: all tables, native charts, definitions, no formula, the same bytes twice."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from functools import cache

from reports.document import Theme
from reports.files.workbook import as_xlsx
from tests.reports.files.made import nothing, share, shares, small


@cache
def _small() -> bytes:
    return as_xlsx(small())


def _parts(book: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(book)) as file:
        return {name: file.read(name).decode() for name in file.namelist() if name.endswith((".xml", ".rels"))}


def _texts(book: bytes) -> str:
    return "\n".join(re.findall(r"<t[^>]*>([^<]*)</t>", _parts(book)["xl/sharedStrings.xml"]))


def test_the_same_report_gives_the_same_workbook() -> None:
    """Nothing in it is of the moment when it was written; its date is the report's."""
    assert _small() == as_xlsx(small())
    assert "2026-11-22T00:00:00Z" in _parts(_small())["docProps/core.xml"]


def test_there_is_a_sheet_for_each_theme_and_one_of_definitions() -> None:
    """Cover first, themes in the order of the pages, definitions after them."""
    names = re.findall(r'<sheet name="([^"]+)"', _parts(_small())["xl/workbook.xml"])
    themes = [theme.name for theme in small().themes]
    assert names[0] == "report"
    assert names[1 : len(themes) + 1] == themes
    assert names[len(themes) + 1] == "definitions"


def test_numbers_are_numbers_and_their_definitions_stand_in_it() -> None:
    """A share is a number that the spreadsheet shows as percent, not a text."""
    sheets = "".join(text for name, text in _parts(_small()).items() if name.startswith("xl/worksheets/"))
    fraction = small().theme("fraction").table("now").figure("all", "fraction")
    assert f"<v>{fraction.value:.16g}</v>" in sheets
    for indicator in small().definitions.values():
        assert re.sub("&", "&amp;", indicator.name) in _texts(_small())


def test_bars_are_native_charts() -> None:
    """A spreadsheet can redraw them."""
    assert any(name.startswith("xl/charts/chart") for name in _parts(_small()))


def test_no_cell_is_a_formula_or_a_link_of_strangers() -> None:
    """What a stranger wrote is text, whatever it begins with."""
    table = shares(('=HYPERLINK("http://evil.example")', "https://evil.example"), share(1, 2), share(1, 3))
    book = as_xlsx(replace(small(), themes=(Theme("t", "Name: [of] / a * sheet?", "?", (table,)),), headline=()))
    sheets = {name: text for name, text in _parts(book).items() if name.startswith("xl/worksheets/")}
    assert not any("<f>" in text for text in sheets.values())
    assert not any("evil.example" in text for text in sheets.values())
    assert "=HYPERLINK" in _texts(book).replace("&quot;", '"')


def test_titles_lead_to_the_pages_where_their_address_is_known() -> None:
    """Who opens the workbook gets from a table to its rows."""
    book = as_xlsx(small(), "https://biblio.example/reports/")
    links = "".join(text for name, text in _parts(book).items() if name.startswith("xl/worksheets/_rels"))
    assert "https://biblio.example/reports/fraction" in links


def test_a_report_of_nothing_is_a_workbook_that_says_so() -> None:
    """No theme breaks on emptiness."""
    assert "no project had been observed" in _texts(as_xlsx(nothing()))
