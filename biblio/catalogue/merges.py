"""Papers found to be one: merging, taking a merge back, and asking about twins that no identifier joins.

Live merges form a forest: each joins the survivors of two groups. ``Paper.merged_into_id`` always names the root, so
reading costs one look; it is worked out anew for every group that changes. Nothing is moved: records, identifiers
and decisions stay with the paper they came to, so a merge that is undone leaves both as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import surname, title_similarity
from biblio.catalogue.papers import propose_pairs
from biblio.catalogue.revisions import recompose
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.current import group_ids, survivor_of
from biblio.store.found import found
from biblio.store.locks import Turn, take_turn
from biblio.store.models import MergeProposal, Paper, PaperAuthor, PaperIdentifier, PaperMerge, PaperRevision
from biblio.store.words import Scheme, Verdict
from matching.works import Work, same_paper

TWIN_TITLE = 0.6
"""Title likeness (0–1) from which two papers of one first author, a year apart at most, are compared closely."""
_LARGEST_BLOCK = 200
"""Papers of one surname and year compared with each other; collaborations beyond that cost more than they give."""


def merge(session: Session, actor: Actor, *, kept_id: int, merged_id: int, reason: str, now: datetime) -> PaperMerge:
    """Make two papers one, from now on seen as the survivor of ``kept_id``. Decisions about both stay in force.

    Raises ``NotFound`` for an unknown paper and ``RequestRefused`` where they are one already.
    """
    take_turn(session, Turn.PAPERS)
    kept, merged = survivor_of(session, kept_id), survivor_of(session, merged_id)
    if kept is None or merged is None:
        raise NotFound(f"There is no paper number {kept_id if kept is None else merged_id}.")
    if kept == merged:
        raise RequestRefused("These two are one paper already.")
    row = PaperMerge(kept_id=kept, merged_id=merged, actor_id=actor.user_id, reason=reason.strip(), made_at=now)
    session.add(row)
    session.flush()
    _point_at_roots(session, [*group_ids(session, kept), *group_ids(session, merged)])
    recompose(session, [kept], now=now)
    return row


def undo_merge(session: Session, actor: Actor, merge_id: int, *, now: datetime) -> PaperMerge:
    """Make two papers of one again. A person's word: the machine will not join this pair a second time.

    Raises ``NotFound`` for an unknown merge and ``Stale`` for one that was undone already.
    """
    person = actor.person_id()
    take_turn(session, Turn.PAPERS)
    row = found(session, PaperMerge, merge_id, "merge")
    if row.undone_at is not None:
        raise Stale("Somebody has taken this merge back already.", current=row)
    component = group_ids(session, survivor_of(session, row.kept_id) or row.kept_id)
    row.undone_at, row.undone_by_id = now, person
    session.add(row)
    session.flush()
    _point_at_roots(session, component)
    recompose(session, component, now=now)
    return row


def _point_at_roots(session: Session, ids: Iterable[int]) -> None:
    """Work out ``merged_into_id`` of a component from its live merges."""
    ids = list(ids)
    live = session.exec(
        select(PaperMerge).where(col(PaperMerge.merged_id).in_(ids), col(PaperMerge.undone_at).is_(None))
    )
    above = {row.merged_id: row.kept_id for row in live}
    for paper in session.exec(select(Paper).where(col(Paper.id).in_(ids))):
        assert paper.id is not None
        root = paper.id
        while root in above:
            root = above[root]
        paper.merged_into_id = root if root != paper.id else None
        session.add(paper)
    session.flush()


def decide_proposal(
    session: Session, actor: Actor, proposal_id: int, verdict: Verdict, *, now: datetime
) -> MergeProposal:
    """Store a person's answer to "are these two one paper?"; yes merges them, the one seen first surviving.

    Raises ``NotFound`` for an unknown proposal and ``Stale`` where it was answered already.
    """
    person = actor.person_id()
    row = found(session, MergeProposal, proposal_id, "merge proposal", to_change=True)
    if row.verdict is not None and row.verdict is not Verdict.UNSURE:
        raise Stale("Somebody has answered this already.", current=row)
    row.verdict, row.actor_id, row.decided_at = verdict, person, now
    session.add(row)
    session.flush()
    if verdict is Verdict.ACCEPT and survivor_of(session, row.paper_id) != survivor_of(session, row.twin_id):
        reason = "a librarian found them to be one paper"
        merge(session, actor, kept_id=row.paper_id, merged_id=row.twin_id, reason=reason, now=now)
    return row


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A paper as a block compares it; ``revision_id`` leads to all of its authors."""

    paper_id: int
    revision_id: int
    title: str
    work: Work


Twins = dict[tuple[int, int], tuple[float, list[str]]]
"""Pairs of papers that look like one: (smaller id, larger id) → probability 0–1 and the reasons in words."""


def propose_twins(session: Session, twins: Twins, *, now: datetime) -> int:
    """Ask a person about these pairs; return how many questions are new. Nothing is merged."""
    return propose_pairs(session, twins, now=now)


def find_twins(session: Session) -> Twins:
    """Find papers that look like one: same first author's surname, a year apart at most, and like by ``matching.works``.

    Only papers within a block (surname, year and the year after) are compared. It only reads: comparing takes seconds
    at 100,000 papers, and holds no lock.
    """
    alike = [
        (one, other)
        for one, other in _neighbours(_blocks(session))
        if title_similarity(one.title, other.title) >= TWIN_TITLE
    ]
    authors = _authors(session, {sketch.revision_id for pair in alike for sketch in pair})
    pairs: Twins = {}
    for one, other in alike:
        first, second = (replace(s.work, authors=tuple(authors.get(s.revision_id, ()))) for s in (one, other))
        found = same_paper(first, second)
        if found.verdict != "different":
            pair = (min(one.paper_id, other.paper_id), max(one.paper_id, other.paper_id))
            pairs[pair] = (round(found.p, 3), list(found.reasons))
    parted = _parted(session) if pairs else set()
    return {pair: why for pair, why in pairs.items() if pair not in parted}


def _parted(session: Session) -> set[tuple[int, int]]:
    """Return the pairs whose merge a person has undone; those refused as a question are not asked about again anyway."""
    rows = session.exec(select(PaperMerge).where(col(PaperMerge.undone_by_id).is_not(None)))
    return {(min(row.kept_id, row.merged_id), max(row.kept_id, row.merged_id)) for row in rows}


def _authors(session: Session, revision_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the authors of some revisions in printed order."""
    authors: dict[int, list[str]] = defaultdict(list)
    for some in chunks(sorted(revision_ids)):
        rows = session.execute(
            sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
            .where(col(PaperAuthor.revision_id).in_(some))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for revision_id, name in rows:
            authors[revision_id].append(name)
    return authors


def _blocks(session: Session) -> dict[tuple[str, int], list[_Sketch]]:
    """Return sketches of all papers by (first author's surname, year)."""
    numbers: dict[Scheme, dict[int, str]] = defaultdict(dict)
    named = sa.select(col(PaperIdentifier.paper_id), col(PaperIdentifier.scheme), col(PaperIdentifier.value)).where(
        col(PaperIdentifier.scheme).in_([Scheme.ARXIV, Scheme.DOI])
    )
    survivor = {p: s for p, s in session.execute(sa.select(Paper.id, Paper.merged_into_id)) if s is not None}  # type: ignore[call-overload]
    for paper_id, scheme, value in session.execute(named):
        numbers[scheme][survivor.get(paper_id, paper_id)] = value
    rows = session.execute(
        sa.select(PaperRevision, col(PaperAuthor.name))
        .join(
            PaperAuthor, sa.and_(col(PaperAuthor.revision_id) == col(PaperRevision.id), col(PaperAuthor.position) == 1)
        )
        .where(col(PaperRevision.superseded_at).is_(None))
    )
    blocks: dict[tuple[str, int], list[_Sketch]] = defaultdict(list)
    for revision, author in rows:
        if revision.title and revision.year and revision.id is not None:
            plain = {
                "title": revision.title,
                "year": revision.year,
                "type": revision.kind,
                "arxiv": numbers[Scheme.ARXIV].get(revision.paper_id),
                "doi": numbers[Scheme.DOI].get(revision.paper_id),
                "venue": revision.journal,
                "volume": revision.volume,
                "pages": revision.page,
            }
            sketch = _Sketch(revision.paper_id, revision.id, revision.title, Work.from_plain(plain))
            blocks[surname(author), revision.year].append(sketch)
    return blocks


def _neighbours(blocks: dict[tuple[str, int], list[_Sketch]]) -> Iterator[tuple[_Sketch, _Sketch]]:
    """Yield the pairs within each block and with the same surname's block a year later."""
    for (name, year), block in blocks.items():
        here = block[:_LARGEST_BLOCK]
        after = blocks.get((name, year + 1), [])[:_LARGEST_BLOCK]
        for place, one in enumerate(here):
            for other in (*here[place + 1 :], *after):
                yield one, other
