"""What the machine learned: models that rank candidates, which of them is in force, and trials of what would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, json_column, live_index, moment
from biblio.store.words import ModelFinding, TrialState


class RankingModel(SQLModel, table=True):
    """A model fitted to verdicts, as text that can be read and compared (``matching.trees.Model.text``); never edited.

    ``version`` is the hash of its numbers. It reads features of ``feature_version`` under rules whose weights have the
    hash ``rules_digest``, those it was last fitted with; under others its numbers mean nothing. ``learned_from`` counts what it was fitted to.
    """

    __tablename__ = "ranking_model"
    id: int | None = Field(default=None, primary_key=True)
    version: str = Field(unique=True, max_length=64)
    text: str
    feature_version: str = Field(max_length=32)
    rules_digest: str = Field(max_length=64)
    learned_from: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    fitted_at: datetime = Field(sa_column=moment())
    fitted_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    """Who had it fitted; None where nobody was named."""


class RankingMeasure(SQLModel, table=True):
    """How a model did on held-back papers beside what was in force then: one row per ``biblio learn``; never edited.

    ``against_id`` None: the profile's weights. ``before`` and ``after`` are ``matching.evaluation.Figures``, over the
    same papers. ``why`` says in a sentence what follows.
    """

    __tablename__ = "ranking_measure"
    id: int | None = Field(default=None, primary_key=True)
    model_id: int = Field(foreign_key="ranking_model.id", index=True)
    against_id: int | None = Field(default=None, foreign_key="ranking_model.id")
    finding: ModelFinding = Field(sa_column=choice(ModelFinding, name="model_finding"))
    why: str = ""
    before: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    after: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    measured_at: datetime = Field(sa_column=moment())
    measured_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class RankingChoice(SQLModel, table=True):
    """Which model ranks candidates, from ``chosen_at`` until ``ended_at`` (open: now); None: the profile's weights.

    Without any row the profile's weights rank. ``seat`` is always 1, so that one row at most can be in force.
    """

    __tablename__ = "ranking_choice"
    __table_args__ = (
        live_index("uq_ranking_choice_live", "seat", where="ended_at IS NULL"),
        sa.CheckConstraint("seat = 1", "one_seat"),
    )
    id: int | None = Field(default=None, primary_key=True)
    seat: int = 1
    model_id: int | None = Field(default=None, foreign_key="ranking_model.id", index=True)
    chosen_at: datetime = Field(sa_column=moment())
    chosen_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    reason: str = ""
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class RematchTrial(SQLModel, table=True):
    """A trial of a model or of new rules over all papers: what would change, before anything does.

    ``model_id`` None: the profile's weights. ``basis`` is the hash of what all papers were compared with
    (``World.digest``); a trial of another basis than today's is of no use any more.
    """

    __tablename__ = "rematch_trial"
    id: int | None = Field(default=None, primary_key=True)
    model_id: int | None = Field(default=None, foreign_key="ranking_model.id", index=True)
    basis: str = Field(max_length=64)
    state: TrialState = Field(sa_column=choice(TrialState, name="trial_state"))
    begun_at: datetime = Field(sa_column=moment())
    begun_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())


class TrialPaper(SQLModel, table=True):
    """What a trial would change of one paper's candidates. ``digest``: what the paper was matched with (``PaperMatch``)."""

    __tablename__ = "trial_paper"
    trial_id: int = Field(primary_key=True, foreign_key="rematch_trial.id")
    paper_id: int = Field(primary_key=True, foreign_key="paper.id", index=True)
    digest: str = Field(max_length=64)
    changes: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
