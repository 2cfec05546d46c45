"""Which library a paper is for: given by a person, else by a rule on journal and source, else the partner's.

Rules are data of the store, made by head librarians. The most specific one holds: journal and source before journal
before source; no two that are in force ask for the same journal and source, so there are no ties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.terms import PERSON
from biblio.observatory import Profile
from biblio.store.current import survivor_id
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    LibraryAssignment,
    LibraryRule,
    Paper,
    PaperRevision,
    ProjectRevision,
)

Condition = tuple[str, str]
"""What a rule asks for: (journal, source), "" for any."""


def libraries_of(
    session: Session,
    profile: Profile,
    paper_ids: Collection[int],
    *,
    partners: Mapping[int, str | None] | None = None,
) -> dict[int, str]:
    """Return survivor → library for these papers; one that no rule and no partner tells is left out.

    ``partners`` (survivor → partner's key) saves looking for the projects the papers are about. A constant number of
    statements; at most some hundred papers at once.
    """
    survivors = dict(
        session.execute(
            sa.select(col(Paper.id), survivor_id()).where(
                sa.or_(col(Paper.id).in_(paper_ids), col(Paper.merged_into_id).in_(paper_ids))
            )
        ).all()
    )
    wanted = set(survivors.values())
    by_hand = _by_hand(session, survivors)
    rules = live_rules(session)
    found: dict[int, str] = {}
    known = _partners(session, survivors) if partners is None else partners
    for paper_id in wanted:
        partner = profile.partner(known.get(paper_id))
        if partner is not None:
            found[paper_id] = partner.library
    for paper_id, journal, source in _journals(session, wanted) if rules else ():
        library = by_rule(rules, journal, source)
        if library is not None:
            found[paper_id] = library
    return {**found, **by_hand}


def live_rules(session: Session) -> dict[Condition, str]:
    """Return the rules in force: what each asks for → the library."""
    rows = session.exec(select(LibraryRule).where(col(LibraryRule.ended_at).is_(None)))
    return {(row.journal, row.source): row.library for row in rows}


def by_rule(rules: Mapping[Condition, str], journal: str | None, source: str | None) -> str | None:
    """Return the library that the most specific rule gives a paper of this journal and source, or None."""
    for condition in ((journal or "", source or ""), (journal or "", ""), ("", source or "")):
        if condition != ("", "") and condition in rules:
            return rules[condition]
    return None


def _by_hand(session: Session, survivors: Mapping[int, int]) -> dict[int, str]:
    """The libraries that persons gave these papers to; of papers that became one, the latest word holds."""
    rows = session.execute(
        sa.select(col(LibraryAssignment.paper_id), col(LibraryAssignment.library))
        .where(col(LibraryAssignment.paper_id).in_(list(survivors)), col(LibraryAssignment.ended_at).is_(None))
        .order_by(col(LibraryAssignment.id))
    )
    return {survivors[paper_id]: library for paper_id, library in rows}


def _journals(session: Session, survivors: Collection[int]) -> Iterable[tuple[int, str | None, str | None]]:
    """(paper, journal, source), as the queue keeps them."""
    rows = session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.journal), col(PaperRevision.provenance)).where(
            col(PaperRevision.paper_id).in_(survivors), col(PaperRevision.superseded_at).is_(None)
        )
    )
    return [(paper_id, journal, source_of(provenance)) for paper_id, journal, provenance in rows]


def source_of(provenance: Mapping[str, str] | None) -> str | None:
    """Return the source that a paper is from: that of its title, or of its authors where a person corrected the title.

    Authors are never corrected, so a wrong title takes no paper from one library to another.
    """
    told = provenance or {}
    title = told.get("title")
    return told.get("authors") if title == PERSON else title


def _partners(session: Session, survivors: Mapping[int, int]) -> dict[int, str | None]:
    """Return paper → partner of the project it is most likely about: that of its best candidate."""
    query = (
        sa.select(col(Candidate.paper_id), col(ProjectRevision.partner))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .outerjoin(
            ProjectRevision,
            sa.and_(
                col(ProjectRevision.project_id) == col(Candidate.project_id),
                col(ProjectRevision.superseded_at).is_(None),
            ),
        )
        .where(col(Candidate.paper_id).in_(list(survivors)), col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(CandidateRevision.score), col(Candidate.id).desc())
    )
    return {survivors[paper_id]: partner for paper_id, partner in session.execute(query)}
