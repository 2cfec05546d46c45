"""What was never harvested: days, windows, journals, known links and refusals, each with what fills it.

A hole is open since the day from which on it could have been filled: the day itself, or the last time that somebody
tried. ``biblio coverage --check`` complains of holes that have been open for more than ``OLD_DAYS``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.ingest import coverage, journals, ledger
from biblio.ingest.ads_jobs import missing_references
from biblio.ingest.aside import What
from biblio.ingest.by_hand import without_advice
from biblio.ingest.coverage import Asking, Span
from biblio.ingest.refused import Refused, outstanding
from biblio.runtime import Runtime
from biblio.store.asked_for import parts_of
from biblio.store.models import ArchiveReference, HarvestRefusal

OLD_DAYS = 7
_LONGEST_REASON = 160

_UNASKED = "ADS cannot be asked without a token (BIBLIO_ADS_TOKEN)."
_KEEPERS = {"registry": "the archive", "ads": "ADS", "arxiv": "arXiv", "arxiv-oai": "arXiv", "arxiv-rss": "arXiv"}
"""Whom to tell of a record that a source gives wrongly."""


class Kind(StrEnum):
    """What sort of hole; the value is its heading."""

    NEVER = "Sources never read to their end"
    DAYS = "Days never asked"
    WINDOW = "Asked, and not all came"
    JOURNAL = "Journals of which papers are missing"
    LINKS = "Known links whose paper is missing"
    HELD = "Held back until a person has looked"
    REFUSED = "Refused, and not fetched again since"
    WRONG = "Records that a source gives wrongly"


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that was not harvested. ``count`` of ``unit`` are missing (None: nobody knows how many).

    ``job`` with ``arguments`` fills it; without a job ``remedy`` says what a person can do, and ``aside`` is what is
    set aside when a person says that nothing is to be done.
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
    aside: What | None = None

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
    """What is looked at: days from ``since`` to ``today``, what this site can ask, and for which parts (``places``)."""

    since: date
    today: date
    has_token: bool = True
    has_registry: bool = True
    wanted: Mapping[str, frozenset[str]] | None = None

    @classmethod
    def of(cls, runtime: Runtime) -> Scope:
        """Return all that this site is to harvest."""
        return cls(
            date(runtime.profile.harvest.first_year, 1, 1),
            runtime.clock.today(),
            runtime.settings.ads_token is not None,
            runtime.profile.tap is not None,
            parts_of(runtime.profile.harvest),
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
    found = listed if listed is not None else coverage.askings(session, wanted=scope.wanted)
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
    holes += _of_journals(lines, journals.missing_since(session), scope)
    holes += _of_links(session, scope)
    return holes + _of_held(session) + _of_refusals(session, scope, spans["arxiv"])


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
    if hole.source != "ads" or scope.has_token or hole.job is None:
        return hole
    return replace(hole, job=None, arguments={}, remedy=_UNASKED)


# -- journals and links -------------------------------------------------------------------------------------------------


def _of_journals(listed: Sequence[journals.JournalLine], since: Mapping[int, datetime], scope: Scope) -> list[Hole]:
    """Return one hole per year of which papers are missing: a re-sweep asks for a year.

    It is open ``since`` the first of the counts that each found the year short, or since its end if that is earlier.
    """
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
        if year in since:
            counted = min(counted, since[year].date())
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


def _of_held(session: Session) -> list[Hole]:
    """Return the pages held back: no job fills them in passing, a person must look first."""
    return [
        Hole(
            Kind.HELD, held.source, f"{held.place}{f' ({held.asked})' if held.asked else ''}: {held.reason}",
            held.at.date(), 1, "page", aside=What(source=held.source, page=held.place, until=held.number),
            remedy=f"Look at the source; if it is right: {held.command}, or the harvest page.",
        )
        for held in ledger.held_back(session)
    ]  # fmt: skip


def _of_refusals(session: Session, scope: Scope, arxiv_spans: Sequence[Span]) -> list[Hole]:
    """Return what was refused and did not come since, put together by what fetches it again."""
    groups: dict[tuple[Kind, str, str, tuple[tuple[str, str], ...], str], list[Refused]] = {}
    for refused in outstanding(session, arxiv_spans):
        job, how, _ = _remedy(refused)
        kind = Kind.WRONG if refused.is_wrong else Kind.REFUSED
        pile = "" if job else refused.pile
        groups.setdefault((kind, refused.source, job, tuple(how.items()), pile), []).append(refused)
    holes = []
    for (kind, source, job, arguments, _), group in groups.items():
        first = group[0]
        more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
        reason = without_advice(first.reason.removeprefix(f"{first.place}: ")).partition(". Nothing of this page")[0]
        in_file = f" in {first.pile}" if first.is_of_list and first.key else ""
        words = f"{(first.key or first.place)[:60]}{in_file}{more}: {shortened(reason)}"
        hole = Hole(
            kind, source, words, max(refused.at for refused in group).date(), len(group), "refusal", job or None,
            dict(arguments), "" if job else _remedy(first)[2],
            None if job else What(source=source, page=first.pile, until=max(one.number for one in group)),
        )  # fmt: skip
        holes.append(_if_askable(scope, hole))
    return holes


def shortened(reason: str) -> str:
    """Return a reason of at most ``_LONGEST_REASON`` signs: cut after a sentence, else after a word with "…"."""
    if len(reason) <= _LONGEST_REASON:
        return reason
    start = reason[: _LONGEST_REASON - 2]
    whole = start.rfind(". ") + 1
    return start[:whole] if whole > _LONGEST_REASON // 3 else f"{start.rpartition(' ')[0] or start} …"


def _remedy(refused: Refused) -> tuple[str, dict[str, str], str]:
    """Return the job with arguments that asks for it again, or what a person can do."""
    source, days = refused.source, refused.days
    if refused.is_of_list:
        return "", {}, "Mend the file and import it again under the same name, or set this aside."
    if refused.is_wrong:
        return "", {}, f"Asking again does not help: tell {_KEEPERS.get(source, 'the service')}, or set this aside."
    if source == "arxiv" and days is not None:
        return "harvest", {"sources": "arxiv", "since": days[0].isoformat(), "until": days[1].isoformat()}, ""
    if source == "ads" and refused.key and (part := journals.journal_of(refused.key)) is not None:
        return "resweep", {"year": str(part[1])}, ""
    if source in ("arxiv-oai", "arxiv-rss") and refused.key:
        return "reparse", {"source": source}, ""
    return "harvest", {"sources": ledger.ASKED_AS.get(source, source)}, ""
