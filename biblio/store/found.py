"""Rows by their number, for what a person named: there is one, or a sentence says that there is not."""

from __future__ import annotations

from typing import TypeVar

from sqlmodel import Session, SQLModel

from biblio.errors import NotFound
from biblio.store.current import survivor_of

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
