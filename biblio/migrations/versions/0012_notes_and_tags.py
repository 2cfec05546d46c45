"""Notes and tags on papers; the line of a quote, and what a decision had seen

Revision: 0012; follows 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "paper_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("removed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_paper_note_actor_id_user_account")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_note_paper_id_paper")),
        sa.ForeignKeyConstraint(
            ["removed_by_id"], ["user_account.id"], name=op.f("fk_paper_note_removed_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_note")),
    )
    with op.batch_alter_table("paper_note") as batch:
        batch.create_index(batch.f("ix_paper_note_paper_id"), ["paper_id"])

    op.create_table(
        "paper_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("tag", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("removed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_paper_tag_actor_id_user_account")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_tag_paper_id_paper")),
        sa.ForeignKeyConstraint(
            ["removed_by_id"], ["user_account.id"], name=op.f("fk_paper_tag_removed_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_tag")),
    )
    with op.batch_alter_table("paper_tag") as batch:
        batch.create_index(batch.f("ix_paper_tag_paper_id"), ["paper_id"])
        batch.create_index(batch.f("ix_paper_tag_tag"), ["tag"])
        batch.create_index(
            "uq_paper_tag_live",
            ["paper_id", "tag"],
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )

    with op.batch_alter_table("decision") as batch:
        batch.add_column(sa.Column("seen_until", biblio.store.types.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table("evidence_item") as batch:
        batch.add_column(sa.Column("line", sa.Integer(), nullable=True))

    with op.batch_alter_table("paper_relation") as batch:
        batch.add_column(sa.Column("seen_until", biblio.store.types.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table("text_mention") as batch:
        batch.add_column(sa.Column("line", sa.Integer(), nullable=True))

    with op.batch_alter_table("text_phrase") as batch:
        batch.add_column(sa.Column("line", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("text_phrase") as batch:
        batch.drop_column("line")

    with op.batch_alter_table("text_mention") as batch:
        batch.drop_column("line")

    with op.batch_alter_table("paper_relation") as batch:
        batch.drop_column("seen_until")

    with op.batch_alter_table("evidence_item") as batch:
        batch.drop_column("line")

    with op.batch_alter_table("decision") as batch:
        batch.drop_column("seen_until")

    with op.batch_alter_table("paper_tag") as batch:
        batch.drop_index(
            "uq_paper_tag_live",
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
        batch.drop_index(batch.f("ix_paper_tag_tag"))
        batch.drop_index(batch.f("ix_paper_tag_paper_id"))

    op.drop_table("paper_tag")
    with op.batch_alter_table("paper_note") as batch:
        batch.drop_index(batch.f("ix_paper_note_paper_id"))

    op.drop_table("paper_note")
