"""Papers as they were shown at the end of a day: what sources had said, authors and identifiers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.models import PaperIdentifier, PaperIdentifierMove, PaperRevision
from reports.facts.authors import NOBODY, Authors
from reports.facts.model import Paper
from reports.facts.reading_links import End, Merges
from reports.facts.reading_rows import among, ask_authors, identifiers_of


def ask_papers(
    session: Session,
    end: End,
    merges: Merges,
    wanted: Collection[int],
    facilities: Mapping[int, tuple[str, ...]],
    aside: Executor | None = None,
) -> Callable[[], dict[int, Paper]]:
    """Return what gives these papers (survivors' ids) by id, sorted; one of which nothing was shown yet is left out.

    Other things can be read before it is asked: of many papers the authors take long (``ask_authors``).
    ``facilities``: the other observatories whose data they used (``reports.facts.facilities``).
    """
    rows = _shown(session, end, wanted)
    authors = ask_authors(session, {row[0]: row[1] for row in rows}, aside)
    named = read_identifiers(session, end, merges, wanted)
    return lambda: _papers(rows, authors(), named, facilities)


def _papers(
    rows: Any,
    authors: Mapping[int, Authors],
    named: Mapping[int, Mapping[str, str]],
    facilities: Mapping[int, tuple[str, ...]],
) -> dict[int, Paper]:
    """Return the papers of what was shown of each."""
    found = {}
    for id_, paper, title, refereed, kind, journal, year, published_on, precision, preprint_on, citations in rows:
        names, orcids, affiliation = authors.get(id_, NOBODY)
        found[paper] = Paper(
            paper, title or "", names, orcids, affiliation, refereed, kind or "", journal or "",
            year or (preprint_on.year if preprint_on else None), published_on, precision or "", preprint_on, citations,
            facilities.get(paper, ()), named.get(paper, {}),
        )  # fmt: skip
    return found


def _shown(session: Session, end: End, wanted: Collection[int]) -> Any:
    """Return what was shown of each paper, sorted by paper."""
    revision = PaperRevision
    return (
        session.connection()
        .execute(
            sa.select(
                col(revision.id), col(revision.paper_id), col(revision.title), col(revision.is_refereed),
                col(revision.kind), col(revision.journal), col(revision.year), col(revision.published_on),
                col(revision.published_precision), col(revision.preprint_on), col(revision.citation_count),
            )
            .where(
                end.holds(col(revision.learned_at), col(revision.superseded_at)),
                among(session, col(revision.paper_id), wanted),
            )
            .order_by(col(revision.paper_id), col(revision.id))
        )
        .all()
    )  # fmt: skip


def read_identifiers(session: Session, end: End, merges: Merges, wanted: Collection[int]) -> dict[int, dict[str, str]]:
    """Return one identifier of each kind per paper: of several the paper's own before a merged one's, by its letters.

    An identifier that went to another paper later was on the day that paper's which it left.
    """
    named, members = PaperIdentifier, merges.members(wanted)
    moved = _moved_later(session, end)
    known = col(named.learned_at) <= end.moment
    told = identifiers_of(session, members, sa.and_(known, col(named.id).not_in(moved)) if moved else known)
    for paper, scheme, value in moved.values():
        if paper in members:
            own = told.setdefault(paper, {})
            own[scheme] = min(value, own.get(scheme, value))
    others: dict[int, dict[str, str]] = {}
    for paper in sorted(told.keys() & merges.roots.keys()):
        group = others.setdefault(merges.roots[paper], {})
        for scheme, value in told.pop(paper).items():
            group[scheme] = min(value, group.get(scheme, value))
    for root, theirs in others.items():
        told[root] = dict(sorted((theirs | told.get(root, {})).items()))
    return told


def _moved_later(session: Session, end: End) -> dict[int, tuple[int, str, str]]:
    """Return the identifiers that were known and went to another paper later: who had them, of what kind, and which."""
    named, move = PaperIdentifier, PaperIdentifierMove
    rows: Any = session.connection().execute(
        sa.select(col(named.id), col(move.from_paper_id), sa.type_coerce(named.scheme, sa.String), col(named.value))
        .join(move, col(move.identifier_id) == col(named.id))
        .where(col(named.learned_at) <= end.moment, col(move.moved_at) > end.moment)
        .order_by(col(move.moved_at).desc(), col(move.id).desc())
    )
    return {id_: (paper, scheme, value) for id_, paper, scheme, value in rows.all()}
