"""Models that rank candidates, which is in force, trials of what would change; the versions behind each score

Revision: 0007; follows 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema to this revision."""
    op.create_table(
        "ranking_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("feature_version", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("rules_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("learned_from", sa.JSON(), nullable=False),
        sa.Column("fitted_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("fitted_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["fitted_by_id"], ["user_account.id"], name=op.f("fk_ranking_model_fitted_by_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_model")),
        sa.UniqueConstraint("version", name=op.f("uq_ranking_model_version")),
    )
    op.create_table(
        "ranking_measure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("against_id", sa.Integer(), nullable=True),
        sa.Column(
            "finding",
            sa.Enum("better", "not_better", "untold", name="model_finding", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("measured_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("measured_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["against_id"], ["ranking_model.id"], name=op.f("fk_ranking_measure_against_id_ranking_model")
        ),
        sa.ForeignKeyConstraint(
            ["measured_by_id"], ["user_account.id"], name=op.f("fk_ranking_measure_measured_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["ranking_model.id"], name=op.f("fk_ranking_measure_model_id_ranking_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_measure")),
    )
    op.create_index(op.f("ix_ranking_measure_model_id"), "ranking_measure", ["model_id"])
    op.create_table(
        "ranking_choice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("chosen_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("chosen_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("seat = 1", name=op.f("ck_ranking_choice_one_seat")),
        sa.ForeignKeyConstraint(
            ["chosen_by_id"], ["user_account.id"], name=op.f("fk_ranking_choice_chosen_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["ranking_model.id"], name=op.f("fk_ranking_choice_model_id_ranking_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_choice")),
    )
    op.create_index(op.f("ix_ranking_choice_model_id"), "ranking_choice", ["model_id"])
    op.create_index(
        "uq_ranking_choice_live",
        "ranking_choice",
        ["seat"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    _create_trials()
    with op.batch_alter_table("candidate_revision") as batch:
        batch.add_column(sa.Column("model_version", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
        batch.add_column(sa.Column("feature_version", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True))


def _create_trials() -> None:
    op.create_table(
        "rematch_trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("basis", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum("running", "ready", "applied", "dropped", name="trial_state", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("begun_at", biblio.store.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("begun_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", biblio.store.types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["begun_by_id"], ["user_account.id"], name=op.f("fk_rematch_trial_begun_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["ranking_model.id"], name=op.f("fk_rematch_trial_model_id_ranking_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rematch_trial")),
    )
    op.create_index(op.f("ix_rematch_trial_model_id"), "rematch_trial", ["model_id"])
    op.create_table(
        "trial_paper",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_trial_paper_paper_id_paper")),
        sa.ForeignKeyConstraint(["trial_id"], ["rematch_trial.id"], name=op.f("fk_trial_paper_trial_id_rematch_trial")),
        sa.PrimaryKeyConstraint("trial_id", "paper_id", name=op.f("pk_trial_paper")),
    )
    op.create_index(op.f("ix_trial_paper_paper_id"), "trial_paper", ["paper_id"])


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("candidate_revision") as batch:
        batch.drop_column("feature_version")
        batch.drop_column("model_version")
    op.drop_table("trial_paper")
    op.drop_table("rematch_trial")
    op.drop_table("ranking_choice")
    op.drop_table("ranking_measure")
    op.drop_table("ranking_model")
