"""The rows of a VOTable from a stranger: checked first, read by astropy and pyvo, given as plain text.

The two libraries trust what they read: a ``STREAM`` may name an address or a file that they then open, ``nrows`` and
``arraysize`` say how much memory they take before the first row, and a binary table of fields without length never
ends. So the XML is walked once with expat, which takes nothing for granted, and only what passes is handed to them.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import numpy as np
from pyvo.dal import DALQueryError
from pyvo.dal.query import votableparse
from pyvo.dal.tap import TAPResults

from harvesters.errors import PageRefused

MOST_ROW_BYTES = 512 * 1024
MOST_TABLE_BYTES = 256 * 1024**2
"""Memory that fields of fixed length may take, per row and in all rows. Real tables of observations need 2 kB a row."""

MOST_DEPTH = 32
_CHARACTER_BYTES, _ELEMENT_BYTES = 4, 16
"""What a character takes in memory, and the widest element of another array (doubleComplex)."""

_FIELD = re.compile(rb"<(?:[\w.-]+:)?FIELD\b[^<>]*>")
_OF_TEXT = re.compile(rb"""\sdatatype\s*=\s*["'](?:char|unicodeChar)["']""")
_LENGTH = re.compile(rb"""(\sarraysize\s*=\s*["'])\s*(\d+)(\*?)\s*(["'])""")
NO_TEXT = "\ufffd"
"""What stands in a cell for a sign that is no text: a control character, or half of one."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TOO_LONG = re.compile(
    r"time[ -]?(?:d )?out|time limit|too (?:long|large|big|many rows)|execution ?duration|exceed|asynchronous", re.I
)


class TooLong(PageRefused):
    """The service says that the query takes longer, or gives more, than it answers while one waits."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text: ``names`` in lower case; a cell is None where there is none, and is not stripped."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    is_cut: bool


def read_votable(body: bytes, place: str, *, most_rows: int) -> Table:
    """Return the one table of a VOTable. Raises ``PageRefused`` for anything else, whatever the bytes are.

    ``TooLong`` is raised where the service's own error message says that time or room were not enough.
    """
    if b"<VOTABLE" not in body[:4096] and b":VOTABLE" not in body[:4096]:
        raise PageRefused(f'{place}: the answer is no VOTable ("{_words(body)}")')
    body = _with_free_lengths(body)
    _Walk(place, most_rows).through(body)
    try:
        with warnings.catch_warnings():
            # astropy and pyvo warn of every small departure from the standard, and of overflow, which is_cut tells.
            warnings.simplefilter("ignore")
            results = TAPResults(votableparse(io.BytesIO(body).read), url=place)
            table = results.resultstable
            names = tuple(str(each.name).lower() for each in table.fields)
            columns = [_column(table.array[each.ID]) for each in table.fields]
            rows = tuple(zip(*columns, strict=True))
    except DALQueryError as refused:
        told = " ".join(_CONTROLS.sub(" ", str(refused)).split())[:300]
        kind = TooLong if _TOO_LONG.search(told) else PageRefused
        raise kind(f"{place}: the service refuses the query: {told}") from refused
    except Exception as broken:  # whatever a stranger's table makes the two libraries raise (fuzzed: a dozen sorts)
        raise PageRefused(f"{place}: the VOTable is broken or cut off ({type(broken).__name__})") from broken
    if len(rows) > most_rows:
        raise PageRefused(f"{place}: the table has {len(rows)} rows, more than the {most_rows} that can be asked for")
    return Table(names, rows, results.status[0].upper() == "OVERFLOW")


def forbid_entities(body: bytes, place: str) -> None:
    """Refuse XML that declares entities, which can grow without bound."""
    if b"<!ENTITY" in body:
        raise PageRefused(f"{place}: the answer declares entities, which can grow without bound; not read")


def _with_free_lengths(body: bytes) -> bytes:
    """Give text fields the length "*" where that is read in the same way.

    astropy takes "4000*" (at most 4000 characters) for 4000 in every row, 16 kB each: 10,000 rows of an archive's
    table cost 865 MB, and 35 MB with "*". The two are stored alike in all serialisations (VOTable 1.3, 2.2); a fixed length is stored
    like "*" where the data are XML.
    """
    head, data, rest = body.partition(b"<DATA")
    is_xml = b"TABLEDATA" in rest[:256]

    def freed(length: re.Match[bytes]) -> bytes:
        return length[1] + b"*" + length[4] if is_xml or length[3] else length[0]

    def field_freed(tag: re.Match[bytes]) -> bytes:
        return _LENGTH.sub(freed, tag[0]) if _OF_TEXT.search(tag[0]) else tag[0]

    return _FIELD.sub(field_freed, head) + data + rest


def _words(body: bytes) -> str:
    """The first words of a page that is no table, for the person who has to find out what it is."""
    text = re.sub(rb"(?is)<(script|style)\b.*?</\1\s*>|<[^>]*>", b" ", body[:4000]).decode("utf-8", errors="replace")
    return " ".join(_CONTROLS.sub(" ", text).split())[:120]


def _column(cells: Any) -> list[str | None]:
    """A column as text; record by record the same takes three times as long."""
    masked: Any = np.ma.getmaskarray(cells).reshape(len(cells), -1).all(axis=1) if len(cells) else ()
    values = np.ma.getdata(cells)
    plain = values.tolist() if values.ndim == 1 and values.dtype.kind in "OUSiu" else values
    return [None if none else _text(cell) for cell, none in zip(plain, masked, strict=True)]


def _text(cell: object) -> str | None:
    """A cell as text that both databases can hold, or None for none and for NaN."""
    if cell is None or np.ma.is_masked(cell):
        return None
    if isinstance(cell, float | np.floating) and math.isnan(cell):
        return None
    return _CONTROLS.sub(NO_TEXT, cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))


@dataclass(slots=True)
class _Walk:
    """One walk through the XML that refuses what must not reach the libraries."""

    place: str
    most_rows: int
    depth: int = 0
    tables: int = 0
    rows: int = 0
    row_bytes: int = 0
    fields: int = 0
    is_zero: bool = False
    in_stream: bool = False
    stream: list[str] = field(default_factory=list)

    def through(self, body: bytes) -> None:
        """Walk to the end. Raises ``PageRefused``."""
        forbid_entities(body, self.place)
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.buffer_text = True
        try:
            parser.Parse(body, True)
        except expat.ExpatError as broken:
            told = expat.ErrorString(broken.code)
            raise PageRefused(f"{self.place}: the VOTable is broken or cut off ({told})") from broken
        except (ValueError, LookupError) as broken:  # an encoding nobody knows, or that is none
            raise PageRefused(f"{self.place}: the VOTable is broken or cut off ({type(broken).__name__})") from broken

    def _refuse(self, why: str) -> None:
        raise PageRefused(f"{self.place}: {why}")

    def _entity(self, *_declared: object) -> None:
        self._refuse("the answer declares entities, which can grow without bound; not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            self._refuse(f"the VOTable is nested deeper than {MOST_DEPTH} elements")
        tag = name.rpartition(":")[2]
        if tag == "TR":
            self._row()
        elif tag == "TABLE":
            self._table(attributes)
        elif tag == "FIELD":
            self._field(attributes)
        elif tag == "STREAM":
            self._stream(attributes)
        elif tag in ("BINARY", "BINARY2") and (self.is_zero or not self.fields):
            self._refuse("a binary table without fields, or with fields of no length, never ends")
        elif tag in ("FITS", "PARQUET"):
            self._refuse(f"the table is packed as {tag}, which is not read")

    def _end(self, name: str) -> None:
        self.depth -= 1
        if name.rpartition(":")[2] == "STREAM":
            self.in_stream = False
            try:
                base64.b64decode("".join("".join(self.stream).split()), validate=True)
            except (binascii.Error, ValueError):
                self._refuse("the VOTable is broken or cut off (its binary data are no base64)")

    def _characters(self, text: str) -> None:
        if self.in_stream:
            self.stream.append(text)

    def _row(self) -> None:
        self.rows += 1
        if self.rows > self.most_rows:
            self._refuse(f"the table has more rows than the {self.most_rows} that can be asked for")
        if self.rows * self.row_bytes > MOST_TABLE_BYTES:
            self._refuse(f"the table's fields of fixed length need more than {MOST_TABLE_BYTES // 1024**2} MB")

    def _table(self, attributes: dict[str, str]) -> None:
        self.tables += 1
        if self.tables > 1:
            self._refuse("the VOTable holds more than one table")
        promised = attributes.get("nrows", "0").strip()
        if not promised.isascii() or not promised.isdigit() or int(promised[:12]) > self.most_rows:
            self._refuse(f"the table says that it has {promised[:20]} rows; at most {self.most_rows} can be asked for")

    def _field(self, attributes: dict[str, str]) -> None:
        self.fields += 1
        sizes = attributes.get("arraysize", "1").strip().split("x")
        if sizes[-1].endswith("*"):  # the last length is free: memory is taken as cells come
            sizes[-1] = "1"
        if not all(size.isascii() and size.isdigit() and len(size) < 10 for size in sizes):
            self._refuse(f"a field has the size {attributes.get('arraysize', '')[:20]!r}")
        length = math.prod(map(int, sizes))
        self.is_zero |= length == 0
        is_text = attributes.get("datatype") in ("char", "unicodeChar")
        self.row_bytes += length * (_CHARACTER_BYTES if is_text else _ELEMENT_BYTES)
        if self.row_bytes > MOST_ROW_BYTES:
            self._refuse(f"one row of the table would need more than {MOST_ROW_BYTES // 1024} kB")

    def _stream(self, attributes: dict[str, str]) -> None:
        if "href" in attributes:
            self._refuse("the table's data lie at another address, which is not followed")
        if attributes.get("encoding", "").strip() != "base64":
            self._refuse("the table's binary data are not in base64")
        self.in_stream = True
        self.stream = []


def facts_of(names: Iterable[str], columns: dict[str, str], place: str) -> list[str | None]:
    """Return the fact of each column, None for one that nobody asked for. Raises ``PageRefused``.

    ``columns`` is column (lower case) → fact; each must be there, and once: of two columns of one name nobody can say
    which is meant.
    """
    found = [columns.get(name) for name in names]
    if missing := set(columns.values()) - set(found):
        raise PageRefused(f"{place}: the answer lacks the columns for {', '.join(sorted(missing))}")
    if twice := sorted({fact for fact in found if fact is not None and found.count(fact) > 1}):
        raise PageRefused(f"{place}: the answer has the columns for {', '.join(twice)} twice")
    return found
