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
    op.create_table(
        "desk_tally",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facet", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column("value", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_tally")),
    )
    with op.batch_alter_table("desk_item") as batch:
        batch.add_column(sa.Column("library", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
        batch.add_column(sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=True))
        batch.add_column(sa.Column("published_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("press_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("is_escalated", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.drop_index(batch.f("ix_desk_item_band"))
        batch.create_index("ix_desk_item_band", ["is_shown", "band", "rank", "doubt", "waiting_since", "paper_id"])
        batch.drop_index(batch.f("ix_desk_item_journal"))
        batch.create_index(
            "ix_desk_item_journal", ["is_shown", "journal", "rank", "doubt", "waiting_since", "paper_id"]
        )
        batch.drop_index(batch.f("ix_desk_item_press"))
        batch.create_index(
            "ix_desk_item_press", ["is_shown", "is_at_press", "rank", "doubt", "waiting_since", "paper_id"]
        )
        batch.drop_index(batch.f("ix_desk_item_source"))
        batch.create_index("ix_desk_item_source", ["is_shown", "source", "rank", "doubt", "waiting_since", "paper_id"])
        batch.create_index("ix_desk_item_cycle", ["is_shown", "cycle", "rank", "doubt", "waiting_since", "paper_id"])
        batch.create_index(
            "ix_desk_item_escalated", ["is_shown", "is_escalated", "rank", "doubt", "waiting_since", "paper_id"]
        )
        batch.create_index(
            "ix_desk_item_filters",
            [
                "is_shown",
                "library",
                "band",
                "has_text",
                "source",
                "journal",
                "cycle",
                "year",
                "language",
                "is_at_press",
                "is_escalated",
                "look_again",
                "why",
                "published_on",
                "rank",
                "doubt",
                "waiting_since",
                "paper_id",
            ],
        )
        batch.create_index(
            "ix_desk_item_language", ["is_shown", "language", "rank", "doubt", "waiting_since", "paper_id"]
        )
        batch.create_index(
            "ix_desk_item_library", ["is_shown", "library", "rank", "doubt", "waiting_since", "paper_id"]
        )
        batch.create_index("ix_desk_item_press_on", ["is_shown", "press_on", "paper_id"])
        batch.create_index("ix_desk_item_waiting", ["is_shown", "waiting_since", "paper_id"])
        batch.create_index("ix_desk_item_year", ["is_shown", "year", "rank", "doubt", "waiting_since", "paper_id"])

    with op.batch_alter_table("desk_item") as batch:
        batch.alter_column("is_escalated", server_default=None)
    _count()


def _count() -> None:
    """Count what waits, as ``biblio.verify.queue.tally`` goes on to do; libraries and languages come with the next match."""
    columns = {
        "all": "CASE WHEN is_shown THEN '' END",
        "band": "band",
        "why": "why",
        "source": "source",
        "journal": "journal",
        "cycle": "cycle",
        "year": "CAST(year AS VARCHAR)",
        "press": "CASE WHEN is_at_press THEN 'yes' END",
    }
    for facet, value in columns.items():
        op.execute(
            f"INSERT INTO desk_tally (facet, value, papers) SELECT '{facet}', {value}, count(*) FROM desk_item "  # noqa: S608 - words of our own
            f"WHERE is_shown AND {value} IS NOT NULL GROUP BY {value}"
        )
    op.execute(
        "INSERT INTO desk_tally (facet, value, papers) SELECT 'sample', '', count(*) FROM desk_item "
        "WHERE NOT is_shown AND lot < 0.05 AND why <> 'unsure'"
    )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("desk_item") as batch:
        batch.drop_index("ix_desk_item_year")
        batch.drop_index("ix_desk_item_waiting")
        batch.drop_index("ix_desk_item_press_on")
        batch.drop_index("ix_desk_item_library")
        batch.drop_index("ix_desk_item_language")
        batch.drop_index("ix_desk_item_filters")
        batch.drop_index("ix_desk_item_escalated")
        batch.drop_index("ix_desk_item_cycle")
        batch.drop_index("ix_desk_item_source")
        batch.create_index(batch.f("ix_desk_item_source"), ["is_shown", "source"])
        batch.drop_index("ix_desk_item_press")
        batch.create_index(batch.f("ix_desk_item_press"), ["is_shown", "is_at_press"])
        batch.drop_index("ix_desk_item_journal")
        batch.create_index(batch.f("ix_desk_item_journal"), ["is_shown", "journal"])
        batch.drop_index("ix_desk_item_band")
        batch.create_index(batch.f("ix_desk_item_band"), ["is_shown", "band"])
        batch.drop_column("is_escalated")
        batch.drop_column("press_on")
        batch.drop_column("published_on")
        batch.drop_column("language")
        batch.drop_column("library")

    op.drop_table("desk_tally")
