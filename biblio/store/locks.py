"""Taking turns: what two transactions must not do at the same moment, because each would do what the other does.

And waiting for writers: a moment by which everything that was written down before it is stored, for who reads a history.
"""

from __future__ import annotations

from enum import IntEnum

import sqlalchemy as sa
from sqlmodel import Session

WRITING = 0x77_72_69_74
"""The number, four letters, of the lock that every writing unit shares on PostgreSQL; nobody ever has it alone."""


class Turn(IntEnum):
    """What is done by one transaction at a time; the numbers are those of PostgreSQL's advisory locks, four letters each."""

    PAPERS = 0x62_69_62_6C
    """Papers are made and merged: two harvests that meet a new paper would both make it."""
    RANKINGS = 0x72_61_6E_6B
    """Models are kept and chosen: two people who learn from the same verdicts would both store the same."""
    ASKING = 0x61_73_6B_73
    """Campaigns are made and letters queued: two drafts would list the same projects, two runs queue the same reminder."""
    REPORTS = 0x72_65_70_6F
    """Reports are frozen: two schedulers would both make the yearly one."""


def take_turn(session: Session, turn: Turn) -> None:
    """Wait until no other transaction has this turn, and have it until this one ends. SQLite's one writer has them all."""
    connection = session.connection()  # on SQLite a transaction that has begun is the turn
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(int(turn))))


def mark_writer(session: Session) -> None:
    """Begin this unit's transaction and let others see that it writes. On SQLite that is having the writer's place."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(WRITING)))


def writers(session: Session) -> frozenset[str]:
    """Return the transactions that write at this moment; none on SQLite, where who reads after a writer has it all.

    A transaction that is missing in a later answer has ended.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return frozenset()
    return frozenset(connection.execute(_WRITERS, {"lock": WRITING}).scalars())


_WRITERS = sa.text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock "
    "AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def see_one_moment(session: Session) -> None:
    """Let all that this unit reads be as it is stored when it begins, whoever writes meanwhile. Ask before it reads."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
