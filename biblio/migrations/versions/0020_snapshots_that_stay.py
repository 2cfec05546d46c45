"""Snapshots hold the whole report: its document, who froze it and with what; they cannot be changed or deleted

Revision: 0020; follows 0019.

Snapshots of before keep their figures and have no document. A later migration that copies ``report_snapshot`` on SQLite
(a batch) loses its triggers and must make them anew.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLE = "report_snapshot"


def upgrade() -> None:
    """Change the schema to this revision."""
    with op.batch_alter_table(TABLE) as batch:
        batch.add_column(sa.Column("made_by_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("recipe", _text(64), nullable=True))
        batch.add_column(sa.Column("period", _text(32), nullable=True))
        batch.add_column(sa.Column("version", _text(32), nullable=True))
        batch.add_column(sa.Column("profile_hash", _text(64), nullable=True))
        batch.add_column(sa.Column("sha256", _text(64), nullable=True))
        batch.add_column(sa.Column("document", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("undecided", sa.JSON(none_as_null=True), nullable=True))
        batch.create_foreign_key(
            batch.f("fk_report_snapshot_made_by_id_user_account"), "user_account", ["made_by_id"], ["id"]
        )
        batch.create_index(
            "uq_report_snapshot_recipe",
            ["recipe", "period"],
            unique=True,
            sqlite_where=sa.text("recipe IS NOT NULL"),
            postgresql_where=sa.text("recipe IS NOT NULL"),
        )
    _guard()


def _text(length: int) -> sqlmodel.sql.sqltypes.AutoString:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def _guard() -> None:
    """Let the database itself refuse what no part of biblio does."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE} "
                "BEGIN SELECT RAISE(ABORT, 'Snapshots are never changed or deleted.'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION biblio_append_only()"
    )


def _unguard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(f"DROP TRIGGER {TABLE}_no_{act}")
        return
    op.execute(f"DROP TRIGGER {TABLE}_append_only ON {TABLE}")


def downgrade() -> None:
    """Take the change back. Snapshots stay with their figures; their documents, which the old schema has no place for, go."""
    _unguard()
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_index("uq_report_snapshot_recipe")
        batch.drop_constraint(batch.f("fk_report_snapshot_made_by_id_user_account"), type_="foreignkey")
        for column in (
            "made_by_id", "recipe", "period", "version", "profile_hash", "sha256", "document", "undecided",
        ):  # fmt: skip
            batch.drop_column(column)
