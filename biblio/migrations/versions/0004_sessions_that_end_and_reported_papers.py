"""Sessions that end at once, and papers that somebody told us of

Revision: 0004; follows 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "paper_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "scheme", sa.Enum("doi", "bibcode", "arxiv", name="scheme", native_enum=False, length=32), nullable=False
        ),
        sa.Column("identifier", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("project_code", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "taken", "declined", name="report_state", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        sa.Column("handled_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["handled_by_id"], ["user_account.id"], name=op.f("fk_paper_report_handled_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_report")),
    )
    with op.batch_alter_table("paper_report") as batch:
        batch.create_index(op.f("ix_paper_report_made_at"), ["made_at"])
        batch.create_index(op.f("ix_paper_report_state"), ["state"])
        batch.create_index(
            "uq_paper_report_waiting",
            ["scheme", "identifier", "project_code"],
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
    # Accounts from before get one stamp for all: they hold no session that could outlive it.
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(
            sa.Column(
                "session_stamp", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False, server_default="none yet"
            )
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("user_account") as batch:
        batch.drop_column("session_stamp")
    op.drop_table("paper_report")
