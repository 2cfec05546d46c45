"""Letters to authors before an article goes to press

Revision: 0013; follows 0012.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "press_median",
        sa.Column("begins", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column("journal", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("counted_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("begins", "journal", name=op.f("pk_press_median")),
    )
    op.create_table(
        "contact_case",
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("standing", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column(
            "fault",
            sa.Enum("no_statement", "no_code", "wrong_code", name="contact_fault", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("journal", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
        sa.Column("press_on", sa.Date(), nullable=True),
        sa.Column("press_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("is_judged", sa.Boolean(), nullable=False),
        sa.Column("looked_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_contact_case_paper_id_paper")),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_contact_case")),
    )
    with op.batch_alter_table("contact_case") as batch:
        batch.create_index("ix_contact_case_standing", ["standing", "press_on", "paper_id"])

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column(
            "fault",
            sa.Enum("no_statement", "no_code", "wrong_code", name="contact_fault", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("codes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("recipient", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=254), nullable=False),
        sa.Column("email_from", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "prepared",
                "sent",
                "answered",
                "bounced",
                "mended",
                "ended",
                "withdrawn",
                name="contact_state",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("arxiv_version", sa.Integer(), nullable=True),
        sa.Column("reading_id", sa.Integer(), nullable=True),
        sa.Column("outbox_mail_id", sa.Integer(), nullable=True),
        sa.Column("made_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("mended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("mended_in", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by_id"], ["user_account.id"], name=op.f("fk_contact_made_by_id_user_account")),
        sa.ForeignKeyConstraint(
            ["outbox_mail_id"], ["outbox_mail.id"], name=op.f("fk_contact_outbox_mail_id_outbox_mail")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_contact_paper_id_paper")),
        sa.ForeignKeyConstraint(["reading_id"], ["text_reading.id"], name=op.f("fk_contact_reading_id_text_reading")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact") as batch:
        batch.create_index(batch.f("ix_contact_outbox_mail_id"), ["outbox_mail_id"])
        batch.create_index(batch.f("ix_contact_paper_id"), ["paper_id"])
        batch.create_index(batch.f("ix_contact_state"), ["state"])
        batch.create_index(
            "uq_contact_fault",
            ["paper_id", "fault", "email"],
            unique=True,
            sqlite_where=sa.text("state <> 'withdrawn'"),
            postgresql_where=sa.text("state <> 'withdrawn'"),
        )
        batch.create_index(
            "uq_contact_open",
            ["email"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "text_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=254), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("is_marked", sa.Boolean(), nullable=False),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["reading_id"], ["text_reading.id"], name=op.f("fk_text_address_reading_id_text_reading")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_address")),
    )
    with op.batch_alter_table("text_address") as batch:
        batch.create_index(batch.f("ix_text_address_reading_id"), ["reading_id"])

    op.create_table(
        "contact_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "prepared",
                "sent",
                "answered",
                "bounced",
                "mended",
                "ended",
                "withdrawn",
                name="contact_state",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("words", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_contact_event_actor_id_user_account")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_event_contact_id_contact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_event")),
    )
    with op.batch_alter_table("contact_event") as batch:
        batch.create_index(batch.f("ix_contact_event_contact_id"), ["contact_id"])

    with op.batch_alter_table("text_reading") as batch:
        batch.add_column(sa.Column("unread_parts", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("text_reading") as batch:
        batch.drop_column("unread_parts")

    with op.batch_alter_table("contact_event") as batch:
        batch.drop_index(batch.f("ix_contact_event_contact_id"))

    op.drop_table("contact_event")
    with op.batch_alter_table("text_address") as batch:
        batch.drop_index(batch.f("ix_text_address_reading_id"))

    op.drop_table("text_address")
    with op.batch_alter_table("contact") as batch:
        batch.drop_index(
            "uq_contact_open", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch.drop_index(
            "uq_contact_fault",
            sqlite_where=sa.text("state <> 'withdrawn'"),
            postgresql_where=sa.text("state <> 'withdrawn'"),
        )
        batch.drop_index(batch.f("ix_contact_state"))
        batch.drop_index(batch.f("ix_contact_paper_id"))
        batch.drop_index(batch.f("ix_contact_outbox_mail_id"))

    op.drop_table("contact")
    with op.batch_alter_table("contact_case") as batch:
        batch.drop_index("ix_contact_case_standing")

    op.drop_table("contact_case")
    op.drop_table("press_median")
