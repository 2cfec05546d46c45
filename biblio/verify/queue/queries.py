"""Reads the desk's queue into dataclasses: counts, one page of rows, what is next. A constant number of queries each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.store.current import survivor_id, survivor_of
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Claim,
    Decision,
    DeskItem,
    EvidenceItem,
    PaperAuthor,
    PaperRevision,
    Project,
    ProjectRevision,
    UserAccount,
)
from biblio.store.words import Band, Verdict
from biblio.verify.queue.items import is_in_audit
from biblio.verify.queue.wanted import Onlooker, QueueFilter, claimed

MANY = 500
"""Papers asked of the database in one statement; an export has many times more."""

WHY_WORDS: Mapping[str, tuple[str, str]] = {
    "silent": ("silent project", "Accepting it would take a project off the silent list."),
    "press": ("about to go to press", "A young preprint without a journal record: its authors can still add the code."),
    "again": ("look again", "New evidence came after somebody had judged it."),
    "first": ("first paper", "It would be the first verified paper of its project."),
    "code": ("unknown code", "It prints a project code that is not in the project list."),
    "more": ("further paper", "Its project has a verified paper already."),
    "escalated": ("escalated", "Somebody asked the head librarian to settle it."),
    "unlikely": ("unlikely", "Only weak evidence; shown because you asked for it."),
    "unsure": ("unsure", "Somebody was unsure about it."),
}
"""Why a paper waits: the short words on its label, and the sentence that explains them."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list: how many rows, and how many stand before them."""

    limit: int
    offset: int


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
    press_on: date | None
    is_escalated: bool
    holder: str | None
    """Who works on it now."""
    is_mine: bool
    is_in_audit: bool
    project_code: str | None
    project_title: str | None
    quote: str | None
    quote_stands_in: str | None
    reason: str | None
    """The strongest evidence in words, where there is no quote."""


def queue_count(session: Session, onlooker: Onlooker, wanted: QueueFilter, sums: Mapping[str, Counter[str]]) -> int:
    """Return how many papers the filter leaves; without a filter, or with one that ``sums`` tells, nothing is counted."""
    asked = wanted.filters()
    needs = wanted.in_order.only_with
    if wanted.hides_weak and needs is None and len(asked) <= 1:
        facet, value = next(iter(asked.items()), ("all", ""))
        if facet in sums and value != "none":
            return sums[facet][str(value)]
    if wanted.hides_weak and needs is not None and needs.key == "score" and not asked:
        return sum(sums["band"].values())  # what has a score has a band
    number = sa.select(sa.func.count()).select_from(DeskItem).where(*wanted.conditions(onlooker))
    return int(session.execute(number).scalar_one())


def queue_items(
    session: Session, onlooker: Onlooker, wanted: QueueFilter, page: Slice, count: int
) -> Sequence[DeskItem]:
    """Return the rows of one page of ``count`` papers in the order asked for.

    The numbers come from the order's index alone, counted from the nearer end; only the page's own rows are read.
    """
    order = wanted.in_order
    limit = min(page.limit, count - page.offset)
    from_end = count - page.offset - limit
    backwards = from_end < page.offset
    ids = list(
        session.execute(
            sa.select(col(DeskItem.paper_id))
            .where(*wanted.conditions(onlooker))
            .order_by(*order.by(backwards=backwards))
            .limit(max(limit, 0))
            .offset(from_end if backwards else page.offset)
        ).scalars()
    )
    return items_of(session, ids[::-1] if backwards else ids)


def items_of(session: Session, paper_ids: Sequence[int]) -> list[DeskItem]:
    """Return the rows of these papers, in their order; any number of them."""
    rows = {
        row.paper_id: row
        for part in _parts(paper_ids)
        for row in session.exec(select(DeskItem).where(col(DeskItem.paper_id).in_(part)))
    }
    return [rows[one] for one in paper_ids if one in rows]


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + MANY] for start in range(0, len(ids), MANY)]


def queue_rows(session: Session, onlooker: Onlooker, items: Sequence[DeskItem]) -> list[QueueRow]:
    """Return the rows of one page, in the order of ``items``."""
    papers: dict[int, tuple[str | None, str | None, int]] = {}
    candidates: dict[int, _Best] = {}
    holders: dict[int, tuple[int, str]] = {}
    for part in _parts(range(len(items))):
        ids = [items[place].paper_id for place in part]
        papers |= _papers(session, ids)
        candidates |= _candidates(session, [c for place in part if (c := items[place].candidate_id) is not None])
        holders |= _holders(session, onlooker, ids)
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
                press_on=item.press_on,
                is_escalated=item.is_escalated,
                holder=holders[item.paper_id][1] if item.paper_id in holders else None,
                is_mine=item.paper_id in holders and holders[item.paper_id][0] == onlooker.user_id,
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


def _holders(session: Session, onlooker: Onlooker, paper_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Return paper → (number, name) of the person who works on it now."""
    query = claimed(onlooker, survivor_id().in_(paper_ids)).add_columns(col(UserAccount.id), col(UserAccount.name))
    return {paper_id: (number, name) for paper_id, number, name in session.execute(query)}


def _papers(session: Session, paper_ids: Sequence[int]) -> dict[int, tuple[str | None, str | None, int]]:
    """Return paper → (title, first author, number of authors)."""
    titles = session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title)).where(
            col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None)
        )
    ).all()
    authors = authors_of(session, paper_ids)
    return {paper_id: (title, *authors.get(paper_id, (None, 0))) for paper_id, title in titles}


def authors_of(session: Session, paper_ids: Sequence[int]) -> dict[int, tuple[str | None, int]]:
    """Return paper → (first author, number of authors); one statement."""
    query = (
        sa.select(
            col(PaperRevision.paper_id),
            sa.func.max(sa.case((col(PaperAuthor.position) == 1, col(PaperAuthor.name)))),
            sa.func.max(col(PaperAuthor.position)),
        )
        .join(PaperAuthor, col(PaperAuthor.revision_id) == col(PaperRevision.id))
        .where(col(PaperRevision.paper_id).in_(paper_ids), col(PaperRevision.superseded_at).is_(None))
        .group_by(col(PaperRevision.paper_id))
    )
    return {paper_id: (readable(name), number) for paper_id, name, number in session.execute(query)}


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


def next_paper(
    session: Session, onlooker: Onlooker, wanted: QueueFilter, *, after: DeskItem | None = None
) -> int | None:
    """Return the paper that comes after ``after`` in the queue, going round to the beginning; without it the first.

    Papers that somebody else works on now are passed over, unless they are asked for.
    """
    return _neighbour(session, onlooker, wanted, after, backwards=False)


def previous_paper(session: Session, onlooker: Onlooker, wanted: QueueFilter, *, before: DeskItem) -> int | None:
    """Return the paper that comes before ``before`` in the queue, or None at its beginning; as ``next_paper``."""
    return _neighbour(session, onlooker, wanted, before, backwards=True)


def _neighbour(
    session: Session, onlooker: Onlooker, wanted: QueueFilter, item: DeskItem | None, *, backwards: bool
) -> int | None:
    order = wanted.in_order
    query = select(DeskItem.paper_id).where(*wanted.conditions(onlooker)).order_by(*order.by(backwards=backwards))
    if not wanted.holder:
        held = claimed(onlooker, col(Claim.holder_id) != onlooker.user_id)
        query = query.where(col(DeskItem.paper_id).not_in(held))
    if item is None:
        return session.exec(query.limit(1)).first()
    others = query.where(col(DeskItem.paper_id) != item.paper_id).limit(1)
    found = session.exec(others.where(order.beyond(item, backwards=backwards))).first() if order.holds(item) else None
    return session.exec(others).first() if found is None and not backwards else found


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
    batch = _last_act(session, user_id)
    middle = median(known) if known else None
    if not batch or batch[-1].undoes_id is not None or batch[-1].verdict is None:
        return Pace(middle, None, None)
    last = batch[-1]
    words = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "left unsure"}[last.verdict]
    return Pace(
        middle, ",".join(str(one.id) for one in batch), f"{words} {last.code if len(batch) == 1 else len(batch)}"
    )


def _last_act(session: Session, user_id: int | None) -> Sequence[Any]:
    """Return (id, verdict, undoes_id, code) of what a person decided last: one decision, or all that were taken at once."""
    latest = (
        sa.select(col(Decision.made_at))
        .where(col(Decision.actor_id) == user_id)
        .order_by(col(Decision.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.execute(
        sa.select(col(Decision.id), col(Decision.verdict), col(Decision.undoes_id), col(Project.code))
        .join(Project, col(Project.id) == col(Decision.project_id))
        .where(col(Decision.actor_id) == user_id, col(Decision.made_at) == latest)
        .order_by(col(Decision.id))
    ).all()
