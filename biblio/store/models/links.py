"""Candidates that the machine proposes, decisions that people take, and the links that follow from them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, live_index, moment
from biblio.store.words import Band, RelationKind, Verdict


class Candidate(SQLModel, table=True):
    """A proposed link of one paper and one project. ``look_again``: new evidence came after a person had judged."""

    __tablename__ = "candidate"
    __table_args__ = (sa.UniqueConstraint("paper_id", "project_id"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    first_suggested_at: datetime = Field(sa_column=moment())
    look_again: bool = False


class CandidateRevision(SQLModel, table=True):
    """What the machine thought of a candidate from ``suggested_at`` on: score 0–1, band, and the evidence below.

    ``model_version`` None: the profile's weights gave the score.
    """

    __tablename__ = "candidate_revision"
    __table_args__ = (
        live_index("uq_candidate_revision_current", "candidate_id", where="superseded_at IS NULL"),
        sa.CheckConstraint("score >= 0 AND score <= 1", "score_range"),
    )
    id: int | None = Field(default=None, primary_key=True)
    candidate_id: int = Field(foreign_key="candidate.id", index=True)
    score: float
    band: Band = Field(sa_column=choice(Band, name="band", index=True))
    digest: str = Field(max_length=64)
    rules_digest: str = Field(max_length=64)
    model_version: str | None = Field(default=None, max_length=64)
    feature_version: str | None = Field(default=None, max_length=32)
    """Which features were read (``matching.ranking.feature_version``); None for what was stored before it was noted."""
    suggested_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class EvidenceItem(SQLModel, table=True):
    """One reason for (or against) a candidate: its share of the log-odds, a sentence, and the quote it rests on.

    ``start``/``end`` count code points in ``part``; ``context`` is the passage kept around the quote, which begins at
    ``context_start`` in ``part``.
    """

    __tablename__ = "evidence_item"
    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="candidate_revision.id", index=True)
    ordinal: int
    kind: str = Field(max_length=32)
    value: str
    contribution: float
    sentence: str
    quote: str | None = None
    part: str | None = None
    page: int | None = None
    stands_in: str | None = Field(default=None, max_length=32)
    start: int | None = None
    end: int | None = None
    context: str | None = None
    context_start: int | None = None
    line: int | None = None
    """Line of ``part`` in which the quote begins, from 1; None: the text has pages, is a record's, or it was not noted."""


class Decision(SQLModel, table=True):
    """One act of a person at the desk; never edited. Without a verdict an earlier decision was undone."""

    __tablename__ = "decision"
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    actor_id: int = Field(foreign_key="user_account.id", index=True)
    made_at: datetime = Field(sa_column=moment(index=True))
    verdict: Verdict | None = Field(default=None, sa_column=choice(Verdict, name="verdict", nullable=True))
    relation: RelationKind | None = Field(default=None, sa_column=choice(RelationKind, name="relation", nullable=True))
    reason: str = ""
    candidate_revision_id: int | None = Field(default=None, foreign_key="candidate_revision.id")
    undoes_id: int | None = Field(default=None, foreign_key="decision.id")
    shown_for_s: float | None = None
    """Seconds the paper was on the screen before the decision; never shown by name."""
    seen_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """What was read and recorded of the paper until then had been matched when this was decided; None: not noted."""


class Link(SQLModel, table=True):
    """The verdict in force for a paper and a project, from ``decided_at`` until ``ended_at`` (open: now)."""

    __tablename__ = "link"
    __table_args__ = (live_index("uq_link_live", "paper_id", "project_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    verdict: Verdict = Field(sa_column=choice(Verdict, name="verdict", index=True))
    decision_id: int = Field(foreign_key="decision.id")
    version: int = 1
    decided_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class PaperRelation(SQLModel, table=True):
    """How a paper relates to the observatory, as a person judged, from ``decided_at`` until ``ended_at``."""

    __tablename__ = "paper_relation"
    __table_args__ = (live_index("uq_paper_relation_live", "paper_id", where="ended_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    relation: RelationKind = Field(sa_column=choice(RelationKind, name="relation", index=True))
    actor_id: int = Field(foreign_key="user_account.id")
    decision_id: int | None = Field(default=None, foreign_key="decision.id")
    reason: str = ""
    decided_at: datetime = Field(sa_column=moment(index=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    seen_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """As in ``Decision``."""
