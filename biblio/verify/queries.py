"""Reads the desk's queue into dataclasses: counts, one page of rows, what is next. A constant number of queries each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.observatory import Profile
from biblio.store.current import survivor_id, survivor_of
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    DeskItem,
    EvidenceItem,
    Link,
    Paper,
    PaperAuthor,
    PaperRevision,
    Project,
    ProjectRevision,
)
from biblio.store.words import Band, Verdict
from biblio.verify.queue import is_in_audit
from biblio.verify.readable import readable
from biblio.verify.wanted import QueueFilter

DOUBT = -1.5
"""Log-odds from which evidence against a certain candidate leaves its box unticked: odds against of 4 to 1."""

DOUBTING = ("stranger", "dates", "pi", "co_is")
"""The kinds of evidence that can speak against one project rather than against the paper as a whole."""

WHY_WORDS: Mapping[str, tuple[str, str]] = {
    "silent": ("silent project", "Accepting it would take a project off the silent list."),
    "press": ("about to go to press", "A young preprint without a journal record: its authors can still add the code."),
    "again": ("look again", "New evidence came after somebody had judged it."),
    "first": ("first paper", "It would be the first verified paper of its project."),
    "code": ("unknown code", "It prints a project code that is not in the project list."),
    "more": ("further paper", "Its project has a verified paper already."),
    "unlikely": ("unlikely", "Only weak evidence; shown because you asked for it."),
    "unsure": ("unsure", "Somebody was unsure about it."),
}
"""Why a paper waits: the short words on its label, and the sentence that explains them."""


_TABLE = DeskItem.__table__.c  # type: ignore[attr-defined]
ORDER: tuple[sa.Column[Any], ...] = (_TABLE.rank, _TABLE.doubt, _TABLE.waiting_since, _TABLE.paper_id)
"""The queue's order: consequence, then uncertainty, then age; the number settles ties."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The desk in one sentence: papers by the band of their best candidate, and those about to go to press."""

    certain: int
    likely: int
    press: int
    others: int
    total: int


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One paper that waits: what it is, why it is here, its best candidate and the strongest quote."""

    paper_id: int
    title: str
    first_author: str | None
    author_count: int
    journal: str | None
    year: int | None
    why: str
    band: Band | None
    score: float | None
    open_count: int
    waiting_since: datetime
    is_at_press: bool
    is_in_audit: bool
    project_code: str | None
    project_title: str | None
    quote: str | None
    quote_stands_in: str | None
    reason: str | None
    """The strongest evidence in words, where there is no quote."""


def counts(session: Session) -> Counts:
    """Return how much waits. Unlikely ones are not counted."""
    rows = session.execute(
        sa.select(col(DeskItem.band), sa.func.count())
        .where(col(DeskItem.is_shown).is_(True))
        .group_by(col(DeskItem.band))
    ).all()
    by_band: dict[Band | None, int] = dict(rows)
    press = session.exec(
        select(sa.func.count())
        .select_from(DeskItem)
        .where(col(DeskItem.is_shown).is_(True), col(DeskItem.is_at_press).is_(True))
    ).one()
    total = sum(by_band.values())
    certain, likely = by_band.get(Band.CERTAIN, 0), by_band.get(Band.LIKELY, 0)
    return Counts(certain, likely, press, total - certain - likely, total)


def queue_statement(profile: Profile, wanted: QueueFilter) -> sa.Select[Any]:
    """Select the queue in its order; one index serves it."""
    return sa.select(DeskItem).where(*wanted.conditions(profile)).order_by(*ORDER)


def queue_rows(session: Session, items: Sequence[DeskItem]) -> list[QueueRow]:
    """Return the rows of one page, in the order of ``items``."""
    papers = _papers(session, [item.paper_id for item in items])
    candidates = _candidates(session, [item.candidate_id for item in items if item.candidate_id is not None])
    rows = []
    for item in items:
        title, first_author, authors = papers.get(item.paper_id, (None, None, 0))
        best = candidates.get(item.candidate_id or 0, _Best())
        rows.append(
            QueueRow(
                paper_id=item.paper_id,
                title=readable(title) or "Untitled paper",
                first_author=first_author,
                author_count=authors,
                journal=item.journal,
                year=item.year,
                why=item.why,
                band=item.band,
                score=item.score,
                open_count=item.open_count,
                waiting_since=item.waiting_since,
                is_at_press=item.is_at_press,
                is_in_audit=is_in_audit(item),
                project_code=best.code,
                project_title=readable(best.title),
                quote=readable(best.quote),
                quote_stands_in=best.stands_in,
                reason=best.reason,
            )
        )
    return rows


@dataclass(slots=True)
class _Best:
    code: str | None = None
    title: str | None = None
    quote: str | None = None
    stands_in: str | None = None
    reason: str | None = None


def _papers(session: Session, paper_ids: Sequence[int]) -> dict[int, tuple[str | None, str | None, int]]:
    """Return paper → (title, first author, number of authors)."""
    author_count = (
        sa.select(sa.func.count())
        .where(col(PaperAuthor.revision_id) == col(PaperRevision.id))
        .correlate(PaperRevision)
        .scalar_subquery()
    )
    query = (
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title), col(PaperAuthor.name), author_count)
        .outerjoin(
            PaperAuthor, sa.and_(col(PaperAuthor.revision_id) == col(PaperRevision.id), col(PaperAuthor.position) == 1)
        )
        .where(col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None))
    )
    return {paper_id: (title, name, number) for paper_id, title, name, number in session.execute(query)}


def _candidates(session: Session, candidate_ids: Sequence[int]) -> dict[int, _Best]:
    """Return candidate → its project and its strongest evidence."""
    query = (
        sa.select(col(Candidate.id), col(Project.code), col(ProjectRevision.title), EvidenceItem)
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .outerjoin(
            CandidateRevision,
            sa.and_(
                col(CandidateRevision.candidate_id) == col(Candidate.id),
                col(CandidateRevision.superseded_at).is_(None),
            ),
        )
        .outerjoin(
            EvidenceItem,
            sa.and_(col(EvidenceItem.revision_id) == col(CandidateRevision.id), col(EvidenceItem.contribution) > 0),
        )
        .where(col(Candidate.id).in_(candidate_ids))
        .order_by(col(Candidate.id), col(EvidenceItem.ordinal))
    )
    found: dict[int, _Best] = {}
    for candidate_id, code, title, evidence in session.execute(query):
        best = found.setdefault(candidate_id, _Best(code, title))
        if evidence is None:
            continue
        best.reason = best.reason or evidence.sentence
        if best.quote is None and evidence.context:
            best.quote, best.stands_in = evidence.quote, evidence.stands_in
    return found


def next_paper(session: Session, profile: Profile, wanted: QueueFilter, *, after: DeskItem | None = None) -> int | None:
    """Return the paper that comes after ``after`` in the queue, going round to the beginning; without it the first."""
    return _neighbour(session, profile, wanted, after, forward=True)


def previous_paper(session: Session, profile: Profile, wanted: QueueFilter, *, before: DeskItem) -> int | None:
    """Return the paper that comes before ``before`` in the queue, or None at its beginning."""
    return _neighbour(session, profile, wanted, before, forward=False)


def _neighbour(
    session: Session, profile: Profile, wanted: QueueFilter, item: DeskItem | None, *, forward: bool
) -> int | None:
    query = select(DeskItem.paper_id).where(*wanted.conditions(profile)).limit(1)
    if item is None:
        return session.exec(query.order_by(*ORDER)).first()
    here = (item.rank, item.doubt, item.waiting_since, item.paper_id)
    place = sa.tuple_(*ORDER)
    types = [c.type for c in ORDER]
    bound = sa.tuple_(*(sa.bindparam(None, value, type_=t) for value, t in zip(here, types, strict=True)))
    if forward:
        found = session.exec(query.where(place > bound).order_by(*ORDER)).first()
        first = select(DeskItem.paper_id).where(*wanted.conditions(profile), col(DeskItem.paper_id) != item.paper_id)
        return found if found is not None else session.exec(first.order_by(*ORDER).limit(1)).first()
    return session.exec(query.where(place < bound).order_by(*(c.desc() for c in ORDER))).first()


def title_of(session: Session, paper_id: int) -> str:
    """Return a paper's title as a person can read it."""
    title = session.exec(
        select(PaperRevision.title).where(
            col(PaperRevision.paper_id) == (survivor_of(session, paper_id) or paper_id),
            col(PaperRevision.superseded_at).is_(None),
        )
    ).first()
    return readable(title) or "Untitled paper"


def queue_item(session: Session, paper_id: int) -> DeskItem | None:
    """Return a paper's place in the queue, detached from the session, or None when it does not wait."""
    row = session.get(DeskItem, paper_id)
    return DeskItem.model_validate(row.model_dump()) if row is not None else None


@dataclass(frozen=True, slots=True)
class Offer:
    """One filter of the queue: its query parameter, label, (value, words) to choose from, and the one chosen."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    now: str


def offers(session: Session, profile: Profile, wanted: QueueFilter, *, today: date) -> list[Offer]:
    """Return the filters: what the profile knows, and for journals and sources what waits, commonest first."""
    years = range(today.year, profile.harvest.first_year - 1, -1)
    libraries = dict.fromkeys(p.library for p in profile.partners)
    options: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "band": ("Band", [(b.value, b.value) for b in Band]),
        "why": ("Why it is here", [(name, words) for name, (words, _) in WHY_WORDS.items()]),
        "cycle": ("Cycle", [(c.key, c.name) for c in reversed(profile.cycles)]),
        "library": ("Library", [(name, name) for name in libraries]),
        "journal": ("Journal", _same(_commonest(session, col(DeskItem.journal), 40))),
        "year": ("Year", _same(years)),
        "source": ("Source", _same(_commonest(session, col(DeskItem.source), 20))),
        "text": ("Full text", [("yes", "read"), ("no", "not read")]),
        "again": ("Look again", [("yes", "only those")]),
    }
    return [Offer(name, label, tuple(rows), getattr(wanted, name)) for name, (label, rows) in options.items()]


def _same(values: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def _commonest(session: Session, column: Any, limit: int) -> list[Any]:
    """Return the commonest values of a column among the papers in the queue."""
    query = (
        sa.select(column)
        .where(col(DeskItem.is_shown).is_(True), column.is_not(None))
        .group_by(column)
        .order_by(sa.func.count().desc(), column)
        .limit(limit)
    )
    return list(session.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Pace:
    """How long decisions take, of everybody together, and the person's own last decision that can be taken back."""

    median_s: float | None
    last_decision_ids: str | None
    """Numbers of the decisions of the last act, as the address of undo wants them: one, or all of a batch."""
    last_words: str | None


def pace(session: Session, user_id: int | None) -> Pace:
    """Return the median seconds of the last 200 timed decisions, and what ``user_id`` decided last."""
    seconds = session.exec(
        select(Decision.shown_for_s)
        .where(col(Decision.shown_for_s).is_not(None))
        .order_by(col(Decision.id).desc())
        .limit(200)
    ).all()
    known = [s for s in seconds if s is not None]
    last = session.execute(
        sa.select(Decision, col(Project.code))
        .join(Project, col(Project.id) == col(Decision.project_id))
        .where(col(Decision.actor_id) == user_id)
        .order_by(col(Decision.id).desc())
        .limit(1)
    ).first()
    if last is None or last[0].undoes_id is not None or last[0].verdict is None:
        return Pace(median(known) if known else None, None, None)
    decision, code = last
    batch = session.exec(
        select(Decision.id)
        .where(col(Decision.actor_id) == user_id, col(Decision.made_at) == decision.made_at)
        .order_by(col(Decision.id))
    ).all()
    words = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "left unsure"}[decision.verdict]
    return Pace(
        median(known) if known else None,
        ",".join(map(str, batch)),
        f"{words} {code if len(batch) == 1 else len(batch)}",
    )


@dataclass(frozen=True, slots=True)
class CertainRow:
    """One certain candidate that can be confirmed together with others, with the quote that makes it certain."""

    candidate_id: int
    paper_id: int
    project_id: int
    revision_id: int
    title: str
    year: int | None
    code: str
    project_title: str | None
    pi: str | None
    quote: str | None
    context: str | None
    context_start: int | None
    start: int | None
    stands_in: str | None
    doubt: str | None
    """The strongest evidence against it, if it weighs enough to read the paper before confirming."""


def certain_papers() -> sa.Select[Any]:
    """Select the papers whose best waiting candidate is certain; one index serves it."""
    return (
        sa.select(col(DeskItem.paper_id))
        .where(col(DeskItem.is_shown).is_(True), col(DeskItem.band) == Band.CERTAIN)
        .order_by(col(DeskItem.paper_id))
    )


def certain_candidates(session: Session, paper_ids: Sequence[int]) -> list[CertainRow]:
    """Return the certain candidates of these papers that nobody has judged, with their quotes and doubts."""
    linked: Any = aliased(Paper)
    judged = set(
        session.execute(
            sa.select(survivor_id(linked), col(Link.project_id))
            .join(Link, col(Link.paper_id) == linked.id)
            .where(sa.or_(linked.id.in_(paper_ids), linked.merged_into_id.in_(paper_ids)), col(Link.ended_at).is_(None))
        ).all()
    )
    rows = session.execute(
        sa.select(Candidate, CandidateRevision, PaperRevision, Project, ProjectRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .outerjoin(
            PaperRevision,
            sa.and_(col(PaperRevision.paper_id) == col(Candidate.paper_id), col(PaperRevision.superseded_at).is_(None)),
        )
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(
            col(Candidate.paper_id).in_(paper_ids),
            col(CandidateRevision.band) == Band.CERTAIN,
            col(CandidateRevision.superseded_at).is_(None),
        )
        .order_by(col(Candidate.paper_id), col(Candidate.id))
    ).all()
    return _certain_rows(session, [row for row in rows if (row[0].paper_id, row[0].project_id) not in judged])


def _certain_rows(session: Session, rows: Sequence[Any]) -> list[CertainRow]:
    """Return one page of certain candidates with their quotes and the strongest doubt."""
    evidence: dict[int, list[EvidenceItem]] = {}
    for item in session.exec(
        select(EvidenceItem)
        .where(col(EvidenceItem.revision_id).in_([revision.id for _, revision, *_ in rows]))
        .order_by(col(EvidenceItem.revision_id), col(EvidenceItem.ordinal))
    ):
        evidence.setdefault(item.revision_id, []).append(item)
    return [_certain_row(row, evidence.get(row[1].id, [])) for row in rows]


def _certain_row(row: Any, evidence: list[EvidenceItem]) -> CertainRow:
    candidate, revision, paper, project, facts = row
    quoted = next((e for e in evidence if e.context and e.contribution > 0), None)
    against = next((e for e in evidence if e.contribution <= DOUBT and e.kind in DOUBTING), None)
    return CertainRow(
        candidate_id=candidate.id,
        paper_id=candidate.paper_id,
        project_id=candidate.project_id,
        revision_id=revision.id,
        title=readable(paper.title if paper else None) or "Untitled paper",
        year=paper.year if paper else None,
        code=project.code,
        project_title=readable(facts.title if facts else None),
        pi=facts.pi if facts else None,
        quote=quoted.quote if quoted else None,
        context=quoted.context if quoted else None,
        context_start=quoted.context_start if quoted else None,
        start=quoted.start if quoted else None,
        stands_in=quoted.stands_in if quoted else None,
        doubt=against.sentence if against else None,
    )
