"""Other libraries' lists of papers: tables as telbib exports them, and plain lists of identifiers.

A row that names its paper by nothing readable is refused with the file and its number; a row that does is a record,
whatever else in it cannot be used (``extra["unusable"]`` says what). A paper of a plain list has no title yet: the next
harvest that meets its identifier gives it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harvesters.errors import PageRefused, RecordRefused
from harvesters.files import PROJECTS, LineSlices, ListFile
from harvesters.identifiers import PaperName, read_name
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal
from harvesters.rows import DELIMITERS, Row, csv_rows, decode, text_of, unreadable, whole_number_of

NAMES = {"bibcode": "bibcode", "doi": "doi", "arxiv": "arXiv number"}
"""The columns of which a table must have one, and what each holds."""

_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(["ads_bibcode", "ads"], "bibcode"),
    **dict.fromkeys(["arxiv_id", "arxivid", "arxiv_number", "eprint"], "arxiv"),
    **dict.fromkeys(["authors"], "author"),
    **dict.fromkeys(["publication"], "journal"),
    **dict.fromkeys(["vol"], "volume"),
    **dict.fromkeys(["page", "first_page"], "pages"),
    **dict.fromkeys(["pub_year", "publication_year"], "year"),
    **dict.fromkeys(["is_refereed"], "refereed"),
    **dict.fromkeys(["programids", "program_id", "program_ids", "programme_id", "programme_ids"], PROJECTS),
    **dict.fromkeys(["proposal_id", "proposal_ids", "project", "projects", "project_code", "project_codes"], PROJECTS),
    **dict.fromkeys(["code", "codes"], PROJECTS),
}
"""Other libraries' words for telbib's columns."""

_READ = frozenset([*NAMES, "author", "title", "journal", "volume", "pages", "year", "refereed", PROJECTS])
KEPT = frozenset(["telescope", "instrument", "datastatus", "survey", "sciver"])
"""Columns of telbib that are kept with the record as they are: its tags are its own judgement, not ours."""

REQUIRED = frozenset([*NAMES, *(alias for alias, column in _ALIASES.items() if column in NAMES)])
"""A table's header names at least one of these."""

_BLANK = frozenset(["-", "--", "–", "n/a", "na", "none", "null", "nan", "."])
_GUARD = re.compile(r"^'(?=[=+\-@\t\r])")
"""What programs, ours among them, write before a cell that a spreadsheet would take for a formula."""
_YES, _NO = frozenset(["yes", "y", "true", "1", "refereed"]), frozenset(["no", "n", "false", "0", "not refereed"])
_MOST_INITIALS = 4
_ET_AL = re.compile(r"[,;\s]*\b(?:et al\.?|and others)\s*$", re.IGNORECASE)
_COMMENT = re.compile(r"\s#.*")
_MOST_CELLS, _LONGEST_CELL = 40, 500


class PapersTable(ListFile):
    """Papers from a CSV file with a header, as telbib exports it; the columns may come in any order.

    Read: bibcode, doi, arxiv (one of them is required), author, title, journal, volume, pages, year, refereed,
    programid (the codes of the projects whose data the paper used); kept as they are: telescope, instrument,
    datastatus, survey, sciver. Common other names of these columns are known as well.
    """

    content_type = "text/csv"

    def __init__(self, path: Path, *, name: str = "papers-table", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the table. Raises ``PageRefused`` where the header cannot be used."""
        gathered = _Gathered(self.name, page.place)
        try:
            for row in csv_rows(page.body, required=REQUIRED):
                gathered.add(row)
        except PageRefused as refused:
            reason = str(refused) if "no column" not in str(refused) else _no_names(str(refused))
            raise PageRefused(f"{page.place}: {reason}") from refused
        return gathered.done()


def _no_names(reason: str) -> str:
    return f"the header has no column {', '.join(NAMES)}; {reason.partition('; ')[2]}"


class NamesList(LineSlices):
    """Papers from a plain list: a bibcode, DOI or arXiv number a line, bare or as an address; ``#`` begins a comment.

    Further cells of a line (comma, semicolon, tab or bar between) may name the same paper in another way; what else
    stands there is kept with the record as "column 2" and so on.
    """

    content_type = "text/x-paper-names"

    def __init__(self, path: Path, *, name: str = "papers-list", label: str | None = None) -> None:
        super().__init__(path, name=name, label=label)

    def parse(self, page: Page) -> ParsedPage:
        """Read the lines of one slice."""
        name, first = self.start_of(page)
        gathered = _Gathered(self.name, name)
        for row in name_rows(decode(page.body).split("\n"), first):
            gathered.add(row)
        return gathered.done()


class _Gathered:
    """The records and refusals of one page's rows, in their order."""

    def __init__(self, source: str, name: str) -> None:
        self._source, self._name = source, name
        self._records: list[HarvestedRecord] = []
        self._rows: list[int] = []
        self._refusals: list[Refusal] = []
        self._unread: set[str] = set()

    def add(self, row: Row) -> None:
        """Read one row, or refuse it with its number."""
        try:
            self._records.append(_record_of(self._source, row, self._unread))
            self._rows.append(row.line)
        except RecordRefused as refused:
            key = next((str(row.values[n])[:80] for n in NAMES if row.values.get(n)), None)
            self._refusals.append(Refusal(self._source, f"{self._name} row {row.line}", str(refused), key))

    def done(self) -> ParsedPage:
        """Everything gathered. Rows of one paper are one record, given once for each row, with the codes of all of them.

        Some libraries write a row for each pair of paper and project. A row that contradicts an earlier one is refused;
        one that differs in arXiv's version alone does not: the highest is kept.
        """
        firsts: dict[str, tuple[HarvestedRecord, int]] = {}
        codes: dict[str, dict[str, None]] = {}
        kept: list[tuple[str, int]] = []
        for record, row in zip(self._records, self._rows, strict=True):
            first, in_row = firsts.setdefault(record.key, (record, row))
            if _bare(record) != _bare(first):
                reason = f"says something else of this paper than row {in_row}; the first is kept"
                self._refusals.append(Refusal(self._source, f"{self._name} row {row}", reason, record.key[:80]))
                continue
            if (record.arxiv_version or 0) > (first.arxiv_version or 0):
                firsts[record.key] = (replace(first, arxiv_version=record.arxiv_version), in_row)
            kept.append((record.key, row))
            if PROJECTS in record.extra:
                codes.setdefault(record.key, {})[record.extra[PROJECTS]] = None
        whole = {
            key: replace(first, extra={**first.extra, PROJECTS: "; ".join(codes[key])}) if key in codes else first
            for key, (first, _) in firsts.items()
        }
        return ParsedPage(
            tuple(whole[key] for key, _ in kept),
            refusals=tuple(self._refusals),
            unread_fields=tuple(sorted(self._unread)),
            rows=tuple(row for _, row in kept),
        )


def _bare(record: HarvestedRecord) -> HarvestedRecord:
    """A record as it is compared with another row's of the same paper."""
    return replace(record, extra={}, arxiv_version=None)


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """What one row of a list says of its paper: identifiers as they stand there, and the cell with project codes.

    ``verdict`` is that of a row of our own decisions, handed over as a list; None in all others.
    """

    key: str
    doi: str | None
    bibcode: str | None
    arxiv_id: str | None
    title: str | None
    year: int | None
    projects: str
    verdict: str | None


def listed_paper(row: Row) -> ListedPaper:
    """Read one row of a table, a plain list or JSON lines. Raises ``RecordRefused`` where it names no paper."""
    if row.reason is not None:
        raise RecordRefused(row.reason)
    values: dict[str, str] = {}
    for column, cell in row.values.items():
        written = "; ".join(map(str, cell)) if isinstance(cell, list) else "" if cell is None else str(cell)
        if text := _GUARD.sub("", written).strip():
            values.setdefault(_ALIASES.get(column, column), text)
    names = _names_of(values)
    try:
        year = whole_number_of(values, "year")
    except RecordRefused:
        year = None
    return ListedPaper(
        key=names.first.key,
        doi=names.doi,
        bibcode=names.bibcode,
        arxiv_id=names.arxiv_id,
        title=values.get("title"),
        year=year if year is not None and 0 < year < 10_000 else names.first.year,
        projects=values.get(PROJECTS, ""),
        verdict=values.get("verdict", "").lower() or None,
    )


def name_rows(lines: Iterable[str], first: int = 1) -> Iterator[Row]:
    """One row per line that is neither blank nor a comment, its cells named by what they are."""
    for line, text in enumerate(lines, start=first):
        bare = text.strip()
        if not bare or bare.startswith("#"):
            continue
        yield Row(line, {}, reason) if (reason := unreadable(bare)) else _line(line, _COMMENT.sub("", bare))


def _line(line: int, text: str) -> Row:
    whole = read_name(text)
    if whole is not None:
        return Row(line, {_kind(whole): text})
    delimiter = next((d for d in DELIMITERS if d in text), None)
    cells = text.split(delimiter)[:_MOST_CELLS] if delimiter else [text]
    values: dict[str, object] = {}
    for number, cell in enumerate((c.strip() for c in cells), start=1):
        name = read_name(cell)
        if name is None:
            values |= {f"column {number}": cell} if cell else {}
        elif _kind(name) in values:
            return Row(line, {}, "names several papers; write one on each line")
        else:
            values[_kind(name)] = cell
    if not any(kind in values for kind in NAMES):
        several = len(names := text.split()) > 1 and all(map(read_name, names))
        why = "names several papers; write one on each line" if several else _unreadable_name(text)
        return Row(line, {}, why)
    return Row(line, values)


def _kind(name: PaperName) -> str:
    return "bibcode" if name.bibcode else "doi" if name.doi else "arxiv"


def _unreadable_name(text: str) -> str:
    return f"is no bibcode, DOI or arXiv number: {text[:60]!r}"


def _record_of(source: str, row: Row, unread: set[str]) -> HarvestedRecord:
    """One paper from one row. Raises ``RecordRefused`` where nothing in it names a paper."""
    if row.reason is not None:
        raise RecordRefused(row.reason)
    values: dict[str, str] = {}
    extra: dict[str, str] = {}
    for column, cell in row.values.items():
        text = _GUARD.sub("", str(cell))
        column = _ALIASES.get(column, column)  # noqa: PLW2901
        if column in _READ:
            values.setdefault(column, text)
        else:
            extra[column[:60]] = text[:_LONGEST_CELL]
            unread.update({column} - KEPT)
    names = _names_of(values)
    extra |= {"unusable": names.unusable} if names.unusable else {}
    extra |= {PROJECTS: values[PROJECTS]} if PROJECTS in values else {}
    authors, cut = authors_in(values.get("author", ""))
    extra |= {"authors_truncated": "yes"} if cut else {}
    first = names.first
    record = HarvestedRecord(
        source=source,
        key=first.key,
        title=text_of(values, "title"),
        authors=tuple(map(HarvestedAuthor, authors)),
        doi=names.doi,
        bibcode=names.bibcode,
        arxiv_id=names.arxiv_id,
        arxiv_version=names.arxiv_version,
        kind=first.kind,
        is_refereed=_refereed(values),
        journal=text_of(values, "journal"),
        volume=text_of(values, "volume"),
        page=re.split(r"[-–—,]", values.get("pages", ""))[0].strip() or None,
        extra=extra,
    )
    year = whole_number_of(values, "year")
    return replace(record, year=year if year is not None else first.year)


@dataclass(slots=True)
class _Names:
    """The identifiers of one row. ``first`` is the one it goes by; ``unusable`` says what else stood in their columns."""

    first: PaperName
    doi: str | None = None
    bibcode: str | None = None
    arxiv_id: str | None = None
    arxiv_version: int | None = None
    unusable: str = ""


def _names_of(values: Mapping[str, str]) -> _Names:
    """Read the identifiers of a row, whichever of the columns each stands in. Raises ``RecordRefused`` without any."""
    read: list[PaperName] = []
    wrong: list[str] = []
    for column, what in NAMES.items():
        written = values.get(column, "")
        name = read_name(written)
        if name is not None:
            read.append(name)
        elif written and written.lower() not in _BLANK:
            several = len(written.split()) > 1 and all(map(read_name, written.split()))
            wrong.append(f"{written[:60]!r} is {'several of them, not one' if several else f'no {what}'}")
    if not read:
        raise RecordRefused("; ".join(wrong) or "names its paper by no bibcode, DOI or arXiv number")
    names = _Names(read[0], unusable="; ".join(wrong))
    for name in read:
        names.doi = names.doi or name.doi
        names.bibcode = names.bibcode or name.bibcode
        if names.arxiv_id is None:
            names.arxiv_id, names.arxiv_version = name.arxiv_id, name.arxiv_version
    return names


def _refereed(values: Mapping[str, str]) -> bool | None:
    written = values.get("refereed", "").lower()
    if not written:
        return None
    if written not in _YES | _NO:
        raise RecordRefused(f'"refereed" is neither yes nor no: {written[:40]!r}')
    return written in _YES


def authors_in(cell: str) -> tuple[list[str], bool]:
    """Return the authors that one cell holds, and whether the list says that names are left out.

    Between names stands ";", or "and" and "&", or a comma; a comma also parts a surname from initials ("Doe, J.").
    """
    text, cut = _ET_AL.subn("", cell)
    joined = [p.strip(" ,") for p in (text.split(";") if ";" in text else re.split(r"\s+(?:and|&)\s+", text))]
    if ";" in text or (len(joined) > 1 and all(p.count(",") == 1 for p in joined)):  # "Doe, Jane and Roe, Richard"
        return [name for name in joined if name], bool(cut)
    parts = [p.strip() for p in re.split(r",?\s+(?:and|&)\s+|,", text) if p.strip()]
    names: list[str] = []
    for part in parts:
        if names and "," not in names[-1] and _are_initials(part):
            names[-1] = f"{names[-1]}, {part}"
        else:
            names.append(part)
    if len(names) == len(parts) == 2 and len(joined) == 1 and any(" " not in part for part in parts):
        names = [f"{parts[0]}, {parts[1]}"]  # "Doe, Jane" alone, not "Jane Doe, Richard Roe"
    return names, bool(cut)


def _are_initials(part: str) -> bool:
    letters = re.sub(r"[.\s\-]", "", part)
    return letters.isalpha() and letters.isupper() and len(letters) <= _MOST_INITIALS
