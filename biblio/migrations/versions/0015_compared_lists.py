"""Other lists to compare with ours

Revision: 0015; follows 0014.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "comparison_aside",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_name", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_comparison_aside_actor_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_comparison_aside_ended_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison_aside")),
    )
    with op.batch_alter_table("comparison_aside") as batch:
        batch.create_index(
            "uq_comparison_aside_live",
            ["list_name", "subject"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "comparison_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("origin", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("names_projects", sa.Boolean(), nullable=False),
        sa.Column("imported_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("imported_by_id", sa.Integer(), nullable=True),
        sa.Column("superseded_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["imported_by_id"], ["user_account.id"], name=op.f("fk_comparison_list_imported_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison_list")),
    )
    with op.batch_alter_table("comparison_list") as batch:
        batch.create_index(
            "uq_comparison_list_current",
            ["name"],
            unique=True,
            sqlite_where=sa.text("superseded_at IS NULL AND is_whole"),
            postgresql_where=sa.text("superseded_at IS NULL AND is_whole"),
        )

    op.create_table(
        "comparison_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("doi", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True),
        sa.Column("bibcode", sqlmodel.sql.sqltypes.AutoString(length=19), nullable=True),
        sa.Column("arxiv", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
        sa.Column("codes", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["comparison_list.id"], name=op.f("fk_comparison_row_list_id_comparison_list")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison_row")),
        sa.UniqueConstraint("list_id", "key", name=op.f("uq_comparison_row_list_id_key")),
    )
    with op.batch_alter_table("comparison_row") as batch:
        batch.create_index(batch.f("ix_comparison_row_list_id"), ["list_id"])


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("comparison_row") as batch:
        batch.drop_index(batch.f("ix_comparison_row_list_id"))

    op.drop_table("comparison_row")
    with op.batch_alter_table("comparison_list") as batch:
        batch.drop_index(
            "uq_comparison_list_current",
            sqlite_where=sa.text("superseded_at IS NULL AND is_whole"),
            postgresql_where=sa.text("superseded_at IS NULL AND is_whole"),
        )

    op.drop_table("comparison_list")
    with op.batch_alter_table("comparison_aside") as batch:
        batch.drop_index(
            "uq_comparison_aside_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("comparison_aside")
