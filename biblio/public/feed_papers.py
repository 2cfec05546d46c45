"""What feeds say of a paper: facts alone (``catalogue.terms``), titles and names as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.catalogue.identifiers import Identifiers, identifiers_of
from biblio.catalogue.readable import readable
from biblio.catalogue.terms import public_view
from biblio.store.models import PaperAuthor, PaperRevision
from biblio.store.words import Scheme

_NOT_PLAIN = re.compile(r"[\\${}<>&^_]|  ").search
_NO_CHARACTER = re.compile("[\ufffe\uffff\ud800-\udfff]")
"""What is no character and no file of text may hold."""
_FACTS = ("title", "year", "published_on", "published_precision", "preprint_on", "is_refereed")


@dataclass(frozen=True, slots=True)
class FeedPaper:
    """One paper as feeds know it. ``published_on`` is written as precisely as it is known: "2019", "2019-05"."""

    title: str
    authors: tuple[str, ...]
    year: int | None
    published_on: str | None
    is_refereed: bool
    identifiers: Identifiers

    def identifier(self, scheme: Scheme) -> str | None:
        """The best identifier of a kind."""
        return next(iter(self.identifiers.get(scheme, ())), None)


def feed_papers(session: Session, paper_ids: Sequence[int]) -> dict[int, FeedPaper]:
    """Return what feeds say of papers, by number; one that is no longer there is left out. Five queries per 900."""
    identifiers = identifiers_of(session, paper_ids)
    shown: dict[int, PaperRevision] = {}
    authors: dict[int, list[str]] = {}
    for part in chunks(paper_ids):
        revisions = session.execute(
            sa.select(PaperRevision).where(
                col(PaperRevision.paper_id).in_(part), col(PaperRevision.superseded_at).is_(None)
            )
        ).scalars()
        shown |= {revision.paper_id: revision for revision in revisions}
    for part in chunks(revision.id for revision in shown.values()):
        for revision_id, name in session.execute(
            sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
            .where(col(PaperAuthor.revision_id).in_(part))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        ):
            authors.setdefault(revision_id, []).append(name)
    session.expunge_all()  # the rows are read; a feed of a million must not keep them
    return {
        paper_id: _said(revision, authors.get(revision.id or 0, []), identifiers.get(paper_id, {}))
        for paper_id, revision in shown.items()
    }


def _said(revision: PaperRevision, authors: Sequence[str], identifiers: Identifiers) -> FeedPaper:
    known = {name: getattr(revision, name) for name in _FACTS} | {"authors": authors, "identifiers": identifiers}
    seen = public_view(known, revision.provenance or {})
    published = seen.get("published_on")
    return FeedPaper(
        title=plain(seen.get("title") or ""),
        authors=tuple(plain(name) for name in seen.get("authors", ())),
        year=seen.get("year"),
        published_on=_written(published, seen.get("published_precision")) if published else None,
        is_refereed=bool(seen.get("is_refereed")),
        identifiers=seen.get("identifiers", {}),
    )


def _written(day: date, precision: str | None) -> str:
    return day.isoformat()[: {"year": 4, "month": 7}.get(precision or "day", 10)]


def plain(text: str) -> str:
    """Return a stranger's title or name as plain text on one line, without markup or control characters."""
    if text.isprintable() and not _NOT_PLAIN(text):
        return text.strip()
    return _NO_CHARACTER.sub("", readable(text)).strip()
