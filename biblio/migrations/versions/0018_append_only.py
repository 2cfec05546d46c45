"""Decisions and audit entries cannot be changed or deleted; who ended what; papers that people ask for by number

Revision: 0018; follows 0017.

A later migration that copies ``decision`` or ``audit_entry`` on SQLite (a batch) loses their triggers and must make them
anew; a test asks for them at the newest schema.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ENDED_BY = {"paper_correction": "withdrawn_by_id", "survey_exclusion": "ended_by_id"}
"""Rows that people end, of which nobody kept who."""

READ_BY = (
    ("audit_entry", "ix_audit_entry_action", ["action", "made_at"]),
    ("claim", "ix_claim_claimed_at", ["claimed_at"]),
    ("claim", "ix_claim_ended_at", ["ended_at"]),
    ("paper_note", "ix_paper_note_made_at", ["made_at"]),
    ("paper_relation", "ix_paper_relation_decided_at", ["decided_at"]),
)
"""What the audit log is read by: the newest acts of long histories."""

KEPT = {"decision": "Decisions", "audit_entry": "Audit entries"}


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "wanted_paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "scheme", sa.Enum("doi", "bibcode", "arxiv", name="scheme", native_enum=False, length=32), nullable=False
        ),
        sa.Column("identifier", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "added", "refused", "dropped", name="wanted_state", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["user_account.id"], name=op.f("fk_wanted_paper_asked_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_wanted_paper_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_wanted_paper_paper_id_paper")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wanted_paper")),
    )
    with op.batch_alter_table("wanted_paper") as batch:
        batch.create_index(op.f("ix_wanted_paper_asked_at"), ["asked_at"])
        batch.create_index(op.f("ix_wanted_paper_paper_id"), ["paper_id"])
        batch.create_index(op.f("ix_wanted_paper_state"), ["state"])
        batch.create_index(
            "uq_wanted_paper_waiting",
            ["scheme", "identifier"],
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
    with op.batch_alter_table("paper_report") as batch:
        batch.add_column(sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))
    with op.batch_alter_table("paper_report") as batch:
        batch.alter_column("reason", server_default=None)
    for table, column in ENDED_BY.items():
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column(column, sa.Integer(), nullable=True))
            batch.create_foreign_key(batch.f(f"fk_{table}_{column}_user_account"), "user_account", [column], ["id"])
    for table, name, columns in READ_BY:
        op.create_index(name, table, columns, if_not_exists=True)
    guard()


def guard() -> None:
    """Let the database itself refuse what no part of biblio does."""
    if op.get_bind().dialect.name == "sqlite":
        for table, words in KEPT.items():
            for act in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{words} are never changed or deleted.'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION biblio_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'Rows of % are never changed or deleted.', TG_TABLE_NAME; END $$"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION biblio_append_only()"
        )


def unguard() -> None:
    """Take the triggers away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in KEPT:
            for act in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{act}")
        return
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION biblio_append_only()")


def downgrade() -> None:
    """Take the change back."""
    unguard()
    for table, name, _ in READ_BY:
        op.drop_index(name, table, if_exists=True)
    for table, column in ENDED_BY.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(batch.f(f"fk_{table}_{column}_user_account"), type_="foreignkey")
            batch.drop_column(column)
    with op.batch_alter_table("paper_report") as batch:
        batch.drop_column("reason")
    op.drop_table("wanted_paper")
