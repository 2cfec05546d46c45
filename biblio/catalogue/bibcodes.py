"""The bibcodes of papers, the one that ADS uses today first: what lists that go out call a paper."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.store.current import survivor_id
from biblio.store.models import Paper, PaperIdentifier, SourceRecord
from biblio.store.words import Scheme


def bibcodes_of(session: Session, paper_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the bibcodes of papers and of what was merged into them, by survivor; papers without one are left out.

    A preprint's bibcode comes after an article's; of the articles' the one under which ADS gives the record now is
    first. Two queries per 900 papers.
    """
    found: dict[int, list[str]] = {}
    today: dict[int, str] = {}
    paper = survivor_id()
    for part in chunks(paper_ids):
        for paper_id, bibcode in session.execute(
            sa.select(paper, col(PaperIdentifier.value))
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .where(_in_groups(part), col(PaperIdentifier.scheme) == Scheme.BIBCODE)
            .order_by(col(PaperIdentifier.id))
        ):
            found.setdefault(paper_id, []).append(bibcode)
        records = session.execute(
            sa.select(paper, col(SourceRecord.key))
            .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
            .where(_in_groups(part), col(SourceRecord.source) == "ads", col(SourceRecord.superseded_at).is_(None))
            .order_by(col(SourceRecord.id))
        )
        today |= dict(records.all())
    return {
        paper_id: tuple(sorted(codes, key=lambda code: ("arXiv" in code, code != today.get(paper_id))))
        for paper_id, codes in found.items()
    }


def _in_groups(survivors: list[int]) -> sa.ColumnElement[bool]:
    """Return the condition that a paper is one of ``survivors`` or was merged into one; both sides have an index."""
    return sa.or_(
        sa.and_(col(Paper.id).in_(survivors), col(Paper.merged_into_id).is_(None)),
        col(Paper.merged_into_id).in_(survivors),
    )
