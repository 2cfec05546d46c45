"""Taking turns: what two transactions must not do at the same moment, because each would do what the other does."""

from __future__ import annotations

from enum import IntEnum

import sqlalchemy as sa
from sqlmodel import Session


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
