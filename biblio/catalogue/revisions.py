"""Working out what is shown of papers, and adding a revision where it changed; what was shown before stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue import compose
from biblio.catalogue.groups import Group, Revision, Shelf, chunks, new_ids
from biblio.catalogue.rows import encoded, insert_rows
from biblio.catalogue.terms import family
from biblio.store.models import PaperAuthor, PaperRevision

SHOWN_DEFAULTS: Mapping[str, Any] = {
    "title": None, "abstract": None, "kind": None, "is_refereed": False, "journal": None, "volume": None, "page": None,
    "year": None, "published_on": None, "published_precision": None, "preprint_on": None, "updated_on": None,
    "arxiv_version": None, "citation_count": None, "is_withdrawn": False, "keywords": [],
}  # fmt: skip
"""The fields of a revision and what each holds where no source says anything."""
_LENGTHS = {"kind": 32, "volume": 64, "page": 64}
_PLAIN = tuple(name for name in SHOWN_DEFAULTS if name != "keywords")
_COLUMNS = ("id", "paper_id", "learned_at", "provenance", "keywords", *_PLAIN)
_AUTHOR_COLUMNS = ("revision_id", "position", "name", "affiliation", "orcid")

_Authors = list[tuple[str, str | None, str | None]]
"""(name, affiliation, ORCID) in printed order."""


def reveal(session: Session, groups: Iterable[Group], *, now: datetime) -> int:
    """Work out anew what is shown for these groups; a revision is added only where it changed. Returns how many.

    The revision of a paper that was merged away ends: its survivor's stands for both.
    """
    standing = [g for g in groups if g.became is None]
    authors = _authors(session, [g.revision.row_id for g in standing if g.revision is not None])
    ended = [p.id for g in standing for p in g.papers[1:]]
    fresh: list[tuple[int, dict[str, Any], dict[str, str], _Authors]] = []
    for group in standing:
        shown = compose.compose([r.told for r in group.records.values()], group.corrections)
        values = {**SHOWN_DEFAULTS, **shown.values}
        for name, size in _LENGTHS.items():
            if values[name]:
                values[name] = values[name][:size]
        listed = [(a["name"], a.get("affiliation"), a.get("orcid", "")[-19:] or None) for a in shown.authors]
        before, root = group.revision, group.root.id
        assert root is not None
        if before is not None:
            if _is_same(before, values, shown.provenance) and authors.get(before.row_id, []) == listed:
                continue
            ended.append(root)
        fresh.append((root, values, shown.provenance, listed))
    for chunk in chunks(ended):
        session.execute(
            sa.update(PaperRevision)
            .where(col(PaperRevision.paper_id).in_(chunk), col(PaperRevision.superseded_at).is_(None))
            .values(superseded_at=now)
        )
    _add_revisions(session, fresh, now)
    return len(fresh)


def recompose(session: Session, paper_ids: Iterable[int], *, now: datetime) -> int:
    """Work out anew what is shown for these papers (or those that stand for them); returns how many changed."""
    shelf = Shelf(session, now)
    shelf.load_papers(paper_ids)
    return reveal(session, shelf.groups, now=now)


def _add_revisions(
    session: Session, fresh: list[tuple[int, dict[str, Any], dict[str, str], _Authors]], now: datetime
) -> None:
    rows, names = [], []
    ids = new_ids(session, PaperRevision, len(fresh))
    for revision_id, (paper_id, values, provenance, listed) in zip(ids, fresh, strict=True):
        told = _encoded_provenance(tuple(provenance.items()))
        keywords = encoded(values["keywords"]) if values["keywords"] else "[]"
        rows.append((revision_id, paper_id, now, told, keywords, *(values[name] for name in _PLAIN)))
        names += [(revision_id, place, *author) for place, author in enumerate(listed, 1)]
    insert_rows(session, PaperRevision, _COLUMNS, rows)
    insert_rows(session, PaperAuthor, _AUTHOR_COLUMNS, names)


@lru_cache(maxsize=1024)
def _encoded_provenance(items: tuple[tuple[str, str], ...]) -> str:
    """Write down where the fields are from; thousands of papers of one harvest have the same."""
    return encoded(dict(items))


def _authors(session: Session, revision_ids: list[int]) -> dict[int, _Authors]:
    found: dict[int, _Authors] = {}
    for chunk in chunks(revision_ids):
        query = (
            sa.select(
                col(PaperAuthor.revision_id),
                col(PaperAuthor.name),
                col(PaperAuthor.affiliation),
                col(PaperAuthor.orcid),
            )
            .where(col(PaperAuthor.revision_id).in_(chunk))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        )
        for revision_id, name, affiliation, orcid in session.execute(query):
            found.setdefault(revision_id, []).append((name, affiliation, orcid))
    return found


def _is_same(before: Revision, values: Mapping[str, Any], provenance: Mapping[str, str]) -> bool:
    """Whether a revision shows these values already.

    Which of arXiv's doors told one last is no news: the same day's paper comes through three of them.
    """
    return all(before.values[name] == value for name, value in values.items()) and (
        before.provenance == provenance
        or {n: family(s) for n, s in before.provenance.items()} == {n: family(s) for n, s in provenance.items()}
    )
