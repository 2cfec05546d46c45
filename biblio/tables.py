"""Tables as files: CSV and XLSX in which nothing is run, whatever strangers wrote into the cells.

Rows are any sequences of cells: text, numbers, True and False, dates, None for an empty cell. Text is cleaned of what a
file cannot hold (control characters, halves of surrogate pairs) and cut at what a spreadsheet can.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import xlsxwriter

LONGEST_CELL = 32_767
"""Characters (UTF-16 units) of a cell that a spreadsheet takes; longer ones are cut and say so."""

_CUT = " … (cut)"
_EXACT = 2**53
"""Whole numbers beyond which a spreadsheet rounds; they are written as text."""
_FORMULA = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_LATER = re.compile(r"([;|\t\r\n][\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet set up for another separator than the comma begins a cell in the midst of ours."""
_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""When every workbook was written, by its own words: the first day that its format knows."""
_NUMBER = re.compile(r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_WIDEST = 60


def fit(text: str) -> str:
    """Return ``text`` with a sign in place of each character that no file of text may hold."""
    return _UNFIT.sub("\ufffd", text)


def clean(text: str) -> str:
    """Return ``text`` without characters that no file of text may hold, cut at ``LONGEST_CELL``."""
    text = fit(text)
    units = len(text) + sum(c > "\uffff" for c in text)
    if units <= LONGEST_CELL:
        return text
    kept = text[: LONGEST_CELL - len(_CUT)]
    while len(kept) + sum(c > "\uffff" for c in kept) > LONGEST_CELL - len(_CUT):
        kept = kept[:-64]
    return kept + _CUT


def safe_cell(value: object) -> object:
    """Return a CSV cell that a spreadsheet will not run: text that begins like a formula gets an apostrophe in front.

    So does what begins like one behind a semicolon, tab, bar or line break: spreadsheets in much of Europe cut lines at
    semicolons, whatever the file says, and heed quotation marks at the beginning of what they take for a cell alone.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    text = clean(value)
    if _NUMBER.match(text):
        return text
    text = _LATER.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def csv_file(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a CSV file (UTF-8, RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def xlsx_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a workbook of one sheet called ``name``, with the header row fixed and a filter on every column.

    Text is written as text, never as a formula or a link, whatever it begins with. The same rows give the same bytes.
    """
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": _NO_TIME})
        sheet = book.add_worksheet(re.sub(r"[^A-Za-z0-9 ._-]+", "-", name)[:31].strip("'") or "table")
        bold = book.add_format({"bold": True})
        for place, title in enumerate(header):
            sheet.set_column(place, place, min(max(len(title) + 4, 12), _WIDEST))
        sheet.freeze_panes(1, 0)
        for place, title in enumerate(header):
            sheet.write_string(0, place, clean(title), bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                _write(sheet, last, place, cell)
        if header:
            sheet.autofilter(0, 0, last, len(header) - 1)
    return out.getvalue()


def _write(sheet: xlsxwriter.worksheet.Worksheet, row: int, place: int, cell: object) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_string(row, place, "yes" if cell else "no")
    elif isinstance(cell, int | float) and math.isfinite(cell) and abs(cell) <= _EXACT:
        sheet.write_number(row, place, cell)
    else:
        text = cell.isoformat() if isinstance(cell, date | datetime) else str(cell)
        sheet.write_string(row, place, clean(text))
