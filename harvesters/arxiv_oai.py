"""arXiv over OAI-PMH, format arXivRaw: what is new or changed since the last run, with the dates of all versions.

Facts (info.arxiv.org/help/oa; OAI-PMH 2.0): a datestamp is the UTC day of the last change, not of submission; the next
run asks from the day of the server's last ``responseDate`` and never sets ``until``, or records changed meanwhile are
lost (answers come out of a cache, so our own clock would skip days); a resumption token says nothing of the total and
expires at midnight UTC. An expired one means beginning the list anew, which loses nothing because the records come
again; so does a token that leads to nothing, because the list changed beneath it, and one that is answered by no page.

"Nothing changed" over three working days is asked twice, and over a week it is held against what the service says of the
week before: a set that was busy then and silent now is a service that is out, and its days are asked for again.
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
LONGEST_TOKEN = 4_096
"""Signs of a resumption token; arXiv's have some hundred."""
FEW_CHANGES = 20
"""So many changes in a week or more, and then none in as many days, is no chance (e^-20) but a service that is out."""
DOUBTFUL_WEEKDAYS, DOUBTFUL_DAYS = 3, 7
"""Nothing in so many working days is asked for twice, in so many days not believed by itself."""
MOST_KNOWN_PAGES = 3
"""Pages in a row that bring only papers which came before in the same list, until the list is taken for a circle."""
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
    met: set[int] = field(default_factory=set)
    """The hashes of all identifiers of the list: a fifth of the memory of the words."""
    known_pages: int = 0

    def take(self, identifiers: list[str]) -> None:
        """Remember a page, and how many in a row have brought nothing that was not known."""
        hashes = set(map(hash, identifiers))
        self.known_pages = self.known_pages + 1 if hashes and hashes <= self.met else 0
        self.met |= hashes
        self.before = frozenset(identifiers)
        self.number += 1


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
            answer = self._answer(position, place, run)
            if isinstance(answer, str):
                if run.began_anew:
                    raise PageRefused(
                        f"{place}: {answer} again. What came is stored; the next run begins the list anew"
                    )
                position, run = _Position(position.first_day), _Run(began_anew=True)
                continue
            position = self._answered(position, answer.tree, place)
            following = _following(position, answer.tree, place)
            if following is not None and following.token in run.tokens:
                raise PageRefused(f"{place}: its token leads back to a page that was read; run again later")
            yield self._page(position, following if not run.began_anew else _forgetful(following), place, answer)
            run.take(_identifiers(answer.tree))
            if run.known_pages >= MOST_KNOWN_PAGES and following is not None:
                raise PageRefused(
                    f"{place}: the list goes round in a circle: {run.known_pages} pages in a row brought only papers "
                    "that came before. What came is stored; run again later"
                )
            run.tokens.add(following.token if following is not None else None)
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
        if token is None or until is None or len(token) > LONGEST_TOKEN:
            return beginning
        today = self._query.today
        # Where nothing else is said, a token is taken to be good on the day on which its list began.
        if today is not None and (expires <= today.isoformat() if expires else until < today.isoformat()):
            return beginning
        return replace(beginning, until=until, token=token, expires=expires)

    def _place(self, position: _Position, run: _Run) -> str:
        stored = " after the stored one" if position.token and not run.tokens else ""
        return f"arXiv OAI {self._query.set_spec} changes since {position.first_day}, page {run.number}{stored}"

    def _answered(self, position: _Position, tree: ET.Element, place: str) -> _Position:
        """The position with the day of the list's first answer, from which the next list is asked."""
        if position.until is not None:
            return position
        day = _response_day(tree)
        if day is None:
            raise PageRefused(f"{place}: the answer has no responseDate, so the next run would not know its place")
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

    def _answer(self, position: _Position, place: str, run: _Run) -> _Answer | str:
        """The page at ``position``; or, where there is a token, why it leads to no page of this list."""
        if position.token is None:
            return self._fetch(position, place)
        try:
            answer = self._fetch(position, place)
            wrong = _misfit(answer.tree, run.before)
            if wrong == REPEATED:
                answer = self._fetch(position, place)
                wrong = _misfit(answer.tree, run.before)
        except PageRefused as refused:
            return str(refused).removeprefix(f"{place}: ")
        return answer if wrong is None else wrong

    def _fetch(self, position: _Position, place: str) -> _Answer:
        asked = {"verb": "ListRecords"}
        if position.token is not None:
            asked["resumptionToken"] = position.token
        else:
            asked |= {"metadataPrefix": "arXivRaw", "set": self._query.set_spec, "from": position.first_day}
        for attempt in page_attempts(self._query.page_attempts, self._query.page_wait_s):
            with attempt:
                answer = self._ask(asked, place)
                if position.token is None and NOTHING in _errors(answer.tree):
                    is_first = attempt.num == 1 and self._query.page_attempts > 1
                    self._check_nothing(date.fromisoformat(position.first_day), answer.tree, place, is_first)
                return answer
        raise AssertionError("unreachable: the loop returns or raises")

    def _check_nothing(self, first: date, tree: ET.Element, place: str, is_first: bool) -> None:
        """Raise ``PageRefused`` where it is too much to believe that nothing has changed since ``first``."""
        last = _response_day(tree) or first
        days = (last - first).days
        if sum((first + timedelta(days=n)).weekday() < 5 for n in range(min(days, 7))) < DOUBTFUL_WEEKDAYS:
            return
        told = f"{place}: arXiv says that nothing changed in the {days} days since {first}"
        if is_first:
            raise PageRefused(told)
        if days < DOUBTFUL_DAYS:
            return
        left = "The place stays before them; run again later"
        before = self._count(place, (_back(first, days), _back(first, 1)))
        if before >= FEW_CHANGES:
            raise PageRefused(f"{told}, where {before} or more papers changed in the {days} days before. {left}")
        if not before and not self._count(place, None):
            raise PageRefused(
                f"{told}, and names no paper of {self._query.set_spec} ever. {left}, and look whether the set is misspelt"
            )

    def _count(self, place: str, days: tuple[date, date] | None) -> int:
        """How many papers of the set changed on these days (None: ever), as far as the first page of the list tells."""
        asked = {"verb": "ListIdentifiers", "metadataPrefix": "arXivRaw", "set": self._query.set_spec}
        if days is not None:
            asked |= {"from": days[0].isoformat(), "until": days[1].isoformat()}
        return len(self._ask(asked, place).tree.findall(f"{OAI}ListIdentifiers/{OAI}header"))

    def _ask(self, asked: Mapping[str, str], place: str) -> _Answer:
        with naming(place):
            response = self._session.get(self._url, params=dict(asked))
        content_type = response.headers.get("Content-Type", "")
        stop_if_forbidden(response.status_code)
        allowed = (BAD_TOKEN,) if "resumptionToken" in asked else ()
        # Errors of the protocol belong into answers with status 200 (§3.6); some servers send them with another.
        place = place if response.status_code == 200 else f"{place}: status {response.status_code}"
        tree = _checked(read_tree(response.content, content_type, place), place, allowed, (asked["verb"],))
        if response.status_code != 200 and not _errors(tree):
            raise PageRefused(place)
        return _Answer(response.content, content_type, tree)


def _stored_day(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("a day is a text")
    return date.fromisoformat(value).isoformat()


def _response_day(tree: ET.Element) -> date | None:
    try:
        return date.fromisoformat((tree.findtext(f"{OAI}responseDate") or "").strip()[:10])
    except ValueError:
        return None


def _back(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def _forgetful(position: _Position | None) -> _Position | None:
    """Where the next run goes on in a list whose tokens were refused: at its first day."""
    return _Position(position.first_day) if position is not None else None


def _following(position: _Position, tree: ET.Element, place: str) -> _Position | None:
    """The next page of the list; None after its last. Raises ``PageRefused`` for a token that is no token."""
    element = tree.find(f"{OAI}ListRecords/{OAI}resumptionToken")
    token = (element.text or "").strip() if element is not None else ""
    if element is None or not token:
        return None
    if len(token) > LONGEST_TOKEN:
        raise PageRefused(
            f"{place}: its resumption token of {len(token):,} signs is none; nothing of the page is stored"
        )
    # The protocol's name for it (§3.5), and the one arXiv writes (github.com/arXiv/oaipmh).
    expires = element.get("expirationDate") or element.get("expires")
    return replace(position, token=token, expires=_day_of(expires))


def _checked(
    tree: ET.Element, place: str, allowed: tuple[str, ...] = (), verbs: tuple[str, ...] = ("ListRecords", "GetRecord")
) -> ET.Element:
    """The document, if it answers one of ``verbs`` without errors but "nothing new" and those ``allowed``."""
    if tree.tag != f"{OAI}OAI-PMH":
        raise PageRefused(f"{place}: the answer is XML, but not of OAI-PMH")
    found = _errors(tree)
    errors = {code: words for code, words in found.items() if code not in (NOTHING, *allowed)}
    if errors:
        code, words = next(iter(errors.items()))
        raise PageRefused(f"{place}: the service answers {code[:50]}{f' ({words[:200]})' if words else ''}")
    given = [element for verb in verbs if (element := tree.find(f"{OAI}{verb}")) is not None]
    if not given and not found:
        raise PageRefused(f"{place}: the answer holds no list of records")
    if not found and all(given[0].find(f"{OAI}{one}") is None for one in ("record", "header")):
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
