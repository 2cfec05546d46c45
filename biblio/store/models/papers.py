"""Papers: identifiers, what every source said, what is shown and why, and what was read in their texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from biblio.store.types import choice, json_column, live_index, moment
from biblio.store.words import ReportState, Scheme, Verdict, WantedState


class Paper(SQLModel, table=True):
    """One paper; preprint and article are one. ``merged_into_id`` points to the paper that stands for this one."""

    __tablename__ = "paper"
    id: int | None = Field(default=None, primary_key=True)
    first_seen_at: datetime = Field(sa_column=moment())
    merged_into_id: int | None = Field(default=None, foreign_key="paper.id", index=True)


class PaperIdentifier(SQLModel, table=True):
    """One identifier of one paper, normalised: DOI lower-case, arXiv id without version."""

    __tablename__ = "paper_identifier"
    __table_args__ = (sa.UniqueConstraint("scheme", "value"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    scheme: Scheme = Field(sa_column=choice(Scheme, name="scheme"))
    value: str = Field(max_length=255)
    source: str = Field(max_length=32)
    learned_at: datetime = Field(sa_column=moment())


class PaperIdentifierMove(SQLModel, table=True):
    """An identifier went from one paper to another when a record was split off: until then ``from_paper_id`` had it."""

    __tablename__ = "paper_identifier_move"
    id: int | None = Field(default=None, primary_key=True)
    identifier_id: int = Field(foreign_key="paper_identifier.id", index=True)
    from_paper_id: int = Field(foreign_key="paper.id", index=True)
    moved_at: datetime = Field(sa_column=moment())


class SourceRecord(SQLModel, table=True):
    """What one source said of one paper, as parsed; superseded when the source says something else."""

    __tablename__ = "source_record"
    __table_args__ = (
        live_index("uq_source_record_current", "source", "key", where="superseded_at IS NULL"),
        sa.Index(
            "ix_source_record_bibgroups",
            *("paper_id", "learned_at", "superseded_at", "bibgroups"),
            sqlite_where=sa.text("bibgroups IS NOT NULL"),
            postgresql_where=sa.text("bibgroups IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    source: str = Field(max_length=32)
    key: str = Field(max_length=255, index=True)
    record: dict[str, Any] = Field(sa_column=json_column())
    digest: str = Field(max_length=64)
    payload_sha256: str | None = Field(default=None, foreign_key="payload.sha256")
    learned_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    bibgroups: str | None = Field(default=None, max_length=600)
    """The bibliographies in ADS that list the paper, joined by semicolons, as ``record`` has them: reports read these alone."""


class PaperRevision(SQLModel, table=True):
    """The values shown for a paper, chosen from its source records and a person's corrections by one rule.

    ``provenance`` says for each field which source (or "person") it is from. ``preprint_on`` is the day of the first
    preprint version; ``published_on`` the journal's date, to the precision given.
    """

    __tablename__ = "paper_revision"
    __table_args__ = (live_index("uq_paper_revision_current", "paper_id", where="superseded_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    learned_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    title: str | None = None
    abstract: str | None = None
    kind: str | None = Field(default=None, max_length=32)
    is_refereed: bool = False
    journal: str | None = None
    volume: str | None = Field(default=None, max_length=64)
    page: str | None = Field(default=None, max_length=64)
    year: int | None = Field(default=None, index=True)
    published_on: date | None = None
    published_precision: str | None = Field(default=None, max_length=8)
    preprint_on: date | None = None
    updated_on: date | None = None
    arxiv_version: int | None = None
    citation_count: int | None = None
    is_withdrawn: bool = False
    keywords: list[str] = Field(default_factory=list, sa_column=json_column())
    provenance: dict[str, str] = Field(default_factory=dict, sa_column=json_column())


class PaperAuthor(SQLModel, table=True):
    """One author of one revision, in printed order; ``position`` starts at 1."""

    __tablename__ = "paper_author"
    __table_args__ = (sa.UniqueConstraint("revision_id", "position"),)
    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="paper_revision.id")
    position: int
    name: str
    affiliation: str | None = None
    orcid: str | None = Field(default=None, max_length=19)


class PaperCorrection(SQLModel, table=True):
    """A field that a person corrected; it stays above every later harvest until the person withdraws it."""

    __tablename__ = "paper_correction"
    __table_args__ = (live_index("uq_paper_correction_live", "paper_id", "field", where="withdrawn_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    field: str = Field(max_length=32)
    value: Any = Field(default=None, sa_column=json_column(nullable=True))
    actor_id: int = Field(foreign_key="user_account.id")
    made_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class PaperMerge(SQLModel, table=True):
    """Two papers found to be one. Without ``actor_id`` their identifiers met; it can be undone, and stays in history."""

    __tablename__ = "paper_merge"
    id: int | None = Field(default=None, primary_key=True)
    kept_id: int = Field(foreign_key="paper.id", index=True)
    merged_id: int = Field(foreign_key="paper.id", index=True)
    actor_id: int | None = Field(default=None, foreign_key="user_account.id")
    reason: str
    made_at: datetime = Field(sa_column=moment())
    undone_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    undone_by_id: int | None = Field(default=None, foreign_key="user_account.id")


class MergeProposal(SQLModel, table=True):
    """Two papers that look like one though no identifier says so: a question for a person. ``paper_id`` < ``twin_id``."""

    __tablename__ = "merge_proposal"
    __table_args__ = (sa.UniqueConstraint("paper_id", "twin_id"), sa.CheckConstraint("paper_id < twin_id", "ordered"))
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    twin_id: int = Field(foreign_key="paper.id", index=True)
    probability: float
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    proposed_at: datetime = Field(sa_column=moment())
    verdict: Verdict | None = Field(default=None, sa_column=choice(Verdict, name="verdict", nullable=True))
    actor_id: int | None = Field(default=None, foreign_key="user_account.id")
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class TextReading(SQLModel, table=True):
    """One time a paper's text was read. The text itself is thrown away; its hash says whether it was the same."""

    __tablename__ = "text_reading"
    __table_args__ = (live_index("uq_text_reading_current", "paper_id", "origin", where="superseded_at IS NULL"),)
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    origin: str = Field(max_length=32)
    """Where the text is from: "eprint", "folder", "abstract", "snippet"."""
    place: str
    version: str | None = Field(default=None, max_length=32)
    format: str | None = Field(default=None, max_length=16)
    sha256: str | None = Field(default=None, max_length=64)
    characters: int = 0
    refusal: str | None = None
    rules_digest: str = Field(default="", max_length=64)
    phrases_digest: str | None = Field(default=None, max_length=64)
    """By which phrases it was read for use or mention; None: it was not, or is no full text; "": it cannot be had again."""
    named: int | None = None
    """In how many places the text names the observatory; None: it was not looked for."""
    unread_parts: int | None = None
    """How many parts of the file (pages, members) could not be read; None: it was not counted."""
    read_at: datetime = Field(sa_column=moment())
    superseded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class TextMention(SQLModel, table=True):
    """A project code seen in a text. ``start``/``end`` count code points in ``part``; ``context`` is the quote kept."""

    __tablename__ = "text_mention"
    id: int | None = Field(default=None, primary_key=True)
    reading_id: int = Field(foreign_key="text_reading.id", index=True)
    part: str
    page: int | None = None
    start: int
    end: int
    as_written: str
    code: str = Field(max_length=64, index=True)
    in_registry: bool | None = None
    certain: bool
    candidates: list[str] = Field(default_factory=list, sa_column=json_column())
    stands_in: str = Field(max_length=32)
    is_use: bool | None = None
    context: str
    context_start: int
    line: int | None = None
    """Line of ``part`` in which it begins, from 1; None: the text has pages, is a record's, or it was not noted."""


class TextPhrase(SQLModel, table=True):
    """What a full text says of the observatory: use, mention, an address. Offsets and ``context`` as in ``TextMention``.

    ``kind`` names a table of phrases of the profile (``relation.toml``), or says that the name stands there, no more.
    """

    __tablename__ = "text_phrase"
    id: int | None = Field(default=None, primary_key=True)
    reading_id: int = Field(foreign_key="text_reading.id", index=True)
    kind: str = Field(max_length=32)
    part: str
    page: int | None = None
    start: int
    end: int
    printed: str
    stands_in: str = Field(max_length=32)
    context: str
    context_start: int
    line: int | None = None


class Payload(SQLModel, table=True):
    """A raw answer of a service, kept once by its hash, so that it can be parsed again later. ``body`` is zlib."""

    __tablename__ = "payload"
    sha256: str = Field(primary_key=True, max_length=64)
    body: bytes
    size: int
    first_seen_at: datetime = Field(sa_column=moment())


class PaperReport(SQLModel, table=True):
    """Somebody told us of a paper that the bibliography misses: an identifier and a project code, no sender."""

    __tablename__ = "paper_report"
    __table_args__ = (
        live_index("uq_paper_report_waiting", "scheme", "identifier", "project_code", where="state = 'waiting'"),
    )
    id: int | None = Field(default=None, primary_key=True)
    scheme: Scheme = Field(sa_column=choice(Scheme, name="scheme"))
    identifier: str = Field(max_length=255)
    """Normalised as in ``PaperIdentifier``."""
    project_code: str = Field(max_length=64)
    note: str = ""
    made_at: datetime = Field(sa_column=moment(index=True))
    state: ReportState = Field(sa_column=choice(ReportState, name="report_state", index=True))
    handled_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    handled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reason: str = ""
    """Why it was declined, in a librarian's words."""


class WantedPaper(SQLModel, table=True):
    """A paper that a person asked for by its number; fetched at once, or kept until the service answers again."""

    __tablename__ = "wanted_paper"
    __table_args__ = (live_index("uq_wanted_paper_waiting", "scheme", "identifier", where="state = 'waiting'"),)
    id: int | None = Field(default=None, primary_key=True)
    scheme: Scheme = Field(sa_column=choice(Scheme, name="scheme"))
    identifier: str = Field(max_length=255)
    """Normalised as in ``PaperIdentifier``."""
    asked_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    """None: asked for from the command line."""
    asked_at: datetime = Field(sa_column=moment(index=True))
    state: WantedState = Field(sa_column=choice(WantedState, name="wanted_state", index=True))
    tries: int = 0
    tried_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    words: str = ""
    """What the last try said."""
    paper_id: int | None = Field(default=None, foreign_key="paper.id", index=True)
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by_id: int | None = Field(default=None, foreign_key="user_account.id")
    """Who gave it up."""
