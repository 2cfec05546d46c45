"""What is stored of an answer and what is not, read from the tables as they are, so that the page cannot be out of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

import sqlalchemy as sa
from sqlmodel import SQLModel

from biblio.store.models import Answer, Ballot, Invitation
from survey.closing import MINIMUM_PERSONS

_WORDS: Mapping[str, Mapping[str, str]] = {
    "invitation": {
        "id": "a running number",
        "campaign_id": "the campaign",
        "project_id": "the project that is asked about",
        "recipient": "the name of its principal investigator",
        "email": "their address",
        "token_hash": "a fingerprint of the link, from which the link cannot be made again",
        "is_used": "whether the link was used: yes or no, not when",
        "created_at": "when the list of those to ask was made",
        "withdrawn_at": "when it was taken back, if no letter had gone out",
        "withdrawn_reason": "why it was taken back",
    },
    "ballot": {
        "id": "a random number of 128 bits",
        "campaign_id": "the campaign",
        "sealed": "the answer, encrypted; every ballot has the same length",
    },
    "answer": {
        "id": "a new random number of 128 bits",
        "campaign_id": "the campaign",
        "reason": "the number of the answer chosen",
        "detail": "the word beside it, if one was written",
        "comment": "the comment, if one was written",
    },
}
"""Table → column → what it holds, in words. A test fails when a column is added without its words."""

_TIMES = (date, datetime, time)

_TITLES = {
    "invitation": ("Who was asked", "while a campaign is open, and afterwards"),
    "ballot": ("The sealed ballot box", "from Submit until the campaign closes; then deleted"),
    "answer": ("The answers", "after the box was opened and shuffled"),
}


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column as the database has it, and what it holds."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One table: what is in it, when, and what it refers to."""

    name: str
    title: str
    when: str
    columns: tuple[StoredColumn, ...]
    refers_to: tuple[str, ...]
    has_time: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """All that the page says. ``holds`` is false if the tables tie an answer to a person, a project or a time."""

    tables: tuple[StoredTable, ...]
    minimum_persons: int
    holds: bool


def promises() -> Promise:
    """Return what is stored, from the schema, and whether the promise of anonymity holds for it."""
    tables = tuple(_table(model) for model in (Invitation, Ballot, Answer))
    sealed = [t for t in tables if t.name in ("ballot", "answer")]
    holds = all(t.refers_to == ("campaign",) and not t.has_time for t in sealed)
    return Promise(tables, MINIMUM_PERSONS, holds)


def _table(model: type[SQLModel]) -> StoredTable:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    title, when = _TITLES[table.name]
    words = _WORDS[table.name]
    return StoredTable(
        name=table.name,
        title=title,
        when=when,
        columns=tuple(StoredColumn(c.name, words.get(c.name, "(not described yet)")) for c in table.columns),
        refers_to=tuple(sorted({key.column.table.name for key in table.foreign_keys})),
        has_time=any(issubclass(c.type.python_type, _TIMES) for c in table.columns),
    )
