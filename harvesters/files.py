"""Files as sources: projects from CSV or JSONL, papers from BibTeX or JSONL. Read in slices, kept as they came.

A file that cannot be opened raises ``SourceStopped``; a file that is not what it should be (no header, no column
``code``) raises ``PageRefused``; a row that cannot be read is a refusal with the file's name and its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar

from harvesters import bibtex
from harvesters.arxiv import split_identifier
from harvesters.errors import PageRefused, RecordRefused, SourceStopped
from harvesters.projects import gather
from harvesters.protocol import Page, ParsedPage
from harvesters.records import PAPER_KINDS, HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.rows import Row, csv_rows, day_of, decode, jsonl_rows, text_of, texts_of, whole_number_of

MAX_FILE_BYTES = 256 * 1024**2
"""A list of every paper of a large observatory, abstracts included, stays below 100 MB."""

_ROWS_PER_PAGE = 1_000


class _FileSource:
    """One file as one page; ``pages`` gives nothing when the cursor says it was read."""

    content_type: ClassVar[str]

    def __init__(self, path: Path, *, name: str, label: str | None = None) -> None:
        self.name = name
        self._path = path
        self._label = label or path.name

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the file as one page. Raises ``SourceStopped`` when it cannot be opened."""
        if not cursor.get("done"):
            yield self._page(self._bytes(), self._label, {"done": True}, is_last=True)

    def _page(self, body: bytes, place: str, following: dict[str, object], *, is_last: bool) -> Page:
        return Page(self.name, place, body, self.content_type, following, is_last)

    def _bytes(self) -> bytes:
        try:
            if self._path.stat().st_size > MAX_FILE_BYTES:
                raise SourceStopped(f"{self._label}: larger than {MAX_FILE_BYTES // 1024**2} MB; split the file")
            return self._path.read_bytes()
        except OSError as error:
            raise SourceStopped(f"{self._label}: cannot be read ({error.strerror or type(error).__name__})") from error


class ProjectsFile(_FileSource):
    """Projects from a CSV or JSONL file (columns: ``harvesters.projects``); which of the two, its first sign says.

    The file is one page, so that the rows of one project come together whatever their order.
    """

    content_type = "text/plain"

    def __init__(self, path: Path, *, name: str = "projects-file", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the file. Raises ``PageRefused`` where its header cannot be used or nothing is in it."""
        start = decode(page.body[:1024]).lstrip()
        try:
            rows = jsonl_rows(page.body) if start.startswith("{") else csv_rows(page.body, required="code")
            gathered = gather(self.name, page.place, rows)
        except PageRefused as refused:
            raise PageRefused(f"{page.place}: {refused}") from refused
        return ParsedPage(
            projects=gathered.done(),
            refusals=tuple(gathered.refusals),
            unread_fields=tuple(sorted(gathered.unread)),
        )


class BibtexFile(_FileSource):
    """Papers from a BibTeX file."""

    content_type = "application/x-bibtex"

    def __init__(self, path: Path, *, name: str = "bibtex", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the entries. Raises ``PageRefused`` where there is none at all."""
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        for entry in bibtex.entries(decode(page.body)):
            unread.update(set(entry.fields) - bibtex.READ_FIELDS - bibtex.IGNORED_FIELDS)
            if entry.kind not in bibtex.KINDS:
                unread.add(f"@{entry.kind}")
            try:
                records.append(bibtex.record_of(self.name, page.place, entry))
            except RecordRefused as refused:
                refusals.append(Refusal(self.name, f"{page.place} line {entry.line}", str(refused), entry.key or None))
        if not records and not refusals:
            raise PageRefused(f"{page.place}: holds no BibTeX entry")
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))


class PapersFile(_FileSource):
    """Papers from a JSONL file, a thousand rows a page; ``id`` is required in each row.

    Read: id, title, authors (list of "Last, First" or of {name, affiliation, orcid}), abstract, year, doi, bibcode,
    arxiv, kind, is_refereed, journal, volume, page, published_on, submitted_on, keywords, comment, language, targets,
    path (where the full text lies).
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
        ]
    )

    def __init__(self, path: Path, *, name: str = "papers-file", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield slices of rows from ``cursor`` on; ``{"row": n}`` is the first row not yet read."""
        lines = self._bytes().split(b"\n")
        at = int(str(cursor.get("row", 1))) - 1
        while at < len(lines):
            following = min(at + _ROWS_PER_PAGE, len(lines))
            place = f"{self._label} from row {at + 1}"
            body = b"\n".join(lines[at:following])
            yield self._page(body, place, {"row": following + 1}, is_last=following == len(lines))
            at = following

    def parse(self, page: Page) -> ParsedPage:
        """Read the rows of one slice."""
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        first = re.search(r" from row (\d+)$", page.place)
        name = page.place[: first.start()] if first else page.place
        for row in jsonl_rows(page.body, int(first[1]) if first else 1):
            unread.update(set(map(str, row.values)) - self.COLUMNS)
            try:
                records.append(paper_of(self.name, row))
            except RecordRefused as refused:
                key = row.values.get("id")
                place = f"{name} row {row.line}"
                refusals.append(Refusal(self.name, place, str(refused), key[:80] if isinstance(key, str) else None))
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))


def paper_of(source: str, row: Row) -> HarvestedRecord:
    """One paper from one row. Raises ``RecordRefused`` naming the field that cannot be used."""
    if row.reason is not None:
        raise RecordRefused(row.reason)
    values = row.values
    key = text_of(values, "id")
    if key is None:
        raise RecordRefused('there is no "id"')
    kind = text_of(values, "kind")
    if kind is not None and kind not in PAPER_KINDS:
        raise RecordRefused(f'"kind" is none of {", ".join(PAPER_KINDS)}: {kind[:40]!r}')
    written = text_of(values, "arxiv")
    arxiv = split_identifier(written) if written else None
    if written and arxiv is None:
        raise RecordRefused(f'"arxiv" is no arXiv identifier: {written[:40]!r}')
    year = whole_number_of(values, "year")
    published_on = day_of(values, "published_on")
    return HarvestedRecord(
        source=source,
        key=key,
        title=text_of(values, "title"),
        abstract=text_of(values, "abstract"),
        authors=_authors(values),
        doi=text_of(values, "doi"),
        bibcode=text_of(values, "bibcode"),
        arxiv_id=arxiv[0] if arxiv else None,
        arxiv_version=arxiv[1] if arxiv else None,
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
        extra={"targets": "; ".join(targets)} if (targets := texts_of(values, "targets")) else {},
    )


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
