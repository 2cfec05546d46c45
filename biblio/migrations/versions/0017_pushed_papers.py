"""Which papers were put into a library of ADS

Revision: 0017; follows 0016.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "library_push",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("bibcode", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("job_run_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ending", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=True),
        sa.ForeignKeyConstraint(["job_run_id"], ["job_run.id"], name=op.f("fk_library_push_job_run_id_job_run")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_library_push_paper_id_paper")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_push")),
    )
    with op.batch_alter_table("library_push") as batch:
        batch.create_index(batch.f("ix_library_push_job_run_id"), ["job_run_id"])
        batch.create_index(batch.f("ix_library_push_paper_id"), ["paper_id"])
        batch.create_index(
            "uq_library_push_live",
            ["library", "bibcode"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("library_push") as batch:
        batch.drop_index(
            "uq_library_push_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch.drop_index(batch.f("ix_library_push_paper_id"))
        batch.drop_index(batch.f("ix_library_push_job_run_id"))

    op.drop_table("library_push")
