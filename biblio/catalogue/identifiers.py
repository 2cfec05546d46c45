"""The identifiers of papers, the best of each kind first: what lists that go out call a paper."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.store.models import Paper, PaperIdentifier, SourceRecord
from biblio.store.words import Scheme

Identifiers = dict[Scheme, tuple[str, ...]]


def identifiers_of(session: Session, paper_ids: Iterable[int]) -> dict[int, Identifiers]:
    """Return the identifiers of papers and of what was merged into them, by survivor and scheme.

    A preprint's bibcode and DOI come after an article's; of the articles' bibcodes the one under which ADS gives the
    record now is first. Papers without any identifier are left out. Three queries per 900 papers.
    """
    found: dict[int, dict[Scheme, list[str]]] = {}
    today: dict[int, str] = {}
    for part in chunks(paper_ids):
        members = {paper: paper for paper in part}
        merged = session.execute(
            sa.select(col(Paper.id), col(Paper.merged_into_id)).where(col(Paper.merged_into_id).in_(part))
        )
        members |= dict(merged.all())
        for some in chunks(members):
            rows = session.execute(
                sa.select(col(PaperIdentifier.paper_id), col(PaperIdentifier.scheme), col(PaperIdentifier.value))
                .where(col(PaperIdentifier.paper_id).in_(some))
                .order_by(col(PaperIdentifier.id))
            )
            for paper, scheme, value in rows:
                found.setdefault(members[paper], {}).setdefault(scheme, []).append(value)
            # Sources are told apart here: SQLite would take the index that begins with them, and read all of ADS.
            records = session.execute(
                sa.select(col(SourceRecord.paper_id), col(SourceRecord.key), col(SourceRecord.source))
                .where(col(SourceRecord.paper_id).in_(some), col(SourceRecord.superseded_at).is_(None))
                .order_by(col(SourceRecord.id))
            )
            today |= {members[paper]: key for paper, key, source in records if source == "ads"}
    return {
        paper: {scheme: _best_first(values, today.get(paper)) for scheme, values in by_scheme.items()}
        for paper, by_scheme in found.items()
    }


def bibcodes_of(session: Session, paper_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the bibcodes of papers as ``identifiers_of``; papers without one are left out."""
    known = identifiers_of(session, paper_ids)
    return {paper: named[Scheme.BIBCODE] for paper, named in known.items() if Scheme.BIBCODE in named}


def _best_first(values: list[str], today: str | None) -> tuple[str, ...]:
    """Order identifiers of one kind; a preprint's says "arXiv" in itself (10.48550/arxiv.…, 2021arXiv…)."""
    return tuple(sorted(values, key=lambda value: ("arxiv" in value.lower(), value != today)))
