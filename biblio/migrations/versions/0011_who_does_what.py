"""Claims, libraries' rules and assignments, second readings, escalations

Revision: 0011; follows 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("claimed_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("until", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column(
            "end",
            sa.Enum("released", "decided", "lapsed", "handed_over", name="claim_end", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_claim_ended_by_id_user_account")),
        sa.ForeignKeyConstraint(["given_by_id"], ["user_account.id"], name=op.f("fk_claim_given_by_id_user_account")),
        sa.ForeignKeyConstraint(["holder_id"], ["user_account.id"], name=op.f("fk_claim_holder_id_user_account")),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_claim_paper_id_paper")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    with op.batch_alter_table("claim") as batch:
        batch.create_index(batch.f("ix_claim_holder_id"), ["holder_id"])
        batch.create_index(batch.f("ix_claim_paper_id"), ["paper_id"])
        batch.create_index(
            "uq_claim_live",
            ["paper_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "library_assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("library", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_library_assignment_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["user_account.id"], name=op.f("fk_library_assignment_made_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_library_assignment_paper_id_paper")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_assignment")),
    )
    with op.batch_alter_table("library_assignment") as batch:
        batch.create_index(batch.f("ix_library_assignment_paper_id"), ["paper_id"])
        batch.create_index(
            "uq_library_assignment_live",
            ["paper_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "library_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("journal", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_library_rule_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["user_account.id"], name=op.f("fk_library_rule_made_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_rule")),
    )
    with op.batch_alter_table("library_rule") as batch:
        batch.create_index(
            "uq_library_rule_live",
            ["journal", "source"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "second_reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("first_reader_id", sa.Integer(), nullable=False),
        sa.Column(
            "first_relation",
            sa.Enum(
                "science",
                "data_influenced",
                "mention",
                "engineering",
                "not_ours",
                name="first_relation",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("drawn_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("second_reader_id", sa.Integer(), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum("accept", "reject", "unsure", name="verdict", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column(
            "relation",
            sa.Enum(
                "science",
                "data_influenced",
                "mention",
                "engineering",
                "not_ours",
                name="relation",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("shown_for_s", sa.Float(), nullable=True),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_second_reading_decision_id_decision")),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user_account.id"], name=op.f("fk_second_reading_ended_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["first_reader_id"], ["user_account.id"], name=op.f("fk_second_reading_first_reader_id_user_account")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_second_reading_paper_id_paper")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_second_reading_project_id_project")),
        sa.ForeignKeyConstraint(
            ["second_reader_id"], ["user_account.id"], name=op.f("fk_second_reading_second_reader_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_reading")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_second_reading_decision_id")),
    )
    with op.batch_alter_table("second_reading") as batch:
        batch.create_index("ix_second_reading_open", ["ended_at", "paper_id"])
        batch.create_index(batch.f("ix_second_reading_paper_id"), ["paper_id"])
        batch.create_index(batch.f("ix_second_reading_project_id"), ["project_id"])

    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("second_reading_id", sa.Integer(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=True),
        sa.Column("raised_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_escalation_paper_id_paper")),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["user_account.id"], name=op.f("fk_escalation_raised_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["second_reading_id"], ["second_reading.id"], name=op.f("fk_escalation_second_reading_id_second_reading")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["user_account.id"], name=op.f("fk_escalation_settled_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
    )
    with op.batch_alter_table("escalation") as batch:
        batch.create_index(batch.f("ix_escalation_paper_id"), ["paper_id"])
        batch.create_index(
            "uq_escalation_live",
            ["paper_id"],
            unique=True,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("escalation") as batch:
        batch.drop_index(
            "uq_escalation_live",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )
        batch.drop_index(batch.f("ix_escalation_paper_id"))

    op.drop_table("escalation")
    with op.batch_alter_table("second_reading") as batch:
        batch.drop_index(batch.f("ix_second_reading_project_id"))
        batch.drop_index(batch.f("ix_second_reading_paper_id"))
        batch.drop_index("ix_second_reading_open")

    op.drop_table("second_reading")
    with op.batch_alter_table("library_rule") as batch:
        batch.drop_index(
            "uq_library_rule_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("library_rule")
    with op.batch_alter_table("library_assignment") as batch:
        batch.drop_index(
            "uq_library_assignment_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch.drop_index(batch.f("ix_library_assignment_paper_id"))

    op.drop_table("library_assignment")
    with op.batch_alter_table("claim") as batch:
        batch.drop_index(
            "uq_claim_live", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch.drop_index(batch.f("ix_claim_paper_id"))
        batch.drop_index(batch.f("ix_claim_holder_id"))

    op.drop_table("claim")
