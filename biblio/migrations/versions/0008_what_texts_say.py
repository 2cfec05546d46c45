"""What full texts say of the observatory: phrases of use and mention kept as quotes

Revision: 0008; follows 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision. Texts read before keep no phrases: their digest stays empty."""
    op.create_table(
        "text_phrase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("part", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("printed", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("stands_in", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("context", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("context_start", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["text_reading.id"], name=op.f("fk_text_phrase_reading_id_text_reading")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_phrase")),
    )
    op.create_index(op.f("ix_text_phrase_reading_id"), "text_phrase", ["reading_id"])
    with op.batch_alter_table("text_reading") as batch:
        batch.add_column(sa.Column("phrases_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
        batch.add_column(sa.Column("named", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("text_reading") as batch:
        batch.drop_column("named")
        batch.drop_column("phrases_digest")
    op.drop_index(op.f("ix_text_phrase_reading_id"), table_name="text_phrase")
    op.drop_table("text_phrase")
