"""What waits for a person, and in which order: keeps ``desk_item`` in step with candidates, decisions and papers.

The order (DECISIONS: what a librarian sees first) is consequence, then uncertainty, then age. Rows are worked out of
other tables; ``refresh`` can make any of them anew, and changes only those that differ.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.memory import USES_DATA
from biblio.catalogue.press import press_dates
from biblio.observatory import Profile
from biblio.store.current import survivor_id, under_second_reading
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    DeskItem,
    Escalation,
    Link,
    ObservationUnit,
    Paper,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
    SourceRecord,
    TextMention,
    TextReading,
    UnitRevision,
)
from biblio.store.words import Band, RelationKind, Scheme, Verdict
from biblio.verify.queue import tally
from biblio.verify.queue.language import language_of
from biblio.verify.queue.libraries import libraries_of, source_of
from matching.learning import AUDIT

PRESS_MONTHS = 12
"""A preprint without a journal record is "about to go to press" for so long: later most will stay unpublished."""

RANKS: Mapping[str, int] = {
    "silent": 1, "press": 2, "again": 3, "escalated": 3, "first": 4, "code": 5, "more": 6, "unlikely": 7, "unsure": 8,
}  # fmt: skip
"""Why a paper waits, and its rank: 1 is most consequential."""

NO_TEXT_ORIGINS = ("abstract", "snippet")
"""Readings that are not of a paper's full text."""

BATCH = 400

LONGEST_JOURNAL = 200
"""Characters of a journal's name that the queue is filtered by; an index of PostgreSQL takes 2,700 bytes."""


@dataclass(slots=True)
class _Open:
    """One candidate nobody has judged (or that new evidence re-opened), with what the queue needs of its project."""

    candidate_id: int
    project_id: int
    score: float
    band: Band
    since: datetime
    look_again: bool
    cycle: str | None
    partner: str | None
    verdict: Verdict | None = None


@dataclass(slots=True)
class _Facts:
    """What is known of one batch of papers, by survivor's id."""

    revisions: dict[int, PaperRevision] = field(default_factory=dict)
    first_seen: dict[int, datetime] = field(default_factory=dict)
    candidates: dict[int, list[_Open]] = field(default_factory=lambda: defaultdict(list))
    related: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    """Papers found to use none of the data; a pair of theirs waits only where something new speaks for it."""
    has_text: set[int] = field(default_factory=set)
    on_arxiv: set[int] = field(default_factory=set)
    unknown_codes: set[int] = field(default_factory=set)
    escalated: set[int] = field(default_factory=set)
    blind: set[int] = field(default_factory=set)
    """Papers under second reading: nobody but their first reader may decide about them."""
    languages: dict[int, str] = field(default_factory=dict)
    libraries: dict[int, str] = field(default_factory=dict)
    press: dict[int, date] = field(default_factory=dict)
    published: set[int] = field(default_factory=set)
    """Projects that have an accepted science paper."""
    silent: set[int] = field(default_factory=set)
    """Projects without one whose grace is over."""


def lot(paper_id: int) -> float:
    """Return the number from 0 to 1 that a paper drew once and for all (``matching.learning`` draws the same)."""
    return int.from_bytes(hashlib.sha256(b"audit%d" % paper_id).digest()[:6], "big") / 2**48


def in_audit() -> tuple[Any, ...]:
    """The conditions on rows of the random sample: papers with a low lot that nobody has given a verdict yet."""
    return col(DeskItem.lot) < AUDIT, col(DeskItem.why) != "unsure"


def is_in_audit(item: DeskItem) -> bool:
    """Whether a row is one of them."""
    return item.lot < AUDIT and item.why != "unsure"


def refresh(session: Session, profile: Profile, paper_ids: Iterable[int], *, today: date) -> int:
    """Bring the queue rows of these papers (or their survivors) in step; return how many rows changed."""
    ids = sorted(set(paper_ids))
    changed = 0
    for start in range(0, len(ids), BATCH):
        changed += _refresh_batch(session, profile, ids[start : start + BATCH], today)
    return changed


def papers_with_project(session: Session, project_ids: Sequence[int]) -> list[int]:
    """Return the papers in the queue that have a candidate for one of these projects, themselves or one merged into them."""
    query = (
        select(DeskItem.paper_id)
        .join(Paper, survivor_id() == col(DeskItem.paper_id))
        .join(Candidate, col(Candidate.paper_id) == col(Paper.id))
        # "Is not false" keeps a database off the queue's indexes: it begins with the few candidates of the projects.
        .where(col(Candidate.project_id).in_(project_ids), col(DeskItem.is_shown).is_not(False))
        .distinct()
    )
    return list(session.exec(query))


def turned(session: Session, paper_ids: Sequence[int], project_ids: Sequence[int]) -> set[int]:
    """Return the projects whose other papers may wait for another reason, now that these papers were judged anew.

    A project turns when its first science paper comes or its last one goes. So it is one that was accepted for one of
    these papers, now or before (``project_ids`` were decided on), and has no science paper among all others. Those are
    held until this transaction ends: two who take back its last two papers must not each see the other's.
    """
    group = _groups(session, paper_ids)
    links = session.execute(
        sa.select(col(Link.project_id), col(Link.verdict), col(Link.ended_at)).where(
            col(Link.paper_id).in_(list(group))
        )
    )
    accepted = {
        project
        for project, verdict, ended in links
        if verdict is Verdict.ACCEPT and (ended is None or project in project_ids)
    }
    held = select(Project.id).where(col(Project.id).in_(accepted)).order_by(col(Project.id))
    if accepted:
        session.exec(held.with_for_update(key_share=True)).all()
    return accepted - _published(session, accepted, but=group.values())


def _groups(session: Session, paper_ids: Collection[int]) -> dict[int, int]:
    """Return paper → survivor of these papers and of all that were merged into them."""
    group = sa.or_(col(Paper.id).in_(paper_ids), col(Paper.merged_into_id).in_(paper_ids))
    return dict(session.execute(sa.select(col(Paper.id), survivor_id()).where(group)).all())


def _refresh_batch(session: Session, profile: Profile, paper_ids: list[int], today: date) -> int:
    survivors = dict(session.execute(sa.select(col(Paper.id), survivor_id()).where(col(Paper.id).in_(paper_ids))).all())
    before = _locked(session, {*survivors, *survivors.values()})
    facts = _gather(session, profile, sorted(set(survivors.values())), today)
    wanted = {item.paper_id: item for s in set(survivors.values()) if (item := _item(s, facts, today))}
    was, now = [], []
    for paper_id in sorted(before.keys() | wanted.keys()):
        old, new = before.get(paper_id), wanted.get(paper_id)
        if old is not None and new is not None and old.model_dump() == new.model_dump():
            continue
        was.append(DeskItem.model_validate(old.model_dump()) if old is not None else None)
        now.append(new)
        if new is None:
            session.delete(old)
        elif old is None:
            session.add(new)
        else:
            old.sqlmodel_update(new.model_dump())
            session.add(old)
    session.flush()
    tally.note(session, was, now)
    return len(now)


def _locked(session: Session, paper_ids: Iterable[int]) -> dict[int, DeskItem]:
    """Return the rows there are, each held until this transaction ends (PostgreSQL; SQLite has one writer anyway).

    Two people who decide on two papers of one project each refresh both rows. Held in the order of their numbers and
    before anything else is read, neither waits for the other in a ring, and the second reads what the first stored.
    """
    rows = session.exec(
        select(DeskItem)
        .where(col(DeskItem.paper_id).in_(sorted(paper_ids)))
        .order_by(col(DeskItem.paper_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.paper_id: row for row in rows}


def _item(paper_id: int, facts: _Facts, today: date) -> DeskItem | None:
    """Return the queue row a paper should have, or None when nothing about it waits, or only for a second reader."""
    if paper_id in facts.blind:
        return None
    revision = facts.revisions.get(paper_id)
    candidates = facts.candidates.get(paper_id, [])
    is_refused = paper_id in facts.refused
    waiting = [c for c in candidates if c.look_again or (c.verdict is None and not is_refused)]
    serious = [c for c in waiting if c.band is not Band.UNLIKELY or c.look_again]
    unsure = [c for c in candidates if c.verdict is Verdict.UNSURE and not is_refused]
    unknown = paper_id in facts.unknown_codes and paper_id not in facts.related
    escalated = paper_id in facts.escalated
    pool = serious or unsure or waiting
    if not pool and not unknown and not escalated:
        return None
    best = max(pool, key=_best_first, default=None)
    at_press = bool(serious or unknown) and _is_at_press(paper_id, revision, facts, today)
    why = _why(serious, facts, at_press=at_press, unknown=unknown, escalated=escalated, unsure=bool(unsure))
    return DeskItem(
        paper_id=paper_id,
        candidate_id=best.candidate_id if best else None,
        open_count=len(serious or waiting),
        band=best.band if best else None,
        score=best.score if best else None,
        why=why,
        rank=RANKS[why],
        doubt=round(abs(best.score - 0.5), 4) if best else 0.5,
        waiting_since=min((c.since for c in pool), default=facts.first_seen[paper_id]),
        is_shown=bool(serious or unknown or escalated),
        is_at_press=at_press,
        look_again=any(c.look_again for c in serious),
        has_text=paper_id in facts.has_text,
        source=source_of(revision.provenance) if revision else None,
        journal=revision.journal[:LONGEST_JOURNAL] if revision and revision.journal else None,
        year=revision.year if revision else None,
        cycle=best.cycle if best else None,
        partner=best.partner if best else None,
        lot=lot(paper_id),
        library=facts.libraries.get(paper_id),
        language=facts.languages.get(paper_id),
        published_on=(revision.published_on or revision.preprint_on) if revision else None,
        press_on=facts.press.get(paper_id) if at_press else None,
        is_escalated=escalated,
    )


def _best_first(candidate: _Open) -> tuple[float, int]:
    return candidate.score, -candidate.candidate_id


def _why(serious: list[_Open], facts: _Facts, *, at_press: bool, unknown: bool, escalated: bool, unsure: bool) -> str:
    projects = {c.project_id for c in serious}
    if projects & facts.silent:
        return "silent"
    if at_press:
        return "press"
    if any(c.look_again for c in serious):
        return "again"
    if escalated:
        return "escalated"
    if projects - facts.published:
        return "first"
    if unknown:
        return "code"
    if projects:
        return "more"
    return "unsure" if unsure else "unlikely"


def has_journal_record(revision: PaperRevision) -> bool:
    """Whether a journal has the paper: some sources name the preprint server itself as the journal of a preprint."""
    return bool(revision.journal) and revision.kind != "eprint"


def _is_at_press(paper_id: int, revision: PaperRevision | None, facts: _Facts, today: date) -> bool:
    if revision is None or paper_id not in facts.on_arxiv or revision.is_withdrawn:
        return False
    if revision.is_refereed or has_journal_record(revision) or revision.preprint_on is None:
        return False
    return today - revision.preprint_on <= timedelta(days=PRESS_MONTHS * 365.25 / 12)


def _gather(session: Session, profile: Profile, survivors: list[int], today: date) -> _Facts:
    facts = _Facts()
    group: dict[int, int] = {}
    for paper_id, survivor, seen in session.execute(
        sa.select(col(Paper.id), survivor_id(), col(Paper.first_seen_at)).where(
            sa.or_(col(Paper.id).in_(survivors), col(Paper.merged_into_id).in_(survivors))
        )
    ):
        group[paper_id] = survivor
        facts.first_seen[paper_id] = seen
    for revision in session.exec(
        select(PaperRevision).where(
            col(PaperRevision.paper_id).in_(survivors), col(PaperRevision.superseded_at).is_(None)
        )
    ):
        facts.revisions[revision.paper_id] = revision
    _gather_candidates(session, facts, group)
    _gather_texts(session, facts, group)
    _gather_desk(session, profile, facts, group, today)
    at_press = [paper for paper, revision in facts.revisions.items() if _is_at_press(paper, revision, facts, today)]
    facts.press = press_dates(session, at_press, today) if at_press else {}
    projects = {c.project_id for rows in facts.candidates.values() for c in rows}
    facts.published = _published(session, projects)
    facts.silent = _grace_over(session, profile, projects - facts.published, today)
    return facts


def _gather_candidates(session: Session, facts: _Facts, group: dict[int, int]) -> None:
    verdicts = {
        (group[paper_id], project_id): verdict
        for paper_id, project_id, verdict in session.execute(
            sa.select(col(Link.paper_id), col(Link.project_id), col(Link.verdict))
            .where(col(Link.paper_id).in_(list(group)), col(Link.ended_at).is_(None))
            .order_by(col(Link.id))
        )
    }
    query = (
        sa.select(Candidate, CandidateRevision, col(Project.cycle), col(ProjectRevision.partner))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(col(Candidate.paper_id).in_(list(group)), col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(Candidate.id))
    )
    for candidate, revision, cycle, partner in session.execute(query):
        survivor = group[candidate.paper_id]
        facts.candidates[survivor].append(
            _Open(
                candidate_id=candidate.id,
                project_id=candidate.project_id,
                score=revision.score,
                band=revision.band,
                since=candidate.first_suggested_at,
                look_again=candidate.look_again,
                cycle=cycle,
                partner=partner,
                verdict=verdicts.get((survivor, candidate.project_id)),
            )
        )


def _gather_texts(session: Session, facts: _Facts, group: dict[int, int]) -> None:
    members = list(group)
    for paper_id, relation in session.execute(
        sa.select(col(PaperRelation.paper_id), col(PaperRelation.relation))
        .where(col(PaperRelation.paper_id).in_(members), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id))
    ):
        facts.related.add(group[paper_id])
        (facts.refused.discard if relation in USES_DATA else facts.refused.add)(group[paper_id])
    for paper_id in session.exec(
        select(TextReading.paper_id).where(
            col(TextReading.paper_id).in_(members),
            col(TextReading.superseded_at).is_(None),
            col(TextReading.refusal).is_(None),
            col(TextReading.origin).not_in(NO_TEXT_ORIGINS),
        )
    ):
        facts.has_text.add(group[paper_id])
    # The scheme is looked at here: asked for in the statement, its index led through the numbers of all preprints.
    for paper_id, scheme in session.exec(
        select(PaperIdentifier.paper_id, PaperIdentifier.scheme).where(col(PaperIdentifier.paper_id).in_(members))
    ):
        if scheme is Scheme.ARXIV:
            facts.on_arxiv.add(group[paper_id])
    for paper_id in session.execute(
        unknown_code_mentions(members).with_only_columns(col(TextReading.paper_id)).distinct()
    ).scalars():
        facts.unknown_codes.add(group[paper_id])


def _gather_desk(session: Session, profile: Profile, facts: _Facts, group: Mapping[int, int], today: date) -> None:
    """Note what the queue is filtered by besides: escalations, libraries, languages, dates in print."""
    members = list(group)
    partners = {paper: max(rows, key=_best_first).partner for paper, rows in facts.candidates.items() if rows}
    facts.libraries = libraries_of(session, profile, sorted(facts.revisions), partners=partners)
    for paper_id in session.exec(
        select(Escalation.paper_id).where(col(Escalation.paper_id).in_(members), col(Escalation.settled_at).is_(None))
    ):
        facts.escalated.add(group[paper_id])
    facts.blind = under_second_reading(session, set(group.values()))
    said: dict[int, list[str]] = defaultdict(list)
    word = col(SourceRecord.record)["language"].as_string()
    for paper_id, language in session.execute(
        sa.select(col(SourceRecord.paper_id), word)
        .where(col(SourceRecord.paper_id).in_(members), col(SourceRecord.superseded_at).is_(None), word.is_not(None))
        .order_by(col(SourceRecord.id))
    ):
        said[group[paper_id]].append(language)
    for paper_id, revision in facts.revisions.items():
        language = language_of(said[paper_id], f"{revision.title or ''} {revision.abstract or ''}")
        if language:
            facts.languages[paper_id] = language


def unknown_code_mentions(members: Sequence[int]) -> sa.Select[TextMention]:
    """Select the mentions, in these papers' texts, of well-formed codes that the project list does not hold."""
    return (
        sa.select(TextMention)
        .join(TextReading, col(TextReading.id) == col(TextMention.reading_id))
        .outerjoin(Project, col(Project.code) == col(TextMention.code))
        .where(
            col(TextReading.paper_id).in_(members),
            col(TextReading.superseded_at).is_(None),
            col(TextMention.in_registry).is_(False),
            col(TextMention.is_use).is_not(False),
            col(Project.id).is_(None),
        )
    )


def _published(session: Session, projects: set[int], but: Collection[int] = ()) -> set[int]:
    """Return those of ``projects`` that have an accepted link to a paper (none of ``but``) whose relation is science.

    The same rule as ``store.current.accepted_science``, asked of a few projects by index instead of all; but papers
    under second reading do not count: why others wait for their projects would tell the verdict.
    """
    if not projects:
        return set()
    # Verdict and relation are looked at here: asked for in a statement, their indexes led to half of the table.
    links = session.execute(
        sa.select(col(Link.project_id), survivor_id(), col(Link.verdict))
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(col(Link.project_id).in_(projects), col(Link.ended_at).is_(None))
        .order_by(col(Link.id))
    ).all()
    # Of papers that were judged apart and became one, the later word counts: it is the last one here.
    verdicts = {(project, paper): verdict for project, paper, verdict in links if paper not in but}
    accepted = {pair for pair, verdict in verdicts.items() if verdict is Verdict.ACCEPT}
    blind = under_second_reading(session, {paper for _, paper in accepted}) if accepted else set()
    accepted = {(project, paper) for project, paper in accepted if paper not in blind}
    group = _groups(session, {paper for _, paper in accepted}) if accepted else {}
    relations = session.execute(
        sa.select(col(PaperRelation.paper_id), col(PaperRelation.relation))
        .where(col(PaperRelation.paper_id).in_(list(group)), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id))
    ).all()
    relation_of = {group[paper]: relation for paper, relation in relations}
    return {project for project, paper in accepted if relation_of.get(paper) is RelationKind.SCIENCE}


def _grace_over(session: Session, profile: Profile, projects: set[int], today: date) -> set[int]:
    """Return those of ``projects`` whose last release date plus the profile's grace has passed.

    Only the desk's order rests on this; whom to ask is settled by the survey's own rule.
    """
    if not projects:
        return set()
    last = session.execute(
        sa.select(col(ObservationUnit.project_id), sa.func.max(col(UnitRevision.released_on)))
        .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
        .where(
            col(ObservationUnit.project_id).in_(projects),
            col(UnitRevision.superseded_at).is_(None),
            col(UnitRevision.released_on).not_in(profile.asking.no_release_date),
        )
        .group_by(col(ObservationUnit.project_id))
    ).all()
    return {project for project, released in last if released and profile.asking.due_from(released) <= today}
