"""Rows by their number, for what a person named: there is one, or a sentence says that there is not."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from sqlmodel import Session, SQLModel, col, select

from biblio.errors import NotFound
from biblio.store.current import survivor_of
from biblio.store.models import Paper

_Row = TypeVar("_Row", bound=SQLModel)


def found(session: Session, table: type[_Row], number: int, name: str, *, to_change: bool = False) -> _Row:
    """Return the row of ``table`` with this number; ``name`` is what people call it.

    ``to_change`` reads it anew and locks it until the transaction ends. Raises ``NotFound``.
    """
    if to_change:
        row = session.get(table, number, with_for_update=True, populate_existing=True)
    else:
        row = session.get(table, number)
    if row is None:
        raise NotFound(f"There is no {name} number {number}.")
    return row


def found_paper(session: Session, paper_id: int) -> int:
    """Return the number of the paper that stands for ``paper_id``. Raises ``NotFound``."""
    survivor = survivor_of(session, paper_id)
    if survivor is None:
        raise NotFound(f"There is no paper number {paper_id}.")
    return survivor


def hold_papers(session: Session, survivors: Collection[int]) -> None:
    """Let nobody else judge, claim or give away these papers before this transaction ends.

    What is read of them from here on is what was stored by whoever came before. A row that is not there yet cannot be
    locked, so the paper's is; in the order of their numbers, so that two who want many never wait for one another.
    SQLite has one writer anyway.
    """
    rows = select(Paper.id).where(col(Paper.id).in_(survivors)).order_by(col(Paper.id))
    session.exec(rows.with_for_update(key_share=True)).all()
