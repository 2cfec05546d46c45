"""The bibliographies that list a paper stand beside its record, so that a report need not read a hundred thousand of them

Revision: 0021; follows 0020.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLE = "source_record"
LONGEST = 600

FILL = {
    "sqlite": f"UPDATE {TABLE} SET bibgroups = substr(json_extract(record, '$.extra.bibgroups'), 1, {LONGEST}) "
    "WHERE source = 'ads'",
    "postgresql": f"UPDATE {TABLE} SET bibgroups = left(record #>> '{{extra,bibgroups}}', {LONGEST}) WHERE source = 'ads'",
}


def upgrade() -> None:
    """Change the schema to this revision."""
    op.add_column(TABLE, sa.Column("bibgroups", sqlmodel.sql.sqltypes.AutoString(length=LONGEST), nullable=True))
    op.execute(FILL[op.get_bind().dialect.name])
    op.create_index(
        "ix_source_record_bibgroups",
        TABLE,
        ["paper_id", "learned_at", "superseded_at", "bibgroups"],
        sqlite_where=sa.text("bibgroups IS NOT NULL"),
        postgresql_where=sa.text("bibgroups IS NOT NULL"),
    )


def downgrade() -> None:
    """Change the schema back."""
    op.drop_index("ix_source_record_bibgroups", TABLE)
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_column("bibgroups")
