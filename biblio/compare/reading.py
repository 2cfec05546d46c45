"""Reads others' lists a row at a time: telbib's CSV and XML, our own decisions, BibTeX, JSON lines, plain identifiers.

No more of a table or a plain list is held than one row may span, so that a million rows need no more memory than a
hundred. A row that cannot be read costs itself and is named; a file that is none of these raises ``SourceStopped``.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO
from xml.etree.ElementTree import Element  # the type; reading is xmltree's, which takes no document type

from harvesters import bibtex
from harvesters.errors import PageRefused, RecordRefused, SourceStopped
from harvesters.files import MAX_FILE_BYTES, read_start
from harvesters.formats import FORMATS, HEAD_BYTES, format_of
from harvesters.lists import REQUIRED, ListedPaper, listed_paper, name_rows
from harvesters.rows import Row, csv_rows_of, decode, jsonl_rows_of, lines_of
from harvesters.xmltree import read_tree

XML = "xml"
FORMAT_NAMES = (*FORMATS, XML)
"""What ``--format`` takes."""

WHOLE_BYTES = 64 * 1024**2
"""BibTeX and XML are read whole: an entry may refer to an earlier one, and a document is good or is not."""

_MOST_NULS = 0.3
_SOLR = frozenset(("str", "arr", "int", "long", "float", "double", "date", "bool"))
"""Elements that Solr names by an attribute."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: where it stands, and its paper or the reason why there is none."""

    place: str
    paper: ListedPaper | None = None
    reason: str | None = None


@dataclass
class OpenList:
    """A list that is being read: its format, its rows, and how much of the file was read (bytes)."""

    format: str
    size: int
    entries: Iterator[Entry]
    promised: int | None = None
    """How many papers the file itself says that there are; known when it was read."""
    read: int | None = None
    """How many bytes of several files were read."""
    _file: BinaryIO | None = None

    def done(self) -> int:
        """How many bytes were read."""
        if self.read is not None:
            return self.read
        return self.size if self._file is None or self._file.closed else self._file.tell()


@contextmanager
def open_list(path: Path, *, label: str | None = None, kind: str | None = None) -> Iterator[OpenList]:
    """Open a list; ``kind`` is one of FORMAT_NAMES (None: what stands in it says).

    Raises ``SourceStopped`` for what cannot be read or is none of these, ``PageRefused`` (also while rows are read)
    for a header, document or file that cannot be used as a whole.
    """
    label = label or path.name
    kind = kind or _kind_of(path, label)
    size = path.stat().st_size
    if kind in ("bibtex", XML):
        body = read_start(path, label, WHOLE_BYTES, whole=True)
        whole = OpenList(kind, size, iter(()))
        whole.entries = _bibtex(body, label) if kind == "bibtex" else _xml(body, label, whole)
        yield whole
        return
    with path.open("rb") as file, _text(file) as text:
        yield OpenList(kind, size, _guarded(_rows(kind, text), label), _file=file)


@contextmanager
def open_lists(paths: Sequence[Path], *, kind: str | None = None) -> Iterator[OpenList]:
    """Open several files as one list, as libraries give theirs page by page; rows are named with their file.

    They are opened one after the other, so what is wrong with a later one is raised while rows are read.
    """
    if len(paths) == 1:
        with open_list(paths[0], kind=kind) as one:
            yield one
        return
    whole = OpenList("several", sum(path.stat().st_size for path in paths), iter(()))
    whole.entries = _one_after_another(paths, kind, whole)
    yield whole


def _one_after_another(paths: Sequence[Path], kind: str | None, whole: OpenList) -> Iterator[Entry]:
    before = 0
    for path in paths:
        with open_list(path, kind=kind) as opened:
            for entry in opened.entries:
                yield Entry(f"{path.name} {entry.place}", entry.paper, entry.reason)
                whole.read = before + opened.done()
            whole.promised = max(filter(None, (whole.promised, opened.promised)), default=None)
            before += opened.size
    whole.read = whole.size


def _kind_of(path: Path, label: str) -> str:
    start = read_start(path, label, HEAD_BYTES)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SourceStopped(f"{label}: is a spreadsheet or an archive; save the sheet as CSV (UTF-8) and give that")
    if not start.startswith((b"\xff\xfe", b"\xfe\xff")) and start.count(0) > _MOST_NULS * len(start) > 0:
        raise SourceStopped(f"{label}: is no text, or UTF-16 without its mark; save it as UTF-8")
    if decode(start).lstrip().startswith("<"):
        return XML
    return format_of(path, label=label).name


@contextmanager
def _text(file: BinaryIO) -> Iterator[TextIO]:
    """The file as text, unpacked; what is no UTF-8 becomes lone surrogates, by which its row is refused."""
    raw: BinaryIO = file
    if file.read(2) == b"\x1f\x8b":
        file.seek(0)
        raw = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]
        start = raw.read(3)
    else:
        file.seek(0)
        start = file.read(3)
    raw.seek(0)
    utf16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(start[:2])
    raw.read(2 if utf16 else 3 if start == b"\xef\xbb\xbf" else 0)
    errors = "replace" if utf16 else "surrogateescape"
    with io.TextIOWrapper(raw, encoding=utf16 or "utf-8", errors=errors, newline="") as text:
        yield text


def _guarded(entries: Iterator[Entry], label: str) -> Iterator[Entry]:
    """The entries; a packed file that breaks off, or a disk, is told as what it is. At most 4 GB are unpacked."""
    try:
        yield from entries
    except PageRefused as refused:
        said = str(refused)
        if "no column" in said:
            said = f"the header has no column bibcode, doi or arxiv; {said.partition('; ')[2]}"
        raise PageRefused(f"{label}: {said}") from refused
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceStopped(f"{label}: is a damaged gzip file ({str(error)[:80]})") from error
    except OSError as error:
        raise SourceStopped(f"{label}: cannot be read ({error.strerror or type(error).__name__})") from error


def _rows(kind: str, text: TextIO) -> Iterator[Entry]:
    lines = _bounded(lines_of(text))
    if kind == "table":
        rows = csv_rows_of(lines, REQUIRED)
    elif kind == "jsonl":
        rows = jsonl_rows_of(lines)
    else:
        rows = name_rows(lines)
    for row in rows:
        yield _entry(row)


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    """The lines, as long as they are no more than a packed file may plausibly hold."""
    left = 16 * MAX_FILE_BYTES
    for line in lines:
        left -= len(line)
        if left < 0:
            raise PageRefused("the file holds more than 4 GB of text; split it")
        yield line


def _entry(row: Row) -> Entry:
    place = f"row {row.line}"
    try:
        return Entry(place, listed_paper(row))
    except RecordRefused as refused:
        return Entry(place, reason=str(refused))


# -- files that are read whole ----------------------------------------------------------------------------------------


def _bibtex(body: bytes, label: str) -> Iterator[Entry]:
    found = False
    for entry in bibtex.entries(decode(body)):
        if entry.kind not in bibtex.KINDS:
            continue
        found = True
        place = f"line {entry.line}"
        try:
            record = bibtex.record_of("list", "list", entry)
        except RecordRefused as refused:
            yield Entry(place, reason=str(refused))
            continue
        row = Row(
            entry.line,
            {
                "bibcode": record.bibcode,
                "doi": record.doi,
                "arxiv": record.arxiv_id,
                "title": record.title,
                "year": record.year,
            },
        )
        read = _entry(row)
        yield Entry(place, read.paper, read.reason)
    if not found:
        raise PageRefused(f"{label}: holds no BibTeX entry")


def _xml(body: bytes, label: str, whole: OpenList) -> Iterator[Entry]:
    """Records of an XML document: every element with a child that names a paper, as telbib or Solr write them."""
    root = read_tree(body, "text/xml", label)
    number = 0
    for element in root.iter():
        if _name(element) in ("numfound", "num_found") or element.get("numFound"):
            written = (element.get("numFound") or element.text or "").strip()
            whole.promised = int(written) if written.isdecimal() and len(written) < 10 else whole.promised
        values: dict[str, object] = {}
        for child in element:
            texts = [t for t in (" ".join("".join(e.itertext()).split()) for e in (list(child) or [child])) if t]
            if texts:
                before = values.get(_name(child))
                values[_name(child)] = [*(before if isinstance(before, list) else []), *texts]
        if not REQUIRED.isdisjoint(values):
            number += 1
            yield _entry(Row(number, {name: _one(texts) for name, texts in values.items()}))
    if not number:
        raise PageRefused(f"{label}: the XML holds no record with a bibcode, DOI or arXiv number")


def _name(element: Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    tag = tag.rpartition("}")[2].lower()
    return (element.get("name") or tag).lower() if tag in _SOLR else tag


def _one(texts: object) -> object:
    return texts[0] if isinstance(texts, list) and len(texts) == 1 else texts
