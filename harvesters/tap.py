"""The project registry of an archive, read over TAP (IVOA) with pyvo.

An ``obscore`` table has one row per observed field, so a project stands in many rows: they are gathered here to
projects and their observation units. Which table and columns to ask for is the observatory's profile's to say; this
module names none. Facts of the service this was made for: codes are padded with blanks, several bibcodes stand in one
cell with blanks between, release dates that do not exist yet are 3000-01-01 (kept as given; what counts as "no date"
the profile says), and the PI column may hold the observatory's own name.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
from pyvo.dal import DALQueryError
from pyvo.dal.query import votableparse
from pyvo.dal.tap import TAPQuery, TAPResults

from harvesters.errors import PageRefused
from harvesters.http import PoliteSession, place_of
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedProject, HarvestedUnit, Refusal

FACTS = frozenset(
    [
        *("code", "title", "abstract", "pi", "proposal_authors", "category", "keywords", "partner", "state"),
        *("target", "unit", "released_on", "delivered_on", "observed_mjd", "exposure_s", "bib_references"),
    ]
)
"""What a column may mean; ``code`` and ``unit`` are required."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MJD_ZERO = date(1858, 11, 17)
_LAST_MJD = 2_973_483
"""31 December 9999, the last day a date can hold."""


@dataclass(frozen=True, slots=True)
class TapTable:
    """Where the registry is: the service's ``url`` (without ``/sync``), ``table``, and fact → column (``FACTS``).

    ``observatory_as_pi`` lists values of the PI column that are no person. ``page_rows`` is how many rows one query
    may give; a project with more rows than that makes its own page larger, up to ``most_rows``.
    """

    url: str
    table: str
    columns: Mapping[str, str]
    observatory_as_pi: tuple[str, ...] = ()
    page_rows: int = 10_000
    most_rows: int = 640_000

    def __post_init__(self) -> None:
        if unknown := set(self.columns) - FACTS:
            raise ValueError(f"the columns name facts nobody reads: {', '.join(sorted(unknown))}")
        if missing := {"code", "unit"} - set(self.columns):
            raise ValueError(f"the columns must name {', '.join(sorted(missing))}")
        for name in (self.table, *self.columns.values()):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a table or column")


@dataclass(frozen=True, slots=True)
class _Answer:
    rows: list[dict[str, str]]
    is_cut: bool


class TapSource:
    """Projects and units from the registry, in the order of their codes; every run reads all of it.

    Release dates move, so there is no "since": the cursor only says from which code an interrupted run goes on
    (``{"from_code": …}``), and is empty after the last page. A page cut by the service's row limit leaves its last
    project to the next page, where it is whole.
    """

    def __init__(self, session: PoliteSession, table: TapTable, *, name: str = "registry") -> None:
        self.name = name
        self._session = session
        self._table = table
        self._column = {column.rpartition(".")[2].lower(): fact for fact, column in table.columns.items()}

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the codes, or ``SourceStopped``."""
        first: str | None = str(cursor["from_code"]) if "from_code" in cursor else None
        most = self._table.page_rows
        while True:
            place = f"{place_of(self._table.url)} {self._table.table} from {first or 'the first code'}"
            body, content_type = self._fetch(first, most, place)
            answer = _read(body, self._column, place)
            if first is None and not answer.rows:
                raise PageRefused(f"{place}: the registry gives no row at all; nothing was changed")
            following: dict[str, object] = {}
            if answer.is_cut or len(answer.rows) >= most:
                last = _code(answer.rows[-1]) if answer.rows else ""
                if not answer.rows or last == first or last == _code(answer.rows[0]):
                    most = self._more(most, place)
                    continue
                following = {"from_code": last}
            yield Page(self.name, place, body, content_type, following, is_last=not following)
            if not following:
                return
            first, most = str(following["from_code"]), self._table.page_rows

    def parse(self, page: Page) -> ParsedPage:
        """Read one VOTable. Raises ``PageRefused`` for anything else and for the service's own error messages."""
        answer = _read(page.body, self._column, page.place)
        left_out = page.next_cursor.get("from_code")
        projects: dict[str, _Project] = {}
        refusals: list[Refusal] = []
        for number, row in enumerate(answer.rows, start=1):
            code = _code(row)
            if code == left_out:
                continue
            if not code:
                refusals.append(Refusal(self.name, f"{page.place} row {number}", "there is no code"))
                continue
            project = projects.setdefault(code, _Project(code, row))
            refusals += [Refusal(self.name, f"{page.place} row {number}", why, code) for why in project.add(row)]
        done = tuple(project.done(self.name, self._table.observatory_as_pi) for project in projects.values())
        return ParsedPage(projects=done, refusals=tuple(refusals))

    def _more(self, most: int, place: str) -> int:
        if most * 4 > self._table.most_rows:
            raise PageRefused(f"{place}: one project has more than {most} rows, or the service gives fewer than asked")
        return most * 4

    def _fetch(self, first: str | None, most: int, place: str) -> tuple[bytes, str]:
        code = self._table.columns["code"]
        where = "" if first is None else f" WHERE {code} >= '{first.replace(chr(39), chr(39) * 2)}'"
        columns = ", ".join(dict.fromkeys(self._table.columns.values()))
        # A table may repeat a field per frequency setting; DISTINCT keeps the answer to what differs in our columns.
        # Names are checked by TapTable and the code is quoted; ADQL over TAP has no bound parameters.
        adql = f"SELECT DISTINCT {columns} FROM {self._table.table}{where} ORDER BY {code}"  # noqa: S608
        query = TAPQuery(self._table.url.rstrip("/"), adql, maxrec=most, session=self._session)
        response = query.submit()
        content_type = response.headers.get("Content-Type", "")
        if response.status_code not in (200, 400):  # a refused query is told in a VOTable with status 400
            raise PageRefused(f"{place}: status {response.status_code}")
        return response.content, content_type


def _read(body: bytes, columns: Mapping[str, str], place: str) -> _Answer:
    """The rows of a VOTable, each fact as stripped text. Raises ``PageRefused``."""
    if b"<VOTABLE" not in body[:4096] and b":VOTABLE" not in body[:4096]:
        words = " ".join(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode("utf-8", errors="replace").split())[:120]
        raise PageRefused(f'{place}: the answer is no VOTable ("{words}")')
    if b"<!ENTITY" in body:
        raise PageRefused(f"{place}: the VOTable declares entities, which can grow without bound; not read")
    try:
        with warnings.catch_warnings():
            # astropy and pyvo warn of every small departure from the standard, and of overflow, which is_cut tells.
            warnings.simplefilter("ignore")
            results = TAPResults(votableparse(io.BytesIO(body).read), url=place)
            table = results.resultstable
            names = [columns.get(each.name.lower()) for each in table.fields]
            rows = [_row(names, record) for record in table.array]
    except DALQueryError as refused:
        raise PageRefused(f"{place}: the service refuses the query: {str(refused)[:300]}") from refused
    except Exception as broken:  # whatever a stranger's table makes the two libraries raise (fuzzed: a dozen sorts)
        raise PageRefused(f"{place}: the VOTable is broken or cut off ({type(broken).__name__})") from broken
    if missing := set(columns.values()) - {name for name in names if name}:
        raise PageRefused(f"{place}: the answer lacks the columns for {', '.join(sorted(missing))}")
    return _Answer(rows, results.status[0].upper() == "OVERFLOW")


def _row(names: Iterable[str | None], record: Iterable[object]) -> dict[str, str]:
    """Fact → text without padding, for the cells that hold something."""
    return {
        name: text
        for name, cell in zip(names, record, strict=True)
        if name is not None and not np.ma.is_masked(cell) and (text := str(cell).strip()) and text != "nan"
    }


def _code(row: Mapping[str, str]) -> str:
    return row.get("code", "")


@dataclass(slots=True)
class _Unit:
    """One unit gathered from its rows: the latest release, and each field's exposure counted once."""

    released_on: date | None = None
    delivered_on: date | None = None
    observed_on: date | None = None
    exposures: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, row: Mapping[str, str]) -> list[str]:
        reasons: list[str] = []
        self.released_on = _latest(self.released_on, _day(row, "released_on", reasons))
        self.delivered_on = _latest(self.delivered_on, _day(row, "delivered_on", reasons))
        self.observed_on = _latest(self.observed_on, _mjd(row, reasons))
        exposure_s = _number(row, "exposure_s", reasons)
        if exposure_s is not None:
            # A field has a row per frequency setting, all with the same exposure: the longest counts, once.
            key = (row.get("target", ""), row.get("observed_mjd", ""))
            self.exposures[key] = max(exposure_s, self.exposures.get(key, 0.0))
        return reasons

    def done(self, uid: str) -> HarvestedUnit:
        exposure_s = sum(self.exposures.values()) if self.exposures else None
        return HarvestedUnit(uid, self.delivered_on, self.released_on, self.observed_on, exposure_s)


@dataclass(slots=True)
class _Project:
    """One project gathered from its rows; what its first row says of it stands."""

    code: str
    row: Mapping[str, str]
    units: dict[str, _Unit] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    keywords: dict[str, None] = field(default_factory=dict)
    bib_references: dict[str, None] = field(default_factory=dict)

    def add(self, row: Mapping[str, str]) -> list[str]:
        """Take one row in; return what of it cannot be read."""
        if "target" in row:
            self.targets[row["target"]] = None
        self.keywords.update(dict.fromkeys(word.strip() for word in _split(row.get("keywords", "")) if word.strip()))
        self.bib_references.update(dict.fromkeys(row.get("bib_references", "").split()))
        if "unit" not in row:
            return ["there is no unit"]
        return self.units.setdefault(row["unit"], _Unit()).add(row)

    def done(self, source: str, observatory_as_pi: tuple[str, ...]) -> HarvestedProject:
        """The project with the proposers told apart: the PI from its column, else the first of the list."""
        proposers = [name for part in self.row.get("proposal_authors", "").split(";") if (name := part.strip())]
        pi = self.row.get("pi")
        if pi is None or pi in observatory_as_pi:
            pi = proposers[0] if proposers else None
        return HarvestedProject(
            source=source,
            code=self.code,
            title=self.row.get("title"),
            abstract=self.row.get("abstract"),
            pi=pi,
            co_is=tuple(dict.fromkeys(name for name in proposers if name != pi)),
            category=self.row.get("category"),
            keywords=tuple(self.keywords),
            targets=tuple(self.targets),
            partner=self.row.get("partner"),
            state=self.row.get("state"),
            units=tuple(unit.done(uid) for uid, unit in self.units.items()),
            bib_references=tuple(self.bib_references),
        )


def _split(keywords: str) -> list[str]:
    """Keywords between semicolons, else between commas that stand outside brackets ("… (AGN), …")."""
    return keywords.split(";") if ";" in keywords else re.split(r",(?![^(]*\))", keywords)


def _latest(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day is not None), default=None)


def _day(row: Mapping[str, str], name: str, reasons: list[str]) -> date | None:
    if name not in row:
        return None
    try:
        return datetime.fromisoformat(row[name]).date()
    except ValueError:
        reasons.append(f"{name} is no date: {row[name][:40]!r}")
        return None


def _number(row: Mapping[str, str], name: str, reasons: list[str]) -> float | None:
    if name not in row:
        return None
    try:
        number = float(row[name])
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        reasons.append(f"{name} is no number: {row[name][:40]!r}")
        return None
    return number


def _mjd(row: Mapping[str, str], reasons: list[str]) -> date | None:
    """The day of a Modified Julian Date (day 0 is 1858-11-17)."""
    number = _number(row, "observed_mjd", reasons)
    if number is None:
        return None
    if not 0 <= number <= _LAST_MJD:
        reasons.append(f"observed_mjd is no day: {row['observed_mjd'][:40]!r}")
        return None
    return _MJD_ZERO + timedelta(days=int(number))
