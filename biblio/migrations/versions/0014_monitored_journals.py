"""Monitored journals, and suggestions of journals

Revision: 0014; follows 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("folded", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("first_seen_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("folded", name=op.f("uq_journal_folded")),
        sa.UniqueConstraint("name", name=op.f("uq_journal_name")),
    )
    op.create_table(
        "journal_coverage",
        sa.Column("bibstem", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("complete_until", sa.Date(), nullable=True),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("counted_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bibstem", name=op.f("pk_journal_coverage")),
    )
    op.create_table(
        "journal_suggestion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("folded", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column(
            "origin",
            sa.Enum("questionnaire", "papers", "person", name="suggestion_origin", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "accepted", "refused", name="suggestion_state", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        sa.Column("handled_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("journal_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["handled_by_id"], ["user_account.id"], name=op.f("fk_journal_suggestion_handled_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_journal_suggestion_journal_id_journal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_suggestion")),
    )
    with op.batch_alter_table("journal_suggestion") as batch:
        batch.create_index(batch.f("ix_journal_suggestion_state"), ["state"])
        batch.create_index(
            "uq_journal_suggestion_waiting",
            ["folded"],
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "journal_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_journal_watch_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_journal_watch_journal_id_journal")),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["user_account.id"], name=op.f("fk_journal_watch_made_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_watch")),
    )
    with op.batch_alter_table("journal_watch") as batch:
        batch.create_index(batch.f("ix_journal_watch_journal_id"), ["journal_id"])
        batch.create_index(
            "uq_journal_watch_live",
            ["journal_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("journal_watch") as batch:
        batch.drop_index(
            "uq_journal_watch_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch.drop_index(batch.f("ix_journal_watch_journal_id"))

    op.drop_table("journal_watch")
    with op.batch_alter_table("journal_suggestion") as batch:
        batch.drop_index(
            "uq_journal_suggestion_waiting",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch.drop_index(batch.f("ix_journal_suggestion_state"))

    op.drop_table("journal_suggestion")
    op.drop_table("journal_coverage")
    op.drop_table("journal")
