"""The project registry of an archive, read over TAP (IVOA) with pyvo.

An ``obscore`` table has one row per observed field, so a project stands in many rows: they are gathered here to
projects and their observation units. Which table and columns to ask for is the observatory's profile's to say; this
module names none. Facts of the service this was made for: codes are padded with blanks, several bibcodes stand in one
cell with blanks between, release dates that do not exist yet are 3000-01-01 (kept as given; what counts as "no date"
the profile says), and the PI column may hold the observatory's own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pyvo.dal.tap import TAPQuery

from harvesters.errors import PageRefused, SourceStopped, naming
from harvesters.http import PoliteSession, place_of
from harvesters.protocol import Page, ParsedPage
from harvesters.records import Refusal
from harvesters.tap_job import run_job
from harvesters.tap_rows import ProjectRows, Unreadable, check_columns, code_of
from harvesters.votable import NO_TEXT, Table, TooLong, facts_of, read_votable

FACTS = frozenset(
    [
        *("code", "title", "abstract", "pi", "proposal_authors", "category", "keywords", "partner", "state"),
        *("target", "unit", "released_on", "delivered_on", "observed_mjd", "exposure_s", "bib_references"),
    ]
)
"""What a column may mean; ``code`` and ``unit`` are required."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_GAVE_UP = re.compile(r"answers (?:408|413|504)\b|takes longer than|\(ReadTimeout\)")
"""What the session says of a service that works on a query longer than anybody waits."""

_TOO_LARGE = re.compile(r"the answer is larger than")
"""What the session says of an answer beyond its limit: fewer rows are asked for then."""

_MOST_PAGES = 100_000
_FEWEST_ROWS = 25


@dataclass(frozen=True, slots=True)
class TapTable:
    """Where the registry is: the service's ``url`` (without ``/sync``), ``table``, and fact → column (``FACTS``).

    ``observatory_as_pi`` lists values of the PI column that are no person. ``page_rows`` is how many rows one query
    may give; a project with more rows than that makes its own page larger, up to ``most_rows``. ``mode`` "sync" waits
    for each answer and turns to "async", where the service works on a query by itself, only when it must;
    ``counts`` False is for a service whose count of different codes is not to be held against it (it counts "A" and "A "
    as two). ``facets`` are further facts a column may mean; all their values are kept, as they are. ``poll_s`` is the first
    pause between two questions about a job, ``longest_job_s`` the longest a job may take.
    """

    url: str
    table: str
    columns: Mapping[str, str]
    observatory_as_pi: tuple[str, ...] = ()
    page_rows: int = 10_000
    most_rows: int = 640_000
    mode: Literal["sync", "async"] = "sync"
    counts: bool = True
    poll_s: float = 2.0
    longest_job_s: float = 3600.0
    facets: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := set(self.columns) - FACTS - self.facets:
            raise ValueError(f"the columns name facts nobody reads: {', '.join(sorted(unknown))}")
        if missing := {"code", "unit"} - set(self.columns):
            raise ValueError(f"the columns must name {', '.join(sorted(missing))}")
        for name in (self.table, *self.columns.values()):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a table or column")
        if self.mode not in ("sync", "async"):
            raise ValueError(f'the mode is "sync" or "async", not {self.mode!r}')


@dataclass(frozen=True, slots=True)
class _Answer:
    """The rows of one page: each fact as stripped text. ``codes`` are the codes as the service writes and counts them."""

    body: bytes
    content_type: str
    rows: list[dict[str, str]]
    codes: list[str]
    is_cut: bool

    @property
    def first(self) -> str:
        """The code of the first row; "" where there is none."""
        return code_of(self.rows[0]) if self.rows else ""

    @property
    def last(self) -> str:
        """The code of the last row; "" where there is none."""
        return code_of(self.rows[-1]) if self.rows else ""

    def whole_codes(self, left_out: str | None) -> set[str]:
        """The different codes as the service writes and counts them, without the one left to the next page."""
        return {written for written in self.codes if written and written.strip() != left_out}


class _Service:
    """The TAP service: a query is waited for or, where the service wants that, handed over (and so are the later ones)."""

    def __init__(self, session: PoliteSession, table: TapTable) -> None:
        self._session = session
        self._table = table
        self._column = {column.rpartition(".")[2].lower(): fact for fact, column in table.columns.items()}
        self.hands_over = table.mode == "async"
        self.page_rows = table.page_rows

    def page(self, where: str, most: int, place: str) -> _Answer:
        """Return the rows of all our columns, in the order of codes. Raises ``PageRefused`` or ``SourceStopped``."""
        columns = ", ".join(dict.fromkeys(self._table.columns.values()))
        # A table may repeat a field per frequency setting; DISTINCT keeps the answer to what differs in our columns.
        # Names are checked by TapTable and the code is quoted; ADQL over TAP has no bound parameters.
        adql = f"SELECT DISTINCT {columns} FROM {self._table.table}{where} ORDER BY {self._table.columns['code']}"  # noqa: S608
        body, content_type, table = self._ask(adql, most, place)
        return _answer(body, content_type, table, self._column, place)

    def count(self, place: str) -> int | None:
        """Return how many different codes there are, or None of a service that cannot say."""
        adql = f"SELECT COUNT(DISTINCT {self._table.columns['code']}) AS codes FROM {self._table.table}"  # noqa: S608
        if not self._table.counts:
            return None
        try:
            ask = self._ask if self.hands_over else self._wait_for
            table = ask(adql, 1, place)[2]
        except PageRefused:
            return None
        if len(table.rows) != 1 or len(table.rows[0]) != 1:
            return None
        written = (table.rows[0][0] or "").strip()
        return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None

    def _ask(self, adql: str, most: int, place: str) -> tuple[bytes, str, Table]:
        with naming(place):
            return self._ask_either_way(adql, most, place)

    def _ask_either_way(self, adql: str, most: int, place: str) -> tuple[bytes, str, Table]:
        if self.hands_over:
            return self._hand_over(adql, most, place)
        try:
            return self._wait_for(adql, most, place)
        except TooLong as too_long:
            self.hands_over = True
            try:
                return self._hand_over(adql, most, place)
            except PageRefused as refused:
                told = str(refused).removeprefix(f"{place}: ")
                raise PageRefused(f"{too_long}; and handed over to the service: {told}") from refused

    def _wait_for(self, adql: str, most: int, place: str) -> tuple[bytes, str, Table]:
        query = TAPQuery(self._table.url.rstrip("/"), adql, maxrec=most, session=self._session)
        try:
            response = query.submit()
        except SourceStopped as stopped:
            if _GAVE_UP.search(str(stopped)):
                raise TooLong(f"{place}: {stopped}") from stopped
            raise
        content_type = response.headers.get("Content-Type", "")
        if response.status_code in (408, 413):
            raise TooLong(f"{place}: status {response.status_code}, the query is too much to wait for")
        if response.status_code not in (200, 400):  # a refused query is told in a VOTable with status 400
            raise PageRefused(f"{place}: status {response.status_code}")
        return response.content, content_type, read_votable(response.content, place, most_rows=self._table.most_rows)

    def _hand_over(self, adql: str, most: int, place: str) -> tuple[bytes, str, Table]:
        table = self._table
        body, content_type = run_job(
            self._session,
            table.url,
            adql,
            most=most,
            place=place,
            first_wait_s=table.poll_s,
            longest_s=table.longest_job_s,
        )
        return body, content_type, read_votable(body, place, most_rows=table.most_rows)


class TapSource:
    """Projects and units from the registry, in the order of their codes; every run reads all of it.

    Release dates move, so there is no "since": the cursor only says from which code an interrupted run goes on
    (``{"from_code": …}``, with how many codes were promised and seen), and is empty after the last page. A page cut by
    the service's row limit, told or not, leaves its last project to the next page, where it is whole. ``promised`` on
    each page is how many projects the registry counts, where it can; fewer at the end are an error.
    """

    def __init__(self, session: PoliteSession, table: TapTable, *, name: str = "registry") -> None:
        self.name = name
        self._session = session
        self._table = table
        self._column = {column.rpartition(".")[2].lower(): fact for fact, column in table.columns.items()}
        self._read: _Answer | None = None

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the codes, or ``SourceStopped``.

        Where fewer projects came than the registry counts, that is raised after the last page, which is given (and
        stored) all the same; the next run then begins anew.
        """
        service = _Service(self._session, self._table)
        first: str | None = str(cursor["from_code"]) if "from_code" in cursor else None
        promised = _fewest(service.count(self._place(first)), _whole(cursor.get("promised")))
        before = _whole(cursor.get("codes")) or 0
        seen: set[str] = set()
        if first is not None and "codes" not in cursor:
            promised = None  # a place from before codes were counted
        for _ in range(_MOST_PAGES):
            place = self._place(first)
            answer = self._page(service, first, place)
            cut_at = self._cut_at(service, answer, first, place)
            whole = answer.whole_codes(cut_at)
            if again := sorted(whole & seen):
                raise PageRefused(
                    f"{place}: gives projects that came on an earlier page ({', '.join(again[:3])}), so others may be "
                    "missing; what came before is stored, and the next run goes on from here"
                )
            seen |= whole
            came = before + len(seen)
            is_short = cut_at is None and promised is not None and came < promised
            following: dict[str, object] = {"from_code": cut_at, "codes": came} if cut_at is not None else {}
            if following and promised is not None:
                following["promised"] = promised
            is_last = cut_at is None and not is_short
            self._read = answer
            yield Page(self.name, place, answer.body, answer.content_type, following, is_last, promised=promised)
            if is_short:
                raise PageRefused(
                    f"{place}: the registry counts {promised} projects and gave {came}. What came is stored and "
                    "nothing was taken away; the next run reads all of it again"
                )
            if cut_at is None:
                return
            first = cut_at
        raise PageRefused(f"{self._place(first)}: the registry goes on without end; {_MOST_PAGES} pages were read")

    def parse(self, page: Page) -> ParsedPage:
        """Read one VOTable. Raises ``PageRefused`` for anything else and for the service's own error messages."""
        answer = self._read
        if answer is None or answer.body is not page.body:  # else it was read to find the page's end a moment ago
            table = read_votable(page.body, page.place, most_rows=self._table.most_rows)
            # answers kept from before a facet was asked for are good without it
            asked = {c: f for c, f in self._column.items() if f not in self._table.facets or c in table.names}
            answer = _answer(page.body, page.content_type, table, asked, page.place)
        left_out = page.next_cursor.get("from_code")
        projects: dict[str, ProjectRows] = {}
        refusals: list[Refusal] = []
        unreadable: list[Unreadable] = []
        for number, row in enumerate(answer.rows, start=1):
            code, place = code_of(row), f"{page.place} row {number}"
            if code == left_out:
                continue
            if not code:
                refusals.append(Refusal(self.name, place, "there is no code"))
                continue
            if NO_TEXT in code:
                refusals.append(Refusal(self.name, place, f"the code holds signs that are no text: {code[:40]!r}"))
                continue
            told = projects.setdefault(code, ProjectRows(code, row, self._table.facets)).add(row)
            unreadable += told
            refusals += [Refusal(self.name, place, one.reason, code) for one in told]
        check_columns(answer.rows, unreadable, page.place)
        done = tuple(project.done(self.name, self._table.observatory_as_pi) for project in projects.values())
        return ParsedPage(projects=done, refusals=tuple(refusals))

    def _place(self, first: str | None) -> str:
        return f"{place_of(self._table.url)} {self._table.table} from {first or 'the first code'}"

    def _where(self, first: str | None, sign: str = ">=") -> str:
        if first is None:
            return ""
        return f" WHERE {self._table.columns['code']} {sign} '{first.replace(chr(39), chr(39) * 2)}'"

    def _page(self, service: _Service, first: str | None, place: str) -> _Answer:
        """Ask for the page from a code on, larger and larger until it holds its first project whole."""
        most = service.page_rows
        too_few = ""
        while True:
            try:
                answer = service.page(self._where(first), most, place)
            except PageRefused as refused:
                if _TOO_LARGE.search(str(refused)) and most == service.page_rows and most >= 4 * _FEWEST_ROWS:
                    most = service.page_rows = most // 4
                    continue
                told = str(refused).removeprefix(f"{place}: ") if too_few else refused
                raise PageRefused(f"{too_few}{told}") from refused
            if first is None and not answer.rows:
                raise PageRefused(f"{place}: the registry gives no row at all; nothing was changed")
            is_cut = answer.is_cut or len(answer.rows) >= most
            if not is_cut or (answer.rows and answer.last not in (first, answer.first)):
                return replace(answer, is_cut=is_cut)
            if most * 4 <= self._table.most_rows:
                most *= 4
                continue
            why = f"{place}: one project has more than {most} rows, or the service gives fewer than asked"
            if service.hands_over:
                raise PageRefused(why)
            # what a service lets one wait for is often less than what it works out by itself
            service.hands_over, most, too_few = True, service.page_rows, f"{why}; and handed over to the service: "

    def _cut_at(self, service: _Service, answer: _Answer, first: str | None, place: str) -> str | None:
        """Return the code from which the next page goes on, or None after the last.

        Some services cut an answer without saying so. So what looks like the end is asked for once more, from its
        last project on: more than we have means that the page was cut there.
        """
        last = answer.last
        if answer.is_cut or not answer.rows:
            return last or None
        if last in (first, answer.first):
            beyond = service.page(self._where(last, ">"), service.page_rows, place)
            if any(code_of(row) not in ("", last) for row in beyond.rows):
                raise PageRefused(f"{place}: the service gives fewer rows than this project has, and does not say so")
            return None
        again = service.page(self._where(last), service.page_rows, place)
        return last if len(again.rows) > sum(code_of(row) == last for row in answer.rows) else None


def _answer(body: bytes, content_type: str, table: Table, columns: dict[str, str], place: str) -> _Answer:
    names = facts_of(table.names, columns, place)
    at = names.index("code")
    rows = [_row(names, cells) for cells in table.rows]
    return _Answer(body, content_type, rows, [cells[at] or "" for cells in table.rows], table.is_cut)


def _row(names: Sequence[str | None], cells: Sequence[str | None]) -> dict[str, str]:
    """Fact → text without padding, for the cells that hold something."""
    return {
        name: text
        for name, cell in zip(names, cells, strict=True)
        if name is not None and cell is not None and (text := cell.strip())
    }


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _fewest(now: int | None, before: int | None) -> int | None:
    """The promise to hold the service to: projects may come and go while their pages are read."""
    return min(count for count in (now, before) if count is not None) if now is not None else before
