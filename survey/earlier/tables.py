"""A CSV file that people hand in: read whole, with the line of each row, or refused with a sentence."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from biblio.errors import RequestRefused

MAX_BYTES = 50_000_000
"""A list of everybody ever asked is far smaller; a larger file is not one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, and its fields without blanks at their ends."""

    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return a field; empty where the column or the field is missing."""
        return self.values.get(column, "")


@dataclass(slots=True)
class Table:
    """A file's columns and rows. ``broken`` says where reading stopped, if it did not reach the end."""

    name: str
    columns: frozenset[str]
    rows: list[Row] = field(default_factory=list)
    broken: str | None = None

    def at(self, line: int) -> str:
        """Return the place of a line as sentences name it."""
        return f"{self.name}, line {line}"


def read_table(path: Path) -> Table:
    """Read a CSV file in UTF-8 whose first line names its columns. Raises ``RequestRefused`` when it is none."""
    if path.stat().st_size > MAX_BYTES:
        raise RequestRefused(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: it is no list of who was asked.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestRefused(f"{path.name} is not UTF-8 text (byte {error.start}). Nothing was stored.") from error
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    try:
        names = [(name or "").strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise RequestRefused(f"{path.name} cannot be read as CSV: {error}. Nothing was stored.") from error
    if len(set(names)) != len(names):
        raise RequestRefused(f"{path.name} names a column twice. Nothing was stored.")
    table = Table(path.name, frozenset(names))
    try:
        for row in reader:
            plain = {(name or "").strip(): value.strip() for name, value in row.items() if isinstance(value, str)}
            table.rows.append(Row(reader.line_num, plain))
    except csv.Error as error:
        table.broken = f"{table.at(reader.line_num)}: {error}; the rest of the file was not read"
    return table


def day_of(column: str, text: str) -> date:
    """Read a day. Raises ``ValueError`` saying how days are written."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{column} is no day: {text[:40]!r}; write it like 2015-03-01") from error
