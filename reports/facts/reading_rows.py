"""What both databases can be asked at once and spell differently: rows of very many ids, and lists put together.

Ids by the ten thousand are one value of the statement (JSON for SQLite, an array for PostgreSQL), and authors come as
lists in one row: handing over a row costs Python more than finding it costs the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from biblio.store import reads_only
from biblio.store.models import PaperAuthor, PaperIdentifier
from biblio.store.words import Scheme
from reports.facts.authors import Authors, Told, apart, keep

MANY = 10_000
"""So many papers are worth a connection and a thread of their own."""


def among(session: Session, column: Any, ids: Collection[int]) -> Any:
    """Return the condition that a column is one of any number of ids."""
    if _is_sqlite(session):
        return column.in_(sa.select(_listed(ids).c.value))
    return column == sa.any_(sa.bindparam(None, sorted(ids), type_=ARRAY(sa.Integer)))


def ask_authors(
    session: Session, papers: Mapping[int, int], aside: Executor | None = None
) -> Callable[[], dict[int, Authors]]:
    """Return what gives the authors of each revision that has any, and waits for them; ``papers``: each one's paper.

    Of very many a PostgreSQL server is asked at once, on a connection of its own: it puts them together while Python
    does something else. It finds the same, as the authors of a revision are written once and never changed. (SQLite works
    in this process, where two of its connections hinder each other.) ``aside`` keeps them too.
    """
    statement = _authors_together(session, papers)

    def kept(told: Told) -> Told:
        if aside is not None:
            aside.submit(keep, told, papers)
        return told

    if _is_sqlite(session) or len(papers) < MANY or not reads_only(session):
        here = kept(tuple(session.connection().execute(statement).one()))
        return lambda: apart(here)

    engine = session.get_bind().engine

    def ask() -> Told:
        with engine.connect() as connection:
            return kept(tuple(connection.execute(statement).one()))

    thread = ThreadPoolExecutor(1, thread_name_prefix="authors")
    asked = thread.submit(ask)
    thread.shutdown(wait=False)  # it ends with what it was asked
    return lambda: apart(asked.result())


def _authors_together(session: Session, revision_ids: Collection[int]) -> Any:
    """Select one row of four JSON lists: revision, name, ORCID and the first author's affiliation of every author."""
    author = PaperAuthor
    first = sa.case((col(author.position) == 1, col(author.affiliation)))
    ordered = (
        sa.select(col(author.revision_id), col(author.name), col(author.orcid), first.label("first"))
        .where(among(session, col(author.revision_id), revision_ids))
        .order_by(col(author.revision_id), col(author.position))
        .subquery()
    )
    if _is_sqlite(session):
        return sa.select(*map(sa.func.json_group_array, ordered.c))
    return sa.select(*(sa.cast(sa.func.json_agg(column), sa.Text) for column in ordered.c))


def identifiers_of(session: Session, paper_ids: Collection[int], condition: Any) -> dict[int, dict[str, str]]:
    """Return one identifier of each kind of each of these papers that has any: of several the first by its letters."""
    named = PaperIdentifier
    scheme, value = sa.type_coerce(named.scheme, sa.String), col(named.value)
    mine = among(session, col(named.paper_id), paper_ids), condition
    by_letters = value if _is_sqlite(session) else sa.collate(value, "C")
    first = [sa.func.min(sa.case((scheme == one.value, by_letters))) for one in Scheme]
    rows = session.connection().execute(
        sa.select(col(named.paper_id), *first).where(*mine).group_by(col(named.paper_id))
    )
    kinds = [one.value for one in Scheme]
    return {
        paper: {kind: value for kind, value in zip(kinds, values, strict=True) if value is not None}
        for paper, *values in rows.all()
    }


def as_json(column: Any) -> Any:
    """Select a JSON column as the text it is, for ``of_json``."""
    return sa.cast(column, sa.Text)


def of_json(texts: Sequence[str | None]) -> list[Any]:
    """Return what each of very many JSON texts says, None for none: read as one text they take a third of the time.

    Raises ``ValueError`` where one of them is damaged.
    """
    found: list[Any] = json.loads(f"[{','.join(text or 'null' for text in texts)}]")
    return found


def day_of(session: Session, moment: Any) -> Any:
    """Return the day (UTC) of a moment: made by the database it takes a tenth of the time."""
    if _is_sqlite(session):
        return sa.func.substr(moment, 1, len("2026-01-31"), type_=sa.Date)
    return sa.cast(sa.func.timezone("UTC", moment), sa.Date)


def _listed(ids: Collection[int]) -> Any:
    return sa.func.json_each(json.dumps(sorted(ids))).table_valued("value")


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
