"""What the desk's queue sorts and filters by besides: library, language, dates, escalation

Revision: 0010; follows 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    with op.batch_alter_table("desk_item") as batch:
        batch.add_column(sa.Column("library", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
        batch.add_column(sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=True))
        batch.add_column(sa.Column("published_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("press_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("is_escalated", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.create_index("ix_desk_item_library", ["is_shown", "library"])

    with op.batch_alter_table("desk_item") as batch:
        batch.alter_column("is_escalated", server_default=None)


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("desk_item") as batch:
        batch.drop_index("ix_desk_item_library")
        batch.drop_column("is_escalated")
        batch.drop_column("press_on")
        batch.drop_column("published_on")
        batch.drop_column("language")
        batch.drop_column("library")
