"""What each place and each page of a harvest belongs to, and what a reading under way has given

Revision: 0006; follows 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    with op.batch_alter_table("harvest_cursor") as batch:
        batch.add_column(sa.Column("asked_for", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("tally", sa.JSON(), nullable=True))
    with op.batch_alter_table("harvest_page") as batch:
        batch.add_column(sa.Column("asked_for", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("harvest_page") as batch:
        batch.drop_column("asked_for")
    with op.batch_alter_table("harvest_cursor") as batch:
        batch.drop_column("tally")
        batch.drop_column("asked_for")
