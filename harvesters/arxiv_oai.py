"""arXiv over OAI-PMH, format arXivRaw: what is new or changed since the last run, with the dates of all versions.

Facts (info.arxiv.org/help/oa; OAI-PMH 2.0): a datestamp is the UTC day of the last change, not of submission; the next
run asks from the day of the server's last ``responseDate`` and never sets ``until``, or records changed meanwhile are
lost (answers come out of a cache, so our own clock would skip days); a resumption token says nothing of the total and
expires at midnight UTC. An expired one means beginning the list anew, which loses nothing because the records come
again; so does a token that leads to nothing, because the list changed beneath it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # trees come from xmltree, which reads nothing with a DTD
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from harvesters.arxiv import page_attempts, stop_if_forbidden
from harvesters.arxiv_raw import OAI, read_record
from harvesters.errors import PageRefused, RecordRefused, SourceStopped, naming
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedRecord, Refusal
from harvesters.xmltree import read_tree, words_of

NOTHING, BAD_TOKEN = "noRecordsMatch", "badResumptionToken"
"""The two errors of the protocol (§3.6) that are part of normal work."""
REPEATED = "the page holds records a second time"
"""What an honest page never does; one that does may lack records of its own."""


@dataclass(frozen=True, slots=True)
class OaiQuery:
    """What to ask for: changes in ``set_spec`` since a day; ``since`` where nothing is stored yet.

    ``today`` is the caller's day: answers of a server that thinks it is much later are refused, and tokens that have
    expired by then are not tried. Without it the server is believed.
    """

    since: date
    set_spec: str = "physics:astro-ph"
    today: date | None = None
    page_attempts: int = 3
    page_wait_s: float = 3.0


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a harvest stands: behind ``token`` in the list of changes since ``first_day``.

    ``until`` is the day on which this list was first answered, and from which the next is asked; ``expires`` is the
    first day on which ``token`` is no longer good.
    """

    first_day: str
    until: str | None = None
    token: str | None = None
    expires: str | None = None

    def cursor(self) -> dict[str, object]:
        """As plain JSON, without what is not known."""
        within = {"from": self.first_day, "until": self.until, "token": self.token, "expires": self.expires}
        return {name: value for name, value in within.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    content_type: str
    tree: ET.Element


@dataclass(slots=True)
class _Run:
    """What one run remembers of the list it is in: to name its pages, and to notice that they do not fit together."""

    number: int = 1
    began_anew: bool = False
    tokens: set[str | None] = field(default_factory=set)
    before: frozenset[str] = frozenset()
    """The identifiers of the page before."""


class OaiSource:
    """New and changed preprints of one set; for several sets take several sources, each with a cursor of its own.

    The cursor within a list is ``{"from": day, "until": day of the list's first answer, "token": …, "expires": day}``
    (the last only where the service says it), after its last page ``{"from": day of its first answer}``.
    """

    name = "arxiv-oai"

    def __init__(
        self, session: PoliteSession, query: OaiQuery, *, base_url: str = "https://oaipmh.arxiv.org/oai"
    ) -> None:
        self._session = session
        self._query = query
        self._url = base_url

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the page, or ``SourceStopped``."""
        position: _Position | None = self._begin(cursor)
        run = _Run()
        while position is not None:
            place = self._place(position, run)
            answer = self._fetch(position, place)
            wrong = _misfit(answer.tree, run.before) if position.token is not None else None
            if wrong == REPEATED:
                answer = self._fetch(position, place)
                wrong = _misfit(answer.tree, run.before)
            if wrong is not None:
                if run.began_anew:
                    raise PageRefused(f"{place}: {wrong} again. What came is stored; run again later")
                position, run = _Position(position.first_day), _Run(began_anew=True)
                continue
            position = self._answered(position, answer.tree, place)
            following = _following(position, answer.tree)
            if following is not None and following.token in run.tokens:
                raise PageRefused(f"{place}: its token leads back to a page that was read; run again later")
            yield self._page(position, following, place, answer)
            run.number += 1
            run.tokens.add(following.token if following is not None else None)
            run.before = frozenset(_identifiers(answer.tree))
            position = following

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` for broken XML, HTML and OAI errors other than "nothing new"."""
        tree = _checked(read_tree(page.body, page.content_type, page.place), page.place)
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        for number, element in enumerate(tree.iterfind(f"*/{OAI}record"), start=1):
            try:
                records.append(read_record(self.name, element, unread))
            except RecordRefused as refused:
                key = words_of(element.find(f"{OAI}header/{OAI}identifier"))
                refusals.append(Refusal(self.name, f"{page.place} record {number}", str(refused), key and key[:200]))
        count = len(records) + len(refusals)
        if page.expected is not None and count < page.expected:
            missing = page.expected - count
            refusals.append(
                Refusal(self.name, page.place, f"{missing} of {page.expected} promised records are missing")
            )
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _begin(self, cursor: Mapping[str, object]) -> _Position:
        try:
            first_day, until, expires = (_stored_day(cursor.get(name)) for name in ("from", "until", "expires"))
            token = cursor.get("token") or None
            if token is not None and not isinstance(token, str):
                raise TypeError("a token is a text")
        except (TypeError, ValueError) as wrong:
            raise SourceStopped(
                f"arXiv OAI: the stored place {str(dict(cursor))[:200]} cannot be read; clear it to begin anew"
            ) from wrong
        beginning = _Position(first_day or self._query.since.isoformat())
        today = self._query.today
        is_stale = today is not None and expires is not None and expires <= today.isoformat()
        if token is None or until is None or is_stale:
            return beginning
        return replace(beginning, until=until, token=token, expires=expires)

    def _place(self, position: _Position, run: _Run) -> str:
        stored = " after the stored one" if position.token and not run.tokens else ""
        return f"arXiv OAI {self._query.set_spec} changes since {position.first_day}, page {run.number}{stored}"

    def _answered(self, position: _Position, tree: ET.Element, place: str) -> _Position:
        """The position with the day of the list's first answer, from which the next list is asked."""
        if position.until is not None:
            return position
        try:
            day = date.fromisoformat((tree.findtext(f"{OAI}responseDate") or "").strip()[:10])
        except ValueError as wrong:
            raise PageRefused(
                f"{place}: the answer has no responseDate, so the next run would not know its place"
            ) from wrong
        today = self._query.today
        if today is not None and day > today + timedelta(days=1):  # it may be past midnight there already
            raise PageRefused(
                f"{place}: the server writes {day}, and here it is {today}; the days between would never be asked for. "
                "Nothing of the page is stored; put the clock right, or wait until the server's is"
            )
        # A server whose clock stands, or a cached answer, never moves the place back.
        return replace(position, until=max(day.isoformat(), position.first_day))

    def _page(self, position: _Position, following: _Position | None, place: str, answer: _Answer) -> Page:
        promised, read = _sizes(answer.tree)
        is_last, until = following is None, position.until or ""
        return Page(
            source=self.name,
            place=place,
            body=answer.body,
            content_type=answer.content_type,
            next_cursor={"from": until} if following is None else following.cursor(),
            is_last=is_last,
            promised=promised,
            expected=max(0, promised - read) if is_last and promised is not None and read is not None else None,
            window=(position.first_day, until),
        )

    def _fetch(self, position: _Position, place: str) -> _Answer:
        asked = {"verb": "ListRecords"}
        if position.token is not None:
            asked["resumptionToken"] = position.token
        else:
            asked |= {"metadataPrefix": "arXivRaw", "set": self._query.set_spec, "from": position.first_day}
        for attempt in page_attempts(self._query.page_attempts, self._query.page_wait_s):
            with attempt:
                return self._ask(asked, place)
        raise AssertionError("unreachable: the loop returns or raises")

    def _ask(self, asked: Mapping[str, str], place: str) -> _Answer:
        with naming(place):
            response = self._session.get(self._url, params=dict(asked))
        content_type = response.headers.get("Content-Type", "")
        stop_if_forbidden(response.status_code)
        allowed = (BAD_TOKEN,) if "resumptionToken" in asked else ()
        if response.status_code == 200:
            tree = _checked(read_tree(response.content, content_type, place), place, allowed)
            return _Answer(response.content, content_type, tree)
        # Errors of the protocol belong into answers with status 200 (§3.6); some servers send them with another.
        place = f"{place}: status {response.status_code}"
        tree = _checked(read_tree(response.content, content_type, place), place, allowed)
        if not _errors(tree):
            raise PageRefused(place)
        return _Answer(response.content, content_type, tree)


def _stored_day(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("a day is a text")
    return date.fromisoformat(value).isoformat()


def _following(position: _Position, tree: ET.Element) -> _Position | None:
    """The next page of the list; None after its last."""
    element = tree.find(f"{OAI}ListRecords/{OAI}resumptionToken")
    token = (element.text or "").strip() if element is not None else ""
    if element is None or not token:
        return None
    # The protocol's name for it (§3.5), and the one arXiv writes (github.com/arXiv/oaipmh).
    expires = element.get("expirationDate") or element.get("expires")
    return replace(position, token=token, expires=_day_of(expires))


def _checked(tree: ET.Element, place: str, allowed: tuple[str, ...] = ()) -> ET.Element:
    """The document, if it is an OAI-PMH answer without errors but "nothing new" and those ``allowed``."""
    if tree.tag != f"{OAI}OAI-PMH":
        raise PageRefused(f"{place}: the answer is XML, but not of OAI-PMH")
    found = _errors(tree)
    errors = {code: words for code, words in found.items() if code not in (NOTHING, *allowed)}
    if errors:
        code, words = next(iter(errors.items()))
        raise PageRefused(f"{place}: the service answers {code[:50]}{f' ({words[:200]})' if words else ''}")
    if tree.find(f"{OAI}ListRecords") is None and tree.find(f"{OAI}GetRecord") is None and not found:
        raise PageRefused(f"{place}: the answer holds no list of records")
    if tree.find(f"*/{OAI}record") is None and not found:
        # The protocol has "noRecordsMatch" for lists without records; an empty one is a page that got lost.
        raise PageRefused(f"{place}: the list of records is empty")
    return tree


def _errors(tree: ET.Element) -> dict[str, str]:
    return {error.get("code", "an error"): words_of(error) or "" for error in tree.iterfind(f"{OAI}error")}


def _identifiers(tree: ET.Element) -> list[str]:
    return [found.text or "" for found in tree.iterfind(f"*/{OAI}record/{OAI}header/{OAI}identifier")]


def _misfit(tree: ET.Element, before: frozenset[str]) -> str | None:
    """Why the answer to a token cannot be the page that follows; None where it can."""
    if {BAD_TOKEN, NOTHING} & set(_errors(tree)):
        return "the token is refused"
    identifiers = _identifiers(tree)
    is_repeated = len(set(identifiers)) < len(identifiers) or not before.isdisjoint(identifiers)
    return REPEATED if is_repeated else None


def _sizes(tree: ET.Element) -> tuple[int | None, int | None]:
    """What the token says of the whole list and of what came before this page (§3.5); arXiv's says neither."""
    element = tree.find(f"{OAI}ListRecords/{OAI}resumptionToken")
    said = [element.get(name, "") if element is not None else "" for name in ("completeListSize", "cursor")]
    size, read = (int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None for value in said)
    return size, read


def _day_of(stamp: str | None) -> str | None:
    try:
        return date.fromisoformat((stamp or "").strip()[:10]).isoformat()
    except ValueError:
        return None
