"""Snapshots hold the whole report: its document, who froze it and with what; they cannot be changed or deleted

Revision: 0020; follows 0019.

Snapshots of before keep their figures and have no document. Those that this revision was taken back from have theirs no
more either; which recipe and period they were made for is read again from the audit log, which keeps it: without these
marks the job would make and mail each recipe's newest report a second time. A later migration that copies ``report_snapshot`` on SQLite
(a batch) loses its triggers and must make them anew.
"""

from __future__ import annotations

from typing import Any

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
    _mark_again()
    _guard()


def _mark_again() -> None:
    """Give snapshots that were frozen before a downgrade their maker, recipe and period back."""
    connection = op.get_bind()
    kept = sa.table(TABLE, sa.column("id"), sa.column("made_by_id"), sa.column("recipe"), sa.column("period"))
    acts = sa.table(
        "audit_entry", sa.column("id"), sa.column("actor_id"), sa.column("action"), sa.column("subject"),
        sa.column("details", sa.JSON()),
    )  # fmt: skip
    frozen = sa.select(acts.c.subject, acts.c.actor_id, acts.c.details).where(acts.c.action == "report.frozen")
    for subject, actor, details in connection.execute(frozen.order_by(acts.c.id)).all():
        marks = {"made_by_id": actor, "recipe": details.get("recipe"), "period": details.get("period")}
        number = subject.removeprefix("snapshot ")
        if number.isdecimal() and not (marks["recipe"] and _is_marked(connection, kept, marks)):
            connection.execute(sa.update(kept).where(kept.c.id == int(number)).values(marks))


def _is_marked(connection: sa.Connection, kept: sa.TableClause, marks: dict[str, Any]) -> bool:
    same = sa.select(kept.c.id).where(kept.c.recipe == marks["recipe"], kept.c.period == marks["period"])
    return connection.execute(same).first() is not None


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
    """Take the change back. Snapshots stay with their figures; their documents, which the old schema has no place for, go.

    So do their recipes' marks, which the audit log has too: an upgrade finds them there.
    """
    _unguard()
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_index("uq_report_snapshot_recipe")
        batch.drop_constraint(batch.f("fk_report_snapshot_made_by_id_user_account"), type_="foreignkey")
        for column in (
            "made_by_id", "recipe", "period", "version", "profile_hash", "sha256", "document", "undecided",
        ):  # fmt: skip
            batch.drop_column(column)
