"""Rows of CSV and JSONL files from strangers: a row that cannot be read costs itself, never its neighbours."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TextIO

from harvesters.errors import PageRefused, RecordRefused

DELIMITERS = (",", ";", "\t", "|")

MAX_ROW_LINES = 200
"""Lines one CSV row may span by quoted line breaks (abstracts have some); an unclosed quote swallows no more."""

MAX_LINE_CHARS = 2_000_000
"""Characters of one line; the longest real row (abstract, 200 co-investigators, 500 units) has some 60,000."""


_SEP = re.compile(r'"?sep=.?"?', re.IGNORECASE)
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its ``line`` in the file (1 = first), and its ``values`` or the ``reason`` why there are none."""

    line: int
    values: Mapping[str, object]
    reason: str | None = None


def decode(body: bytes) -> str:
    """The text of a file, without its byte-order mark. Bytes that are no UTF-8 or UTF-16 become lone surrogates.

    So the rows they stand in can be refused one by one (``unreadable``).
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            whole, half = divmod(len(body), 2)
            # A file cut off within a character ends in half a one: its last row is refused, as other broken ones are.
            return body[len(mark) : 2 * whole].decode(encoding, errors="surrogatepass") + "\udcff" * half
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")


def unreadable(text: str) -> str | None:
    """Why this piece of text cannot be used, or None."""
    if len(text) > MAX_LINE_CHARS:
        return f"is longer than {MAX_LINE_CHARS} characters"
    if "\0" in text:
        return "holds NUL bytes"
    if _LONE_SURROGATE.search(text):
        return "is no UTF-8 text; save the file as UTF-8"
    return None


def unreadable_json(value: object) -> str | None:
    """Why a value read from JSON cannot be used, or None: its escapes can hide NUL bytes and lone surrogates.

    No database takes either. JSON without the sign ``\\u`` need not be asked.
    """
    written = json.dumps(value, ensure_ascii=False)
    return "holds NUL bytes" if _ESCAPED_NUL.search(written) else unreadable(written)


def jsonl_rows(body: bytes, first_line: int = 1) -> Iterator[Row]:
    """One row per line that is not blank."""
    return jsonl_rows_of(io.StringIO(decode(body), newline="\n"), first_line)


def jsonl_rows_of(lines: Iterable[str], first_line: int = 1) -> Iterator[Row]:
    """As ``jsonl_rows``, of lines."""
    for line, text in enumerate(lines, start=first_line):
        if not text.strip():
            continue
        if (reason := unreadable(text)) is not None:
            yield Row(line, {}, reason)
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as wrong:
            yield Row(line, {}, f"is no JSON ({str(wrong)[:80]})")
            continue
        if not isinstance(values, dict):
            yield Row(line, {}, "is no JSON object")
        elif "\\u" in text and (reason := unreadable_json(values)) is not None:
            yield Row(line, {}, reason)
        else:
            yield Row(line, values)


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a text file with their ends, one at a time; of a line that is too long no more than says so."""
    while line := file.readline(MAX_LINE_CHARS + 2):
        rest = line
        while len(rest) > MAX_LINE_CHARS + 1 and not rest.endswith(("\n", "\r")):
            rest = file.readline(MAX_LINE_CHARS + 2)
        yield line


def csv_rows(body: bytes, required: str | Collection[str]) -> Iterator[Row]:
    """One row per record of a CSV file whose header names one of ``required``; the delimiter is found by itself.

    Column names are lower-cased and blanks in them become ``_``; empty fields are left out. Raises ``PageRefused``
    where the header cannot be used.
    """
    return csv_rows_of(io.StringIO(decode(body), newline=""), required)


def csv_rows_of(lines: Iterable[str], required: str | Collection[str]) -> Iterator[Row]:
    """As ``csv_rows``, of lines with their ends, no more of which are held at a time than one row may span."""
    rest = _Lines(lines)
    # A spreadsheet may be told its delimiter by a first line "sep=;"; the header shows it anyway.
    while (line := rest.first()) is not None and (not line.strip() or _SEP.fullmatch(line.strip())):
        rest.use(1)
    if line is None:
        raise PageRefused("the file is empty")
    header, delimiter = _header(line, [required] if isinstance(required, str) else required)
    rest.use(1)
    while (line := rest.first()) is not None:
        if not line.strip():
            rest.use(1)
            continue
        row, used = _csv_row(rest, header, delimiter)
        if row.values or row.reason is not None:  # spreadsheets add rows of nothing but delimiters
            yield row
        rest.use(used)


class _Lines:
    """The lines of a file from where it was read to; some are looked at before they are used."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self.number = 1
        """Of the first line that was not used, from 1."""

    def first(self) -> str | None:
        """The first line that was not used, None at the end."""
        return next(self.ahead(1), None)

    def ahead(self, count: int) -> Iterator[str]:
        """Up to ``count`` lines from there on, which stay to be used."""
        for at in range(count):
            if at == len(self._ahead):
                line = next(self._lines, None)
                if line is None:
                    return
                self._ahead.append(line)
            yield self._ahead[at]

    def use(self, count: int) -> None:
        """Go on behind ``count`` lines that were looked at."""
        for _ in range(count):
            self._ahead.popleft()
        self.number += count


def _header(line: str, required: Collection[str]) -> tuple[list[str], str]:
    if (reason := unreadable(line)) is not None:
        raise PageRefused(f"the header {reason}")
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter))
        except csv.Error:
            continue
        names = ["_".join(cell.lower().split()) for cell in cells]
        if not set(required).isdisjoint(names):
            twice = sorted(name for name, times in Counter(names).items() if name and times > 1)
            if twice:
                raise PageRefused(f"the header names these columns twice: {', '.join(twice)[:120]}")
            return names, delimiter
    wanted = " or ".join(f'"{name}"' for name in required)
    raise PageRefused(f"the header has no column {wanted}; it reads: {line.strip()[:120]}")


def _csv_row(rest: _Lines, header: list[str], delimiter: str) -> tuple[Row, int]:
    """The row that begins here, and how many lines it used; a bad row uses one, so that its neighbours live."""
    reader = csv.reader(rest.ahead(MAX_ROW_LINES), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except (csv.Error, StopIteration) as wrong:
        return Row(rest.number, {}, f"is no CSV row ({wrong})"), 1
    if (reason := next((why for cell in cells if (why := unreadable(cell))), None)) is not None:
        return Row(rest.number, {}, reason), 1
    if len(cells) > len(header) and not any(map(str.strip, cells[len(header) :])):
        cells = cells[: len(header)]  # spreadsheets write empty cells behind the last column
    if len(cells) != len(header):
        return Row(rest.number, {}, f"has {len(cells)} fields where the header has {len(header)}"), 1
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name and cell.strip()}
    return Row(rest.number, values), reader.line_num


def text_of(values: Mapping[str, object], name: str) -> str | None:
    """A field as text without outer blanks; None when absent or empty. Raises ``RecordRefused`` for other types."""
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RecordRefused(f'"{name}" is no text')
    return str(value).strip() or None


def texts_of(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A field as a list of texts: a JSON list, or one text with ";" between. Raises ``RecordRefused`` otherwise."""
    value = values.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RecordRefused(f'"{name}" is no list of texts')
    return tuple(stripped for item in value if (stripped := item.strip()))


def number_of(values: Mapping[str, object], name: str) -> float | None:
    """A field as a number. Raises ``RecordRefused`` for anything else."""
    value = values.get(name)
    if value is None or value == "":
        return None
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number):
        raise RecordRefused(f'"{name}" is no number: {str(value)[:40]!r}')
    return number


def whole_number_of(values: Mapping[str, object], name: str) -> int | None:
    """A field as a whole number. Raises ``RecordRefused`` for anything else."""
    number = number_of(values, name)
    if number is not None and number != int(number):
        raise RecordRefused(f'"{name}" is no whole number: {number}')
    return None if number is None else int(number)


def day_of(values: Mapping[str, object], name: str) -> date | None:
    """A field as a day, from an ISO date or date and time. Raises ``RecordRefused`` for anything else."""
    text = text_of(values, name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as wrong:
        raise RecordRefused(f'"{name}" is no date like 2026-11-22: {text[:40]!r}') from wrong
