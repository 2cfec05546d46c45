"""What was overwritten keeps a history: when second readings were called off, and which paper had an identifier

Revision: 0022; follows 0021.

Both are filled with what is known of before. The audit log has each reading that was called off and resumed; its
entries stay, and are told no second time. Of an identifier that went along with a record that was split off, the paper
is known that this record was filed under; another one of its group may have had it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import biblio.store.types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

PAUSE, MOVE = "second_reading_pause", "paper_identifier_move"


def upgrade() -> None:
    """Change the schema to this revision."""
    pauses = op.create_table(
        PAUSE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("called_off_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("called_off_by_id", sa.Integer(), nullable=True),
        sa.Column("resumed_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("resumed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["second_reading.id"], name=op.f("fk_second_reading_pause_reading_id_second_reading")
        ),
        sa.ForeignKeyConstraint(
            ["called_off_by_id"],
            ["user_account.id"],
            name=op.f("fk_second_reading_pause_called_off_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["resumed_by_id"], ["user_account.id"], name=op.f("fk_second_reading_pause_resumed_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_reading_pause")),
    )
    op.create_index(op.f("ix_second_reading_pause_reading_id"), PAUSE, ["reading_id"])
    moves = op.create_table(
        MOVE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identifier_id", sa.Integer(), nullable=False),
        sa.Column("from_paper_id", sa.Integer(), nullable=False),
        sa.Column("moved_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["paper_identifier.id"],
            name=op.f("fk_paper_identifier_move_identifier_id_paper_identifier"),
        ),
        sa.ForeignKeyConstraint(
            ["from_paper_id"], ["paper.id"], name=op.f("fk_paper_identifier_move_from_paper_id_paper")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_identifier_move")),
    )
    op.create_index(op.f("ix_paper_identifier_move_identifier_id"), MOVE, ["identifier_id"])
    op.create_index(op.f("ix_paper_identifier_move_from_paper_id"), MOVE, ["from_paper_id"])
    for table, rows in ((pauses, _pauses()), (moves, _moves())):
        if rows:
            op.bulk_insert(table, rows)


def _table(name: str, *columns: str, **typed: Any) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns), *(sa.column(key, kind) for key, kind in typed.items()))


def _pauses() -> list[dict[str, Any]]:
    """Return when readings were called off until they were resumed, as the audit log has it."""
    moment = biblio.store.types.UTCDateTime()
    act = _table("audit_entry", "id", "action", "actor_id", made_at=moment, details=sa.JSON())
    reading = _table("second_reading", "id", "decision_id")
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(act.c.action, act.c.made_at, act.c.actor_id, act.c.details)
        .where(act.c.action.in_(("second_reading.called_off", "second_reading.resumed")))
        .order_by(act.c.id)
    ).all()
    readings = dict(connection.execute(sa.select(reading.c.decision_id, reading.c.id)).all()) if rows else {}
    called_off: dict[int, tuple[Any, Any]] = {}
    found = []
    for action, at, who, details in rows:
        number = readings.get(details.get("decision"))
        if number is None:
            continue
        if action == "second_reading.called_off":
            called_off[number] = at, who
        elif number in called_off:
            since, by = called_off.pop(number)
            found.append(
                {
                    "reading_id": number,
                    "called_off_at": since,
                    "called_off_by_id": by,
                    "resumed_at": at,
                    "resumed_by_id": who,
                }
            )
    return found


def _moves() -> list[dict[str, Any]]:
    """Return from where identifiers went along when papers were split off: such a paper began with its split."""
    moment = biblio.store.types.UTCDateTime()
    merge = _table("paper_merge", "merged_id", "kept_id", made_at=moment, undone_at=moment)
    paper = _table("paper", "id", first_seen_at=moment)
    named = _table("paper_identifier", "id", "paper_id", learned_at=moment)
    connection = op.get_bind()
    splits = connection.execute(
        sa.select(merge.c.merged_id, merge.c.kept_id, merge.c.made_at)
        .join(paper, sa.and_(paper.c.id == merge.c.merged_id, paper.c.first_seen_at == merge.c.made_at))
        .where(merge.c.undone_at == merge.c.made_at)
    ).all()
    before = {new: (_filed_under(connection, new, at) or kept, at) for new, kept, at in splits}
    found = []
    for new in before:
        known = sa.select(named.c.id, named.c.learned_at).where(named.c.paper_id == new).order_by(named.c.id)
        for number, learned_at in connection.execute(known).all():
            holder = new
            while holder in before and learned_at < before[holder][1]:
                holder, at = before[holder]
                found.append({"identifier_id": number, "from_paper_id": holder, "moved_at": at})
    return found


def _filed_under(connection: sa.Connection, new: int, at: Any) -> int | None:
    """Return the paper that a record was filed under before it was split off at this moment."""
    moment = biblio.store.types.UTCDateTime()
    columns = ("paper_id", "source", "key")
    old = _table("source_record", *columns, superseded_at=moment).alias("old")
    its = _table("source_record", *columns, learned_at=moment).alias("its")
    paper: int | None = connection.execute(
        sa.select(sa.func.min(old.c.paper_id))
        .select_from(its)
        .join(old, sa.and_(old.c.source == its.c.source, old.c.key == its.c.key))
        .where(its.c.paper_id == new, its.c.learned_at == at, old.c.superseded_at == at, old.c.paper_id != new)
    ).scalar()
    return paper


def downgrade() -> None:
    """Take the change back. What was overwritten since 0022 is known no more."""
    op.drop_table(MOVE)
    op.drop_table(PAUSE)
