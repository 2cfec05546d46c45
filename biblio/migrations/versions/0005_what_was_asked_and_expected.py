"""What was asked of each service and day, what it says it has, how far a running job is; one index less

Revision: 0005; follows 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "request_count",
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("endpoint", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("service", "endpoint", "day", name=op.f("pk_request_count")),
    )
    op.create_table(
        "expected_count",
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("part", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "part", "year", name=op.f("pk_expected_count")),
    )
    with op.batch_alter_table("job_run") as batch:
        batch.add_column(sa.Column("progress", sa.JSON(), nullable=True))
    with op.batch_alter_table("harvest_page") as batch:
        batch.add_column(sa.Column("next_cursor", sa.JSON(), nullable=True))
    # The unique index over revision and position begins with the same column; two cost every author a second insert.
    op.drop_index("ix_paper_author_revision_id", "paper_author")


def downgrade() -> None:
    """Take the change back."""
    op.create_index("ix_paper_author_revision_id", "paper_author", ["revision_id"])
    with op.batch_alter_table("harvest_page") as batch:
        batch.drop_column("next_cursor")
    with op.batch_alter_table("job_run") as batch:
        batch.drop_column("progress")
    op.drop_table("expected_count")
    op.drop_table("request_count")
