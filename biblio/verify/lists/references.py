"""Taking over the links that an archive lists, as decisions of the librarian who says so.

Each is a decision like any other: it goes through ``catalogue.links.decide``, stands in the history with its source, and can
be undone. What a person has decided, or taken back, stays as that person left it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide, live_link, live_relation
from biblio.catalogue.memory import USES_DATA
from biblio.catalogue.references import KnownLink, Pair
from biblio.errors import RequestRefused
from biblio.store.current import group_ids
from biblio.store.models import Candidate, CandidateRevision, Decision
from biblio.store.words import RelationKind, Verdict
from biblio.verify.service import Today, in_step


@dataclass(slots=True)
class ConfirmCounts:
    """What became of the known links. ``decided`` counts by verdict in force; ``taken_back``: decided, then undone.

    ``repeated``: the same paper and project under another bibcode. ``sentences`` name those that were refused.
    """

    read: int = 0
    confirmed: int = 0
    paper_missing: int = 0
    taken_back: int = 0
    repeated: int = 0
    refused: int = 0
    decided: Counter[Verdict] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)
    seen: set[Pair] = field(default_factory=set)


def confirm_known(
    session: Session, actor: Actor, links: Iterable[KnownLink], counts: ConfirmCounts, today: Today
) -> list[Decision]:
    """Accept, as ``actor``, each known link about which nobody has decided. What is not taken is counted and named."""
    decisions = []
    for link in links:
        counts.read += 1
        try:
            decision = _confirm(session, actor, link, counts, today)
        except RequestRefused as refusal:
            counts.refused += 1
            counts.sentences.append(f"{link.code} {link.bibcode}: {refusal}")
            continue
        if decision is not None:
            counts.confirmed += 1
            decisions.append(decision)
    in_step(session, today, decisions)
    return decisions


def _confirm(session: Session, actor: Actor, link: KnownLink, counts: ConfirmCounts, today: Today) -> Decision | None:
    paper = link.paper_id
    if paper is None:
        counts.paper_missing += 1
        return None
    if (paper, link.project_id) in counts.seen:
        counts.repeated += 1
        return None
    counts.seen.add((paper, link.project_id))
    live = live_link(session, paper, link.project_id)
    if live is not None:
        counts.decided[live.verdict] += 1
        return None
    if _was_decided(session, paper, link.project_id):
        counts.taken_back += 1
        return None
    relation = live_relation(session, paper)
    if relation is not None and relation not in USES_DATA:
        raise RequestRefused(
            f"the paper was judged “{relation.value.replace('_', ' ')}” here, which uses none of the data; left as it is."
        )
    ruling = Ruling(
        paper_id=paper,
        project_id=link.project_id,
        verdict=Verdict.ACCEPT,
        version_seen=0,
        relation=RelationKind.SCIENCE if relation is None else None,
        reason=f"known link: {link.source} lists {link.bibcode} for this project (learned {link.learned_at:%Y-%m-%d})",
        candidate_revision_id=_evidence(session, paper, link.project_id),
    )
    return decide(session, actor, ruling, now=today.now)


def _was_decided(session: Session, paper_id: int, project_id: int) -> bool:
    query = select(Decision.id).where(
        col(Decision.paper_id).in_(group_ids(session, paper_id)), col(Decision.project_id) == project_id
    )
    return session.exec(query).first() is not None


def _evidence(session: Session, paper_id: int, project_id: int) -> int | None:
    """The machine's own candidate for the pair, if there is one: it stays beside the decision."""
    return session.exec(
        select(CandidateRevision.id)
        .join(Candidate, col(Candidate.id) == col(CandidateRevision.candidate_id))
        .where(
            col(Candidate.paper_id) == paper_id,
            col(Candidate.project_id) == project_id,
            col(CandidateRevision.superseded_at).is_(None),
        )
    ).first()
