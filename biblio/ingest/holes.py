"""What was never harvested: days, windows, journals, known links and refusals, each with what fills it.

A hole is open since the day from which on it could have been filled: the day itself, or the last time that somebody
tried. ``biblio coverage --check`` complains of holes that have been open for more than ``OLD_DAYS``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import normal_arxiv
from biblio.ingest import coverage, journals, ledger, limits
from biblio.ingest.ads_jobs import missing_references
from biblio.ingest.coverage import Asking, Span
from biblio.runtime import Runtime
from biblio.store.models import ArchiveReference, HarvestPage, HarvestRefusal, Project, ProjectRevision, SourceRecord

OLD_DAYS = 7

_DAYS_IN_PLACE = re.compile(r"\b(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)\b")
_ENTRY_OF_PAGE = re.compile(r" (?:entry|record|row|item) \d+$")
_UNASKED = "ADS cannot be asked without a token (BIBLIO_ADS_TOKEN)."


class Kind(StrEnum):
    """What sort of hole; the value is its heading."""

    NEVER = "Sources never read to their end"
    DAYS = "Days never asked"
    WINDOW = "Asked, and not all came"
    JOURNAL = "Journals of which papers are missing"
    LINKS = "Known links whose paper is missing"
    REFUSED = "Refused, and not fetched again since"


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that was not harvested. ``count`` of ``unit`` are missing (None: nobody knows how many).

    ``job`` with ``arguments`` fills it; without a job ``remedy`` says what a person can do.
    """

    kind: Kind
    source: str
    words: str
    open_since: date
    count: int | None = None
    unit: str = "paper"
    job: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""

    def is_old(self, today: date) -> bool:
        """Whether it has been open for more than ``OLD_DAYS``."""
        return (today - self.open_since).days > OLD_DAYS

    @property
    def button(self) -> str:
        """What its button says: a stored answer is read again, the others are asked for."""
        return {"reparse": "Read again", "resweep": "Ask again"}.get(self.job or "", "Fill this hole")

    @property
    def label(self) -> str:
        """The source as pages name it."""
        return coverage.CALENDAR_LABELS.get(self.source) or ledger.label_of(self.source)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: days from ``since`` to ``today``, and what this site can ask."""

    since: date
    today: date
    has_token: bool = True
    has_registry: bool = True

    @classmethod
    def of(cls, runtime: Runtime) -> Scope:
        """Return all that this site is to harvest."""
        return cls(
            date(runtime.profile.harvest.first_year, 1, 1),
            runtime.clock.today(),
            runtime.settings.ads_token is not None,
            runtime.profile.tap is not None,
        )

    @property
    def years(self) -> list[int]:
        """The years looked at, newest first."""
        return list(range(self.today.year, self.since.year - 1, -1))


def find_holes(
    session: Session,
    scope: Scope,
    listed: Sequence[Asking] | None = None,
    counted: Sequence[journals.JournalLine] | None = None,
) -> list[Hole]:
    """Return every hole, those of one kind together.

    ``listed`` are all askings and ``counted`` the journals' lines of all years, where the caller has them already.
    """
    found = listed if listed is not None else coverage.askings(session)
    lines = counted if counted is not None else journals.journal_lines(session, scope.years)
    holes = _never_read(found, scope)
    windows: list[Hole] = []
    spans: dict[str, list[Span]] = {}
    for name in coverage.CALENDARS:
        mine = [a for a in found if a.source in coverage.CALENDARS[name]]
        spans[name] = coverage.spans_of(mine, scope.since)
        if name == "ads" and not scope.has_token and not mine:
            continue  # left out on purpose; the page says so
        missing = coverage.holes(spans[name], scope.since, coverage.last_due_day(scope.today))
        begun, rest = _begun(name, mine, missing, scope)
        windows += begun
        holes += [_of_days(name, span, scope) for span in rest]
    holes += windows
    holes += _of_journals(lines, scope)
    holes += _of_links(session, scope)
    return holes + _of_refusals(session, scope, spans["arxiv"])


def fillings(holes: Iterable[Hole]) -> list[tuple[str, dict[str, str]]]:
    """Return the jobs with arguments that fill these holes, each once, in order."""
    wanted: list[tuple[str, dict[str, str]]] = []
    for hole in holes:
        if hole.job is not None and (filling := (hole.job, dict(hole.arguments))) not in wanted:
            wanted.append(filling)
    return wanted


# -- days and windows ---------------------------------------------------------------------------------------------------


def _never_read(found: Sequence[Asking], scope: Scope) -> list[Hole]:
    ended = {asking.source for asking in found if asking.has_ended}
    if not scope.has_registry or "registry" in ended:
        return []
    words = "The project list was never read to its end."
    return [
        Hole(
            Kind.NEVER, "registry", words, scope.since, unit="project", job="harvest", arguments={"sources": "projects"}
        )
    ]


def _of_days(name: str, span: Span, scope: Scope) -> Hole:
    """Describe days never asked. The last ones are fetched by going on, which also moves the source's own place."""
    first, last = span
    arguments = {"sources": name}
    if last < coverage.last_due_day(scope.today):
        arguments |= {"since": first.isoformat(), "until": last.isoformat()}
    days = (last - first).days + 1
    return _if_askable(scope, Hole(Kind.DAYS, name, f"{first} to {last}", first, days, "day", "harvest", arguments))


def _begun(name: str, mine: Sequence[Asking], missing: Sequence[Span], scope: Scope) -> tuple[list[Hole], list[Span]]:
    """Return the windows that were begun and did not come whole, and the missing days that lie in none of them."""
    holes: list[Hole] = []
    begun: list[Span] = []
    for asking in mine:
        days = asking.days
        if asking.is_whole or days is None or not any(_meet(days, span) for span in missing):
            continue
        begun.append(days)
        holes.append(_if_askable(scope, _of_window(name, asking, days)))
    covered = coverage.joined(begun)
    rest = [part for first, last in missing for part in coverage.holes(covered, first, last)]
    return holes, rest


def _of_window(name: str, asking: Asking, days: Span) -> Hole:
    tally = asking.tally
    door = ledger.label_of(asking.source)
    if tally.missing:
        words = f"{days[0]} to {days[1]} ({door}): {tally.missing:,} of {tally.expected:,} did not come"
    else:
        words = f"{days[0]} to {days[1]} ({door}): {tally.fetched:,} came, and the list was not read to its end"
    arguments = {"sources": name, "since": days[0].isoformat(), "until": days[1].isoformat()}
    if asking.source == "arxiv-oai":  # its token leads on from where it stopped; a list that ended is asked for anew
        arguments = {"sources": asking.source} | ({"since": days[0].isoformat()} if asking.has_ended else {})
    return Hole(Kind.WINDOW, name, words, asking.asked_at.date(), tally.missing or None, "paper", "harvest", arguments)


def _meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _if_askable(scope: Scope, hole: Hole) -> Hole:
    """Take the job away from a hole of ADS that nobody can fill without a token."""
    if hole.source != "ads" or scope.has_token:
        return hole
    return Hole(hole.kind, hole.source, hole.words, hole.open_since, hole.count, hole.unit, remedy=_UNASKED)


# -- journals and links -------------------------------------------------------------------------------------------------


def _of_journals(listed: Sequence[journals.JournalLine], scope: Scope) -> list[Hole]:
    """Return one hole per year of which papers are missing: a re-sweep asks for a year."""
    by_year: dict[int, list[journals.JournalLine]] = {}
    for line in listed:
        if line.missing:
            by_year.setdefault(line.year, []).append(line)
    holes = []
    for year in sorted(by_year, reverse=True):
        lines = by_year[year]
        named = ", ".join(f"{line.bibstem or 'no journal'} {line.missing:,}" for line in lines[:4])
        more = f" and {len(lines) - 4:,} more" if len(lines) > 4 else ""
        counted = min((line.counted_at.date() for line in lines if line.counted_at), default=scope.today)
        hole = Hole(
            Kind.JOURNAL, "ads", f"{year}: {named}{more}", min(counted, date(year, 12, 31)),
            sum(line.missing or 0 for line in lines), "paper", "resweep", {"year": str(year)},
        )  # fmt: skip
        holes.append(_if_askable(scope, hole))
    return holes


def _of_links(session: Session, scope: Scope) -> list[Hole]:
    missing = missing_references(session)
    if not missing:
        return []
    learned: dict[str, datetime] = {}
    unknown: dict[str, datetime] = {}
    for chunk in chunks(missing):
        known = sa.select(col(ArchiveReference.bibcode), sa.func.min(col(ArchiveReference.learned_at)))
        learned |= dict(
            session.execute(known.where(col(ArchiveReference.bibcode).in_(chunk)).group_by("bibcode")).all()
        )
        told = sa.select(col(HarvestRefusal.key), sa.func.max(col(HarvestRefusal.refused_at))).where(
            col(HarvestRefusal.source) == "ads", col(HarvestRefusal.key).in_(chunk)
        )
        unknown |= dict(session.execute(told.group_by("key")).all())
    since = min(max(learned[code], unknown.get(code, learned[code])) for code in missing)
    named = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
    asked = f" ({len(unknown):,} of them ADS does not know)" if unknown else ""
    words = f"The archive or a list names papers that we do not hold{asked}: {named}"
    hole = Hole(Kind.LINKS, "ads", words, since.date(), len(missing), "paper", "refresh")
    return [_if_askable(scope, hole)]


# -- refusals -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Refused:
    source: str
    place: str
    key: str | None
    reason: str
    run: int
    at: datetime

    @property
    def page(self) -> str:
        """The place of the page it was on."""
        return _ENTRY_OF_PAGE.sub("", self.place)

    @property
    def days(self) -> Span | None:
        """The days its page was asked for, where its place names them."""
        found = _DAYS_IN_PLACE.search(self.place)
        try:
            return (date.fromisoformat(found[1]), date.fromisoformat(found[2])) if found else None
        except ValueError:
            return None


def _of_refusals(session: Session, scope: Scope, arxiv_spans: Sequence[Span]) -> list[Hole]:
    """Return what was refused and did not come since, put together by what fetches it again."""
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...], str], list[_Refused]] = {}
    for refused in _outstanding(session, arxiv_spans):
        job, how, remedy = _remedy(refused)
        groups.setdefault((refused.source, job, tuple(how.items()), remedy), []).append(refused)
    holes = []
    for (source, job, arguments, remedy), group in groups.items():
        first = group[0]
        more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
        reason = first.reason.removeprefix(f"{first.place}: ").partition(". Nothing of this page")[0]
        words = f"{(first.key or first.place)[:60]}{more}: {reason[:160]}"
        since = max(refused.at for refused in group).date()
        hole = Hole(Kind.REFUSED, source, words, since, len(group), "refusal", job or None, dict(arguments), remedy)
        holes.append(_if_askable(scope, hole))
    return holes


def _remedy(refused: _Refused) -> tuple[str, dict[str, str], str]:
    """Return the job with arguments that asks for it again, or what a person can do."""
    source, days = refused.source, refused.days
    name = ledger.ASKED_AS.get(source, source)
    if limits.HELD_BACK in refused.reason:
        return "", {}, f"Look at the source; if it is right: biblio harvest --accept {name}, or the harvest page."
    if source == "arxiv" and days is not None:
        return "harvest", {"sources": "arxiv", "since": days[0].isoformat(), "until": days[1].isoformat()}, ""
    if source == "ads" and refused.key and (part := journals.journal_of(refused.key)) is not None:
        return "resweep", {"year": str(part[1])}, ""
    if source in ("arxiv-oai", "arxiv-rss") and refused.key:
        return "reparse", {"source": source}, ""
    if source in ledger.SOURCES:
        return "harvest", {"sources": name}, ""
    return "", {}, "Mend the file and import it again."


def _outstanding(session: Session, arxiv_spans: Sequence[Span]) -> list[_Refused]:
    """Return the newest refusal of each record and page that did not come since."""
    newest: dict[tuple[str, str], _Refused] = {}
    rows = session.execute(
        sa.select(
            col(HarvestRefusal.source), col(HarvestRefusal.place), col(HarvestRefusal.key),
            col(HarvestRefusal.reason), col(HarvestRefusal.job_run_id), col(HarvestRefusal.refused_at),
        )
        .where(col(HarvestRefusal.source) != "fulltext")
        .order_by(col(HarvestRefusal.id))
    )  # fmt: skip
    for source, place, key, reason, run, at in rows:
        if journals.ASKED_BY_BIBCODE.match(place):
            continue  # ADS does not know what we asked for: known links say so, and the weekly refresh asks again
        newest[source, key or place] = _Refused(source, place, key, reason, run or 0, at)
    with_key = [r for r in newest.values() if r.key]
    pages = [r for r in newest.values() if not r.key]
    came = _came(session, {k for r in with_key for k in _spellings(r.key or "")})
    missing = [r for r in with_key if not any(came.get(k, _LONG_AGO) >= r.at for k in _spellings(r.key or ""))]
    return [r for r in missing if not _asked_again(session, r)] + _open_pages(session, pages, arxiv_spans)


def _asked_again(session: Session, refused: _Refused) -> bool:
    """Whether a later run asked for what held this record, and neither got nor refused it: it is not there any more."""
    if refused.source in ("arxiv", "registry"):
        again = col(HarvestPage.place) == refused.page
    elif refused.source == "ads" and (part := journals.journal_of(refused.key or "")) is not None:
        again = col(HarvestPage.place).like(f"ADS search % {part[1]}, records from %")  # a re-sweep of its year
    else:
        return False
    later = select(HarvestPage.id).where(
        col(HarvestPage.source) == refused.source,
        again,
        col(HarvestPage.job_run_id) > refused.run,
        col(HarvestPage.records) > 0,
    )
    return session.exec(later.limit(1)).first() is not None


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _spellings(key: str) -> set[str]:
    """Return the keys a refused record may have come under since."""
    tail = key.rpartition("/abs/")[2].rpartition("oai:arXiv.org:")[2]
    arxiv = normal_arxiv(tail)
    return {key[:255], *([arxiv] if arxiv else [])}


def _came(session: Session, keys: Iterable[str]) -> dict[str, datetime]:
    """Return when each of these records or projects last came with something new."""
    found: dict[str, datetime] = {}
    for chunk in chunks(sorted(keys)):
        papers = sa.select(col(SourceRecord.key), col(SourceRecord.learned_at)).where(col(SourceRecord.key).in_(chunk))
        projects = (
            sa.select(col(Project.code), col(ProjectRevision.learned_at))
            .join(ProjectRevision, col(ProjectRevision.project_id) == col(Project.id))
            .where(col(Project.code).in_(chunk))
        )
        for query in (papers, projects):
            for key, at in session.execute(query):
                found[key] = max(at, found.get(key, at))
    return found


def _open_pages(session: Session, pages: Sequence[_Refused], arxiv_spans: Sequence[Span]) -> list[_Refused]:
    """Return the refused pages whose place was not read since: a page of days by its days, others by their source."""
    latest: dict[tuple[str, str], int] = {}
    for chunk in chunks(sorted({page.page for page in pages})):
        rows = session.execute(
            sa.select(col(HarvestPage.source), col(HarvestPage.place), sa.func.max(col(HarvestPage.job_run_id)))
            .where(col(HarvestPage.place).in_(chunk))
            .group_by(col(HarvestPage.source), col(HarvestPage.place))
        )
        latest |= {(source, place): run or 0 for source, place, run in rows}
    ended = dict(
        session.execute(
            sa.select(col(HarvestPage.source), sa.func.max(col(HarvestPage.job_run_id)))
            .where(col(HarvestPage.is_last))
            .group_by(col(HarvestPage.source))
        ).all()
    )
    found = []
    for page in pages:
        if latest.get((page.source, page.page), 0) > page.run:
            continue
        if page.source == "arxiv" and page.days is not None:
            first, last = page.days
            if not coverage.holes(arxiv_spans, first, last):
                continue
        elif (ended.get(page.source) or 0) > page.run:
            continue
        found.append(page)
    return found
