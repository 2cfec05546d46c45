"""Reads what journals yield: papers held, papers with our data, papers that wait, texts read, per year; and histories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.journals import Monitored, bibstem_of, full_name, journal_key
from biblio.catalogue.readable import readable
from biblio.catalogue.science import science_alone, science_of_merged
from biblio.store.current import (
    live_links,
    papers_under_second_reading,
    survivor_id,
)
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    DeskItem,
    Journal,
    JournalCoverage,
    JournalSuggestion,
    JournalWatch,
    Paper,
    PaperRelation,
    PaperRevision,
    TextReading,
    UserAccount,
)
from biblio.store.words import NEVER_PREPRINTS, Band, SuggestionState, Verdict

FULL_TEXTS = ("eprint", "folder")
"""Readings that are of a whole text."""

_NO_JOURNAL = ("eprint", *NEVER_PREPRINTS)
"""Kinds of papers whose "journal" is a preprint server, a meeting or a university."""

KEPT_FOR = timedelta(minutes=10)
"""How long what was counted serves at most; less where anything was stored since."""

LONG_S = 1.0
"""Counting that takes longer, as over 100,000 papers, is not done anew after every decision."""


@dataclass(slots=True)
class Counted:
    """What one journal gave so far. ``by_year``: papers with our data by year of publication."""

    name: str
    held: int = 0
    science: int = 0
    read: int = 0
    by_year: dict[int, int] = field(default_factory=dict)
    last_paper_id: int | None = None


@dataclass(frozen=True, slots=True)
class LastPaper:
    """The paper of a journal that came last."""

    paper_id: int
    title: str
    came_at: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """One year of a journal's little chart: ``height`` is 0–1 of its best year."""

    year: int
    papers: int
    height: float


@dataclass(frozen=True, slots=True)
class Yield:
    """One line of the list of journals. ``share`` is of all papers with our data, 0–1; None where there are none."""

    key: str
    name: str
    bibstem: str | None
    watch: Monitored | None
    held: int
    science: int
    share: float | None
    waiting: int
    read: int
    bars: tuple[Bar, ...]
    last: LastPaper | None
    coverage: JournalCoverage | None
    spellings: tuple[str, ...]
    """The journal as papers write it: what the desk is asked for."""

    @property
    def in_words(self) -> str:
        """The chart in words, for those who do not see it."""
        some = [bar for bar in self.bars if bar.papers]
        if not some:
            return f"{self.name}: no paper with our data yet"
        best = max(some, key=lambda bar: (bar.papers, bar.year))
        return f"{self.name}: papers with our data from {some[0].year} to {some[-1].year}, most in {best.year} ({best.papers})"


class YieldKeeper:
    """Keeps what was counted until anything that counts was stored; where counting takes long, for ten minutes."""

    def __init__(self) -> None:
        self._mark: Any = None
        self._took_s = 0.0
        self._counted: dict[str, Counted] = {}
        self.counted_at: datetime | None = None

    def current(self, session: Session, now: datetime) -> dict[str, Counted]:
        """Return what each journal gave, by key."""
        is_young = self.counted_at is not None and now - self.counted_at < KEPT_FOR
        if is_young and self._took_s > LONG_S:
            return self._counted
        marks = [
            sa.select(sa.func.max(model.id)).scalar_subquery()
            for model in (PaperRevision, Decision, PaperRelation, TextReading, Paper)
        ]
        mark = tuple(session.execute(sa.select(*marks)).one())
        if mark != self._mark or not is_young:
            began = monotonic()
            self._counted = count_journals(session)
            self._mark, self.counted_at, self._took_s = mark, now, monotonic() - began
        return self._counted


def count_journals(session: Session) -> dict[str, Counted]:
    """Return what each journal gave, by key; the database counts, as reading 200,000 papers would take three times as long.

    What a second reader is yet to judge is no science here: a journal of few papers would tell the hidden verdict.
    """
    found: dict[str, Counted] = {}
    shown, paper = PaperRevision, col(PaperRevision.paper_id)
    alone = col(Paper.merged_into_id).is_(None)
    held = sa.select(col(shown.journal), sa.func.count(), sa.func.max(paper))
    for journal, number, last in _grouped(session, held.join(Paper, col(Paper.id) == paper).where(alone)):
        line = _line(found, journal)
        line.held += number
        line.last_paper_id = max(last, line.last_paper_id or 0)
    read = sa.select(col(shown.journal), sa.func.count()).where(paper.in_(_texts_read()))
    for journal, number in _grouped(session, read):
        _line(found, journal).read += number
    for journal, year, number in _science(session):
        line = _line(found, journal)
        line.science += number
        if year is not None:
            line.by_year[year] = line.by_year.get(year, 0) + number
    return found


def _line(found: dict[str, Counted], journal: str) -> Counted:
    return found.setdefault(journal_key(journal), Counted(full_name(journal)))


def _science(session: Session) -> Iterator[tuple[str, int | None, int]]:
    """Yield (journal as it is written, year, papers) of papers that are science with our data."""
    counted = sa.select(col(PaperRevision.journal), col(PaperRevision.year), sa.func.count())
    one, year = science_alone().subquery(), col(PaperRevision.year)
    alone = sa.select(one.c.paper_id).distinct().subquery()
    own = counted.join(alone, alone.c.paper_id == col(PaperRevision.paper_id))
    yield from _grouped(session, own, year)
    for some in chunks({paper for paper, _ in science_of_merged(session)}):
        yield from _grouped(session, counted.where(col(PaperRevision.paper_id).in_(some)), year)


def _texts_read() -> sa.Select[Any]:
    """Select the papers of which a whole text was read."""
    return (
        sa.select(survivor_id())
        .join(TextReading, col(TextReading.paper_id) == col(Paper.id))
        .where(
            col(TextReading.origin).in_(FULL_TEXTS),
            col(TextReading.superseded_at).is_(None),
            col(TextReading.refusal).is_(None),
        )
    )


def _grouped(session: Session, counted: Any, *by: Any) -> Any:
    """Return what is counted of shown revisions, for each journal as it is written."""
    shown = PaperRevision
    statement = counted.where(
        col(shown.superseded_at).is_(None), col(shown.journal).is_not(None), _of_a_journal(shown)
    ).group_by(col(shown.journal), *by)
    return session.connection().execute(statement)


def _of_a_journal(shown: Any) -> Any:
    return sa.or_(shown.kind.is_(None), shown.kind.not_in(_NO_JOURNAL))


def yields(
    session: Session,
    counted: dict[str, Counted],
    watched: dict[str, Monitored],
    *,
    years: range,
) -> list[Yield]:
    """Return a line for every journal that is monitored or gave a paper with our data; those with most papers first."""
    waiting, spellings = _waiting(session)
    coverage = {row.bibstem: row for row in session.exec(select(JournalCoverage))}
    all_science = sum(line.science for line in counted.values())
    keys = {*watched, *(key for key, line in counted.items() if line.science)}
    lasts = _last_papers(session, {counted[key].last_paper_id for key in keys if key in counted})
    lines = []
    for key in keys:
        watch = watched.get(key)
        line = counted.get(key) or Counted(watch.name if watch else key)
        bibstem = bibstem_of(line.name)
        lines.append(
            Yield(
                key=key,
                name=line.name,
                bibstem=bibstem,
                watch=watch,
                held=line.held,
                science=line.science,
                share=line.science / all_science if all_science else None,
                waiting=waiting.get(key, 0),
                read=line.read,
                bars=_bars(line.by_year, years),
                last=lasts.get(line.last_paper_id or 0),
                coverage=coverage.get(bibstem or ""),
                spellings=tuple(spellings.get(key, ())),
            )
        )
    return sorted(lines, key=lambda e: (-e.science, -e.held, e.name))


def _bars(by_year: dict[int, int], years: range) -> tuple[Bar, ...]:
    best = max((by_year.get(year, 0) for year in years), default=0)
    return tuple(Bar(year, n := by_year.get(year, 0), n / best if best else 0.0) for year in years)


def _waiting(session: Session) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return by key how many papers of a journal are in the queue, and how they write its name."""
    rows = session.execute(
        sa.select(col(DeskItem.journal), sa.func.count())
        .where(col(DeskItem.is_shown).is_(True), col(DeskItem.journal).is_not(None))
        .group_by(col(DeskItem.journal))
    ).all()
    found: dict[str, int] = defaultdict(int)
    spellings: dict[str, list[str]] = defaultdict(list)
    for journal, number in rows:
        found[journal_key(journal)] += number
        spellings[journal_key(journal)].append(journal)
    return found, spellings


def _last_papers(session: Session, paper_ids: set[int | None]) -> dict[int, LastPaper]:
    found: dict[int, LastPaper] = {}
    for ids in chunks(sorted(i for i in paper_ids if i is not None)):
        rows = session.execute(
            sa.select(col(Paper.id), col(PaperRevision.title), col(Paper.first_seen_at))
            .join(PaperRevision, col(PaperRevision.paper_id) == col(Paper.id))
            .where(col(Paper.id).in_(ids), col(PaperRevision.superseded_at).is_(None))
        )
        found |= {i: LastPaper(i, readable(title or "(no title yet)"), at) for i, title, at in rows}
    return found


def elsewhere(session: Session) -> dict[str, tuple[str, int]]:
    """Return key → (name, papers) of every journal with papers that have an accepted project or a certain candidate."""
    links = live_links()
    accepted = sa.select(links.c.paper_id).where(
        links.c.verdict == Verdict.ACCEPT, links.c.paper_id.not_in(papers_under_second_reading())
    )
    certain = (
        sa.select(survivor_id())
        .join(Candidate, col(Candidate.paper_id) == col(Paper.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(CandidateRevision.superseded_at).is_(None), col(CandidateRevision.band) == Band.CERTAIN)
    )
    papers = sa.union(accepted, certain).subquery()
    rows = session.execute(
        sa.select(col(PaperRevision.journal), sa.func.count())
        .join(papers, papers.c[0] == col(PaperRevision.paper_id))
        .where(
            col(PaperRevision.superseded_at).is_(None),
            col(PaperRevision.journal).is_not(None),
            _of_a_journal(PaperRevision),
        )
        .group_by(col(PaperRevision.journal))
    )
    found: dict[str, tuple[str, int]] = {}
    for journal, number in rows:
        key = journal_key(journal)
        if key:
            found[key] = (full_name(journal), found.get(key, ("", 0))[1] + number)
    return found


# -- histories --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One time that a person began or ended to monitor a journal."""

    watch_id: int
    journal: str
    began: bool
    at: datetime
    by: str
    reason: str
    can_undo: bool


def changes(session: Session) -> list[Change]:
    """Return every change of what is monitored, the newest first."""
    began, ended = aliased(UserAccount), aliased(UserAccount)
    rows = session.execute(
        sa.select(JournalWatch, col(Journal.name), col(began.name), col(ended.name))
        .join(Journal, col(Journal.id) == col(JournalWatch.journal_id))
        .outerjoin(began, col(began.id) == col(JournalWatch.made_by_id))
        .outerjoin(ended, col(ended.id) == col(JournalWatch.ended_by_id))
        .order_by(col(JournalWatch.id))
    ).all()
    last = {watch.journal_id: watch.id for watch, *_ in rows}
    found = []
    for watch, journal, maker, ender in rows:
        is_last = last[watch.journal_id] == watch.id
        if maker is not None:
            undo = is_last and watch.ended_at is None
            found.append(Change(watch.id, journal, True, watch.made_at, maker, watch.reason, undo))
        if watch.ended_at is not None:
            found.append(Change(watch.id, journal, False, watch.ended_at, ender or "", watch.ended_reason, is_last))
    return sorted(found, key=lambda e: (e.at, e.watch_id, not e.began), reverse=True)


@dataclass(frozen=True, slots=True)
class SuggestionLine:
    """A suggestion as the page shows it; ``held`` and ``science`` are papers of the journal that we have."""

    row: JournalSuggestion
    name: str
    held: int
    science: int
    handled_by: str | None


def suggestions(session: Session, state: SuggestionState, counted: dict[str, Counted]) -> list[SuggestionLine]:
    """Return the suggestions in a state, those that came most often first."""
    rows = session.execute(
        sa.select(JournalSuggestion, col(UserAccount.name))
        .outerjoin(UserAccount, col(UserAccount.id) == col(JournalSuggestion.handled_by_id))
        .where(col(JournalSuggestion.state) == state)
        .order_by(col(JournalSuggestion.times).desc(), col(JournalSuggestion.name), col(JournalSuggestion.id))
    ).all()
    empty = Counted("")
    return [
        SuggestionLine(row, readable(row.name), (one := counted.get(row.folded, empty)).held, one.science, person)
        for row, person in rows
    ]


def waiting_suggestions(session: Session) -> int:
    """Return how many suggestions wait for an answer."""
    waiting = col(JournalSuggestion.state) == SuggestionState.WAITING
    return int(session.execute(sa.select(sa.func.count()).select_from(JournalSuggestion).where(waiting)).scalar_one())
