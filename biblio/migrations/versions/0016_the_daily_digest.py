"""Whether a person wants the daily digest mail

Revision: 0016; follows 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("wants_digest", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("user_account") as batch:
        batch.alter_column("wants_digest", server_default=None)


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("user_account") as batch:
        batch.drop_column("wants_digest")
