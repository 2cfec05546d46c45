"""What is shown of a paper, field by field: what each source says and since when, what a person said, and correcting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue import compose
from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct, withdraw_correction
from biblio.catalogue.readable import readable
from biblio.catalogue.terms import PERSON, family
from biblio.errors import RequestRefused, Stale
from biblio.store.current import group_ids, survivor_of
from biblio.store.found import found, found_paper
from biblio.store.models import PaperCorrection, PaperRevision, SourceRecord, UserAccount
from harvesters.records import PAPER_KINDS

LABELS = {
    "title": "Title",
    "abstract": "Abstract",
    "kind": "Kind",
    "is_refereed": "Refereed",
    "journal": "Journal",
    "volume": "Volume",
    "page": "Page",
    "year": "Year",
    "published_on": "Published on",
    "preprint_on": "First preprint on",
    "is_withdrawn": "Withdrawn",
    "keywords": "Keywords",
}
"""The fields a person may correct, as the page calls them."""

YES_OR_NO = ("is_refereed", "is_withdrawn")
LONGEST = 20_000
"""Characters of a value; no abstract is longer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of a field, and since when we know it."""

    source: str
    value: str
    learned_at: datetime


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a person said of a field."""

    correction_id: int
    value: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field: the value shown (``plain``: as a form holds it), where it is from, and what everybody says of it."""

    name: str
    label: str
    value: str
    plain: str
    source: str
    said: list[Said]
    corrected: Corrected | None


@dataclass(frozen=True, slots=True)
class RecordShown:
    """One source's record of the paper."""

    record_id: int
    source: str
    key: str
    title: str
    learned_at: datetime


@dataclass(frozen=True, slots=True)
class CorrectPage:
    """All that can be corrected of a paper."""

    paper_id: int
    title: str
    fields: list[FieldShown]
    records: list[RecordShown]


def correct_page(session: Session, paper_id: int) -> CorrectPage:
    """Return what the page shows, in a constant number of queries. Raises ``NotFound``."""
    survivor = found_paper(session, paper_id)
    group = group_ids(session, survivor)
    revision = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == survivor, col(PaperRevision.superseded_at).is_(None))
    ).first()
    records = session.exec(
        select(SourceRecord)
        .where(col(SourceRecord.paper_id).in_(group), col(SourceRecord.superseded_at).is_(None))
        .order_by(col(SourceRecord.learned_at).desc(), col(SourceRecord.id))
    ).all()
    corrections = _corrections(session, group)
    fields = [
        FieldShown(
            name=name,
            label=LABELS[name],
            value=shown_value(getattr(revision, name) if revision else None),
            plain=_plain(getattr(revision, name) if revision else None),
            source=_source_words((revision.provenance or {}).get(name, "")) if revision else "",
            said=_said(name, records),
            corrected=corrections.get(name),
        )
        for name in compose.CORRECTABLE
    ]
    return CorrectPage(
        survivor,
        readable(revision.title if revision else None) or "Untitled paper",
        fields,
        [
            RecordShown(r.id or 0, _source_words(r.source), r.key, readable(r.record.get("title")), r.learned_at)
            for r in records
        ],
    )


def _corrections(session: Session, group: Sequence[int]) -> dict[str, Corrected]:
    rows = session.execute(
        sa.select(PaperCorrection, col(UserAccount.name))
        .join(UserAccount, col(UserAccount.id) == col(PaperCorrection.actor_id))
        .where(col(PaperCorrection.paper_id).in_(group), col(PaperCorrection.withdrawn_at).is_(None))
        .order_by(col(PaperCorrection.id))
    )
    return {row.field: Corrected(row.id or 0, shown_value(row.value), who, row.made_at) for row, who in rows}


def _said(name: str, records: Sequence[SourceRecord]) -> list[Said]:
    key = "submitted_on" if name == "preprint_on" else name
    return [
        Said(_source_words(r.source), shown_value(value), r.learned_at)
        for r in records
        if (value := r.record.get(key)) not in (None, "", [])
    ]


def _source_words(source: str) -> str:
    return {"ads": "ADS", "arxiv": "arXiv", PERSON: "a correction"}.get(family(source), source) if source else ""


def shown_value(value: Any) -> str:
    """Return a field's value as a person reads it; empty where there is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return readable(", ".join(str(v) for v in value))
    return readable(str(value)) if value not in (None, "") else ""


def _plain(value: Any) -> str:
    """Return a field's value as a form holds it, as written by its source."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return "" if value is None else str(value)


def read_value(name: str, written: str) -> Any:
    """Return what a form's text means for a field; an empty one says that it has no value.

    Raises ``RequestRefused`` saying what the field takes.
    """
    if name not in LABELS:
        raise RequestRefused("Choose one of the fields listed.")
    text = written.replace("\0", "\ufffd").strip()
    if len(text) > LONGEST:
        raise RequestRefused(f"The {LABELS[name].lower()} has {len(text):,} characters; at most {LONGEST:,} are kept.")
    if name in YES_OR_NO:
        if text not in ("yes", "no"):
            raise RequestRefused(f"{LABELS[name]} is yes or no.")
        return text == "yes"
    if name == "keywords":
        return [word for part in text.split(",") if (word := part.strip())]
    if not text:
        return None
    if name == "year":
        if not (text.isascii() and text.isdecimal() and len(text) < 6):
            raise RequestRefused("The year is a number such as 2026.")
        return int(text)
    return text


def choices(name: str) -> tuple[str, ...]:
    """Return the values a field can have, or nothing where it takes a text."""
    return ("yes", "no") if name in YES_OR_NO else PAPER_KINDS if name == "kind" else ()


def correction_of(session: Session, correction_id: int) -> PaperCorrection:
    """Return a correction. Raises ``NotFound``."""
    return found(session, PaperCorrection, correction_id, "correction")


def take_back(session: Session, actor: Actor, correction_id: int, *, now: datetime) -> PaperCorrection:
    """Undo a correction: what a person had said before, or else what the sources say, is shown again.

    Raises ``Stale`` where it is in force no more.
    """
    row = correction_of(session, correction_id)
    if row.withdrawn_at is not None:
        raise Stale("This correction was taken back already.", current=row)
    group = group_ids(session, survivor_of(session, row.paper_id) or row.paper_id)
    before = session.exec(
        select(PaperCorrection)
        .where(
            col(PaperCorrection.paper_id).in_(group),
            col(PaperCorrection.field) == row.field,
            col(PaperCorrection.withdrawn_at) == row.made_at,
            col(PaperCorrection.id) != row.id,
        )
        .order_by(col(PaperCorrection.id).desc())
    ).first()
    if before is not None:
        correct(session, actor, row.paper_id, row.field, before.value, now=now)
    else:
        withdraw_correction(session, actor, row.paper_id, row.field, now=now)
    return row


def put_back(session: Session, actor: Actor, correction_id: int, *, now: datetime) -> PaperCorrection:
    """Put a correction that was withdrawn in force again. Raises ``Stale`` where another one is in force meanwhile."""
    row = correction_of(session, correction_id)
    group = group_ids(session, survivor_of(session, row.paper_id) or row.paper_id)
    live = session.exec(
        select(PaperCorrection).where(
            col(PaperCorrection.paper_id).in_(group),
            col(PaperCorrection.field) == row.field,
            col(PaperCorrection.withdrawn_at).is_(None),
        )
    ).first()
    if live is not None:
        raise Stale("Somebody has corrected this field meanwhile.", current=live)
    return correct(session, actor, row.paper_id, row.field, row.value, now=now)
