"""What is stored of an answer and what is not, read from the tables as they are, so that the page cannot be out of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from biblio.store.models import Answer, Ballot, Comment, Invitation, OptOut

_WORDS: Mapping[str, Mapping[str, str]] = {
    "invitation": {
        "id": "a running number",
        "campaign_id": "the campaign",
        "project_id": "the project that is asked about",
        "recipient": "the name of its principal investigator",
        "email": "their address",
        "nonce": "a random number that the link is made from, with the server’s secret, which is not in the database",
        "token_hash": "a fingerprint of the link, from which the link cannot be made again",
        "stratum": "the group of projects it belongs to, if the campaign’s answers are also counted by groups",
        "is_used": "whether the link was used: yes or no, not when",
        "is_released": "whether the box that it voted into was opened: the same for all used links of one opening",
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
        "stratum": "the group of projects, merged so that each has answers of enough persons; or nothing",
        "question": "which question",
        "choice": "the number of the answer chosen",
        "word": "the word beside it, if one was written",
    },
    "comment": {
        "id": "a new random number of 128 bits",
        "campaign_id": "the campaign",
        "question": "which question",
        "words": "what was written; nothing tells which answer it goes with",
    },
    "opt_out": {
        "address_hash": "a keyed fingerprint of an address that is never written to again",
        "key_id": "which key it was made with",
        "made_at": "when they said so; it has nothing to do with any answer",
    },
}
"""Table → column → what it holds, in words. A test fails when a column is added without its words."""

_TIMES = (date, datetime, time)

_TITLES = {
    "invitation": ("Who was asked", "while a campaign is open, and afterwards"),
    "ballot": ("The sealed ballot box", "from Submit until the campaign closes; then deleted"),
    "answer": ("The answers", "after the box was opened and shuffled"),
    "comment": ("The comments", "after the box was opened, shuffled apart from the answers"),
    "opt_out": ("Who wants no letters", "for ever"),
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


def promises(minimum_persons: int) -> Promise:
    """Return what is stored, from the schema, and whether the promise of anonymity holds for it."""
    tables = tuple(_table(model) for model in (Invitation, Ballot, Answer, Comment, OptOut))
    sealed = [t for t in tables if t.name in ("ballot", "answer", "comment")]
    holds = all(t.refers_to == ("campaign",) and not t.has_time for t in sealed)
    return Promise(tables, minimum_persons, holds)


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
        has_time=any(issubclass(_plain(c.type).python_type, _TIMES) for c in table.columns),
    )


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Return the database's own type below one of ours, which would say of itself only that it gives an object."""
    return kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind
