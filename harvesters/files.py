"""Files as sources: projects from CSV or JSONL, papers from BibTeX or JSONL (tables and plain lists: ``harvesters.lists``).

Read in slices and kept as they came, but unpacked where they are packed with gzip. A file that cannot be opened raises ``SourceStopped``; a file that is not what it should be (no header, no column
``code``) raises ``PageRefused``; a row that cannot be read is a refusal with the file's name and its row.
"""

from __future__ import annotations

import gzip
import re
import stat
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar

from harvesters import bibtex
from harvesters.arxiv import split_identifier
from harvesters.errors import PageRefused, RecordRefused, SourceStopped
from harvesters.identifiers import read_name
from harvesters.projects import gather
from harvesters.protocol import Page, ParsedPage
from harvesters.records import PAPER_KINDS, HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.rows import Row, csv_rows, day_of, decode, jsonl_rows, text_of, texts_of, whole_number_of

MAX_FILE_BYTES = 256 * 1024**2
"""A list of every paper of a large observatory, abstracts included, stays below 100 MB."""

PROJECTS = "programid"
"""Where a record's ``extra`` holds the project codes that a list gives for a paper, as written there (telbib's name)."""

_ROWS_PER_PAGE = 1_000


class ListFile(ABC):
    """One file as one page; ``pages`` gives nothing when the cursor says it was read.

    ``content_type`` names the format with every page, so that a stored one is read again by the right class.
    """

    content_type: ClassVar[str]

    def __init__(self, path: Path, *, name: str, label: str | None = None) -> None:
        self.name = name
        self._path = path
        self._label = label or path.name

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the file as one page. Raises ``SourceStopped`` when it cannot be opened."""
        if not cursor.get("done"):
            yield self._page(self._bytes(), self._label, {"done": True}, is_last=True)

    @abstractmethod
    def parse(self, page: Page) -> ParsedPage:
        """Read one page of the file."""

    def _page(self, body: bytes, place: str, following: dict[str, object], *, is_last: bool) -> Page:
        return Page(self.name, place, body, self.content_type, following, is_last)

    def _bytes(self) -> bytes:
        return read_start(self._path, self._label, MAX_FILE_BYTES, whole=True)


def read_start(path: Path, label: str, size: int, *, whole: bool = False) -> bytes:
    """Return the first ``size`` bytes of a file, unpacked if it is packed with gzip. With ``whole`` there may be no more.

    Raises ``SourceStopped`` for what is no regular file, cannot be read, is damaged, or larger than ``whole`` allows.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe could wait for ever
            raise SourceStopped(f"{label}: is no regular file")
        with path.open("rb") as file:
            start = file.read(size + 1)
            if start[:2] == b"\x1f\x8b":
                file.seek(0)
                start = gzip.GzipFile(fileobj=file).read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceStopped(f"{label}: is a damaged gzip file ({str(error)[:80]})") from error
    except OSError as error:
        raise SourceStopped(f"{label}: cannot be read ({error.strerror or type(error).__name__})") from error
    if whole and len(start) > size:
        raise SourceStopped(f"{label}: larger than {size // 1024**2} MB; split the file")
    return start[:size]


class ProjectsFile(ListFile):
    """Projects from a CSV or JSONL file (columns: ``harvesters.projects``); which of the two, its first sign says.

    ``facets`` names further columns: column → what its values are kept as.

    The file is one page, so that the rows of one project come together whatever their order.
    """

    content_type = "text/x-projects"

    def __init__(
        self,
        path: Path,
        *,
        name: str = "projects-file",
        label: str | None = None,
        facets: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(path, name=name, label=label)
        self._facets = facets

    def parse(self, page: Page) -> ParsedPage:
        """Read the file. Raises ``PageRefused`` where its header cannot be used or nothing is in it."""
        start = decode(page.body[:1024]).lstrip()
        try:
            rows = jsonl_rows(page.body) if start.startswith("{") else csv_rows(page.body, required="code")
            gathered = gather(self.name, page.place, rows, self._facets)
        except PageRefused as refused:
            raise PageRefused(f"{page.place}: {refused}") from refused
        return ParsedPage(
            projects=gathered.done(),
            refusals=tuple(gathered.refusals),
            unread_fields=tuple(sorted(gathered.unread)),
        )


class BibtexFile(ListFile):
    """Papers from a BibTeX file."""

    content_type = "application/x-bibtex"

    def __init__(self, path: Path, *, name: str = "bibtex", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the entries. Raises ``PageRefused`` where there is none at all."""
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        rows: list[int] = []
        unread: set[str] = set()
        for entry in bibtex.entries(decode(page.body)):
            unread.update(set(entry.fields) - bibtex.READ_FIELDS - bibtex.IGNORED_FIELDS)
            if entry.kind not in bibtex.KINDS:
                unread.add(f"@{entry.kind}")
            try:
                records.append(bibtex.record_of(self.name, page.place, entry))
                rows.append(entry.line)
            except RecordRefused as refused:
                refusals.append(Refusal(self.name, f"{page.place} line {entry.line}", str(refused), entry.key or None))
        if not records and not refusals:
            raise PageRefused(f"{page.place}: holds no BibTeX entry")
        return ParsedPage(
            tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)), rows=tuple(rows)
        )


class LineSlices(ListFile):
    """A file of lines, a thousand lines a page."""

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield slices of rows from ``cursor`` on; ``{"row": n}`` is the first row not yet read."""
        body = self._bytes()
        if body.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 cannot be cut at the byte of a line's end
            body = decode(body).encode(errors="surrogatepass")
        lines = body.split(b"\n")
        at = int(str(cursor.get("row", 1))) - 1
        while at < len(lines):
            following = min(at + _ROWS_PER_PAGE, len(lines))
            place = f"{self._label} from row {at + 1}"
            body = b"\n".join(lines[at:following])
            yield self._page(body, place, {"row": following + 1}, is_last=following == len(lines))
            at = following

    @staticmethod
    def start_of(page: Page) -> tuple[str, int]:
        """Return the file's name and the row that this page begins with."""
        first = re.search(r" from row (\d+)$", page.place)
        return (page.place[: first.start()], int(first[1])) if first else (page.place, 1)


class PapersFile(LineSlices):
    """Papers from a JSONL file; each row has an ``id``, or a bibcode, DOI or arXiv number that stands for it.

    A row that has neither such a number nor a title is refused.

    Read: id, title, authors (list of "Last, First" or of {name, affiliation, orcid}), abstract, year, doi, bibcode,
    arxiv, kind, is_refereed, journal, volume, page, published_on, submitted_on, keywords, comment, language, targets,
    path (where the full text lies, below the folder of this file), projects (codes of the projects whose data the paper
    used), alternate_bibcodes (those it had before), taken_from ("ads" where abstract and keywords are copied from there and may not be served on).
    """

    content_type = "application/x-ndjson"
    COLUMNS: ClassVar[frozenset[str]] = frozenset(
        [
            *(
                "id",
                "title",
                "authors",
                "abstract",
                "year",
                "doi",
                "bibcode",
                "arxiv",
                "kind",
                "is_refereed",
                "journal",
            ),
            *("volume", "page", "published_on", "submitted_on", "keywords", "comment", "language", "targets", "path"),
            *("projects", "alternate_bibcodes", "taken_from"),
        ]
    )

    def __init__(self, path: Path, *, name: str = "papers-file", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the rows of one slice."""
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        rows: list[int] = []
        unread: set[str] = set()
        name, first = self.start_of(page)
        for row in jsonl_rows(page.body, first):
            unread.update(set(map(str, row.values)) - self.COLUMNS)
            try:
                records.append(paper_of(self.name, row))
                rows.append(row.line)
            except RecordRefused as refused:
                key = row.values.get("id")
                place = f"{name} row {row.line}"
                refusals.append(Refusal(self.name, place, str(refused), key[:80] if isinstance(key, str) else None))
        return ParsedPage(
            tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)), rows=tuple(rows)
        )


def paper_of(source: str, row: Row) -> HarvestedRecord:
    """One paper from one row. Raises ``RecordRefused`` naming the field that cannot be used."""
    if row.reason is not None:
        raise RecordRefused(row.reason)
    values = row.values
    key = text_of(values, "id") or _own_name(values)
    if key is None:
        raise RecordRefused('there is no "id", and no bibcode, DOI or arXiv number in its place')
    if text_of(values, "title") is None and not _names_a_paper(values):
        raise RecordRefused("has neither a title nor a bibcode, DOI or arXiv number, so it names no paper")
    kind = text_of(values, "kind")
    if kind is not None and kind not in PAPER_KINDS:
        raise RecordRefused(f'"kind" is none of {", ".join(PAPER_KINDS)}: {kind[:40]!r}')
    arxiv_id, arxiv_version = _arxiv(values)
    year = whole_number_of(values, "year")
    published_on = day_of(values, "published_on")
    return HarvestedRecord(
        source=source,
        key=key,
        title=text_of(values, "title"),
        abstract=text_of(values, "abstract"),
        authors=_authors(values),
        doi=text_of(values, "doi"),
        bibcode=next(iter(_bibcodes(values, "bibcode")), None),
        alternate_bibcodes=_bibcodes(values, "alternate_bibcodes"),
        arxiv_id=arxiv_id,
        arxiv_version=arxiv_version,
        kind=kind,
        is_refereed=_yes_or_no(values, "is_refereed"),
        year=year if year is not None else published_on.year if published_on else None,
        published_on=published_on or (date(year, 1, 1) if year is not None and 1 <= year <= 9999 else None),
        published_precision="day" if published_on else "year" if year is not None else None,
        submitted_on=day_of(values, "submitted_on"),
        journal=text_of(values, "journal"),
        volume=text_of(values, "volume"),
        page=text_of(values, "page"),
        comment=text_of(values, "comment"),
        language=text_of(values, "language"),
        keywords=texts_of(values, "keywords"),
        path=text_of(values, "path"),
        extra=_extra(values),
    )


def _arxiv(values: Mapping[str, object]) -> tuple[str | None, int | None]:
    written = text_of(values, "arxiv")
    found = split_identifier(written) if written else (None, None)
    if found is None:
        raise RecordRefused(f'"arxiv" is no arXiv identifier: {str(written)[:40]!r}')
    return found


def _bibcodes(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The bibcodes of a field. Raises ``RecordRefused`` where one is none: papers are told apart by them."""
    written = texts_of(values, name) if name == "alternate_bibcodes" else filter(None, [text_of(values, name)])
    found = []
    for bibcode in written:
        known = read_name(bibcode)
        if known is None or known.bibcode is None:
            raise RecordRefused(f'"{name}" is no bibcode: {bibcode[:40]!r}')
        found.append(known.bibcode)
    return tuple(found)


def _names_a_paper(values: Mapping[str, object]) -> bool:
    """Whether a row gives anything by which other sources know papers; what is wrong with it is told elsewhere."""
    if texts_of(values, "alternate_bibcodes"):
        return True
    return any(text_of(values, column) for column in ("bibcode", "doi", "arxiv"))


def _own_name(values: Mapping[str, object]) -> str | None:
    """The identifier by which a row without an ``id`` goes, as other lists would write it."""
    names = (read_name(written) for column in ("bibcode", "doi", "arxiv") if (written := text_of(values, column)))
    return next((name.key for name in names if name is not None), None)


def _extra(values: Mapping[str, object]) -> dict[str, str]:
    told = {"targets": texts_of(values, "targets"), PROJECTS: texts_of(values, "projects")}
    extra = {name: "; ".join(listed) for name, listed in told.items() if listed}
    taken_from = text_of(values, "taken_from")
    return extra | ({"taken_from": taken_from.lower()} if taken_from else {})


def _authors(values: Mapping[str, object]) -> tuple[HarvestedAuthor, ...]:
    listed = values.get("authors")
    if not isinstance(listed, list):
        return tuple(HarvestedAuthor(name) for name in texts_of(values, "authors"))
    authors = []
    for author in listed:
        described = author if isinstance(author, dict) else {"name": author}
        name = text_of(described, "name")
        if name is None:
            raise RecordRefused('"authors" holds one without a name')
        authors.append(HarvestedAuthor(name, text_of(described, "affiliation"), text_of(described, "orcid")))
    return tuple(authors)


def _yes_or_no(values: Mapping[str, object], name: str) -> bool | None:
    value = values.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise RecordRefused(f'"{name}" is neither true nor false')
