"""The public bibliography, read into dataclasses: papers with an accepted project whose relation is science.

Only what may be public leaves this module: no contact data, no verdict but "accepted", and of what sources say only what
their terms allow (``catalogue.terms``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.archival import ArchivalClass, archival_classes
from biblio.catalogue.folding import fold
from biblio.catalogue.readable import harmless
from biblio.catalogue.terms import public_view
from biblio.public.index import ProjectEntry, PublicIndex
from biblio.public.wanted import MOST_TERMS
from biblio.store.current import survivor_id, survivor_of
from biblio.store.models import (
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRevision,
)
from biblio.store.words import Scheme

_SHOWN = ("title", "year", "journal", "volume", "page", "published_on", "is_refereed", "is_withdrawn", "abstract",
          "keywords")  # fmt: skip
"""What of a paper's shown values the public pages use, each as far as its source allows."""

_TOKENS = re.compile(r'"([^"]+)"|(\S+)')
_MANY = 500
"""Ids handed to one statement (SQLite's oldest limit is 999 parameters)."""


AT_ONCE = 2_000
"""Papers of a file that are held at a time."""


@dataclass(frozen=True, slots=True)
class PublicPaper:
    """A paper as anyone may see it. ``projects`` are codes in order; ``identifiers`` by scheme, one each.

    ``abstract`` and ``keywords`` are there only where their source lets us show them; ``abstract_from`` is that source.
    """

    paper_id: int
    title: str
    authors: tuple[str, ...]
    year: int | None
    journal: str | None
    volume: str | None
    page: str | None
    published_on: date | None
    is_refereed: bool
    is_withdrawn: bool
    identifiers: dict[Scheme, str] = field(default_factory=dict)
    projects: tuple[str, ...] = ()
    abstract: str | None = None
    abstract_from: str | None = None
    keywords: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Journal, volume and page as far as known."""
        return ", ".join(part for part in (self.journal, self.volume, self.page) if part)

    def short_authors(self, most: int = 3) -> str:
        """The first authors, "and 12 more" where the list is long."""
        if len(self.authors) <= most + 1:
            return "; ".join(self.authors)
        return "; ".join(self.authors[:most]) + f" and {len(self.authors) - most} more"


def matching_projects(index: PublicIndex, query: str) -> list[ProjectEntry]:
    """Return the projects whose code, title or PI hold all words, most papers first."""
    wanted = [fold(quoted or plain) for quoted, plain in _TOKENS.findall(query.replace("\x00", ""))][:MOST_TERMS]
    return [project for project in index.project_list() if all(word in project.words for word in wanted)]


def filled(session: Session, index: PublicIndex, paper_ids: Sequence[int]) -> list[PublicPaper]:
    """Return public papers in the order of their numbers, in three queries however many there are (to ``_MANY``)."""
    shown = {r.paper_id: r for r in _revisions(session, paper_ids)}
    revisions = [shown[paper_id] for paper_id in paper_ids if paper_id in shown]
    authors = _authors(session, [r.id for r in revisions if r.id is not None])
    identifiers = _identifiers(session, paper_ids)
    return [
        _public(r, authors.get(r.id or 0, []), identifiers.get(r.paper_id, {}), index.codes_of(r.paper_id))
        for r in revisions
    ]


def in_parts(session: Session, index: PublicIndex, paper_ids: Sequence[int]) -> Iterator[PublicPaper]:
    """Give public papers in the order of their numbers, some at a time: a file of 100,000 never holds them all."""
    for start in range(0, len(paper_ids), AT_ONCE):
        yield from filled(session, index, paper_ids[start : start + AT_ONCE])


def _public(
    revision: Any, authors: Sequence[str], identifiers: dict[Scheme, str], projects: tuple[str, ...]
) -> PublicPaper:
    """Return a paper as anyone may see it: what its sources' terms keep inside is not even looked at."""
    known = {name: getattr(revision, name) for name in _SHOWN} | {"authors": tuple(authors), "identifiers": identifiers}
    seen = public_view(known, revision.provenance or {})
    abstract = " ".join(harmless(seen.get("abstract")).split()) or None
    return PublicPaper(
        paper_id=revision.paper_id,
        title=harmless(seen.get("title"))
        or f"{next(iter(identifiers.values()), 'A paper')} (its title is not known yet)",
        authors=tuple(harmless(name) for name in seen.get("authors", ())),
        year=seen.get("year"),
        journal=harmless(seen.get("journal")) or None,
        volume=harmless(seen.get("volume")) or None,
        page=harmless(seen.get("page")) or None,
        published_on=seen.get("published_on"),
        is_refereed=seen.get("is_refereed", False),
        is_withdrawn=seen.get("is_withdrawn", False),
        identifiers=seen.get("identifiers", {}),
        projects=projects,
        abstract=abstract,
        abstract_from=revision.provenance["abstract"] if abstract else None,
        keywords=tuple(harmless(word) for word in seen.get("keywords") or ()),
    )


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[i : i + _MANY] for i in range(0, len(ids), _MANY))


def _revisions(session: Session, paper_ids: Sequence[int]) -> Iterator[Any]:
    """Yield what is shown of papers, as rows of columns: whole objects would take twice as long to read."""
    shown = PaperRevision
    columns = sa.select(*(col(getattr(shown, name)) for name in ("id", "paper_id", "provenance", *_SHOWN)))
    for part in _chunks(paper_ids):
        current = columns.where(col(shown.paper_id).in_(part), col(shown.superseded_at).is_(None))
        yield from session.connection().execute(current)


def _authors(session: Session, revision_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for part in _chunks(revision_ids):
        rows = session.connection().execute(
            sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
            .where(col(PaperAuthor.revision_id).in_(part))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for revision_id, name in rows:
            found.setdefault(revision_id, []).append(name)
    return found


def _identifiers(session: Session, paper_ids: Sequence[int]) -> dict[int, dict[Scheme, str]]:
    """One identifier of each scheme per paper: of bibcodes the journal's rather than the preprint's."""
    found: dict[int, dict[Scheme, str]] = {}
    for part in _chunks(paper_ids):
        survivor = survivor_id()
        rows = session.connection().execute(
            sa.select(survivor, col(PaperIdentifier.scheme), col(PaperIdentifier.value))
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            # The survivor's expression has no index; the papers that can have one of these survivors do.
            .where(sa.or_(col(Paper.id).in_(part), col(Paper.merged_into_id).in_(part)), survivor.in_(part))
            .order_by(col(PaperIdentifier.id))
        )
        for paper_id, scheme, value in rows:
            mine = found.setdefault(paper_id, {})
            if scheme not in mine or (scheme is Scheme.BIBCODE and "arXiv" in mine[scheme] and "arXiv" not in value):
                mine[scheme] = value
    return found


def find_paper(session: Session, index: PublicIndex, paper_id: int) -> PublicPaper | None:
    """Return the public paper that stands for ``paper_id``, or None when there is none that may be shown."""
    survivor = survivor_of(session, paper_id)
    if survivor is None or survivor not in index:
        return None
    return filled(session, index, [survivor])[0]


def data_use(session: Session, paper_id: int) -> ArchivalClass | None:
    """Return whether a paper used data of its authors' own projects, of the archive, or both, by the published rules."""
    return archival_classes(session, [paper_id]).get(paper_id)
