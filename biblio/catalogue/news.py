"""What a paper's newer texts and records say that was not known at a moment, and which version or source brought it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.terms import family
from biblio.store.models import (
    PaperAuthor,
    PaperMerge,
    PaperRevision,
    SourceRecord,
    TextMention,
    TextReading,
)

_FIELDS = {"pi": "authors", "co_is": "authors", "stranger": "authors", "title": "title", "abstract": "abstract"}
"""The field of the record that a kind of evidence rests on; the others say by their place what they rest on."""

_RECORD_PLACES = ("title", "abstract", "authors")


@dataclass(frozen=True, slots=True)
class News:
    """What is new: ``passages`` by (as printed, where it stands), ``fields`` of the record; each → what brought it."""

    passages: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def brought(self, reason: Any) -> str | None:
        """Return which version or source brought what a piece of evidence rests on; None: it was known before."""
        place = reason.stands_in or ""
        if reason.kind.startswith("code") and place not in _RECORD_PLACES:
            return self.passages.get((reason.quote or "", place))
        if reason.kind in _FIELDS:
            return self.fields.get(_FIELDS[reason.kind])
        if place in _RECORD_PLACES:
            return self.fields.get(place)
        if reason.kind == "observatory" and reason.contribution > 0:
            return self.fields.get("archives")
        return self.fields.get("title") or self.fields.get("abstract")


def news_since(session: Session, group: Sequence[int], paper_id: int, moment: datetime) -> News:
    """Return what is known now of a paper (``group``: all its ids) that was not known of ``paper_id`` at ``moment``.

    A text read again by newer rules is the same text; what a paper merged since then brought along is new.
    """
    then = _members_then(session, group, paper_id, moment)
    return News(_new_passages(session, group, then, moment), _new_fields(session, group, then, paper_id, moment))


def _members_then(session: Session, group: Sequence[int], paper_id: int, moment: datetime) -> set[int]:
    """Return those of the paper's ids that were one with ``paper_id`` at the moment already."""
    merges = session.exec(
        select(PaperMerge).where(
            col(PaperMerge.kept_id).in_(group),
            col(PaperMerge.merged_id).in_(group),
            col(PaperMerge.undone_at).is_(None),
            col(PaperMerge.made_at) <= moment,
        )
    ).all()
    members, grew = {paper_id}, True
    while grew:
        joined = {i for m in merges if members & {m.kept_id, m.merged_id} for i in (m.kept_id, m.merged_id)}
        grew = not joined <= members
        members |= joined
    return members


def _new_passages(
    session: Session, group: Sequence[int], then: set[int], moment: datetime
) -> dict[tuple[str, str], str]:
    readings = session.exec(
        select(TextReading).where(col(TextReading.paper_id).in_(group), col(TextReading.refusal).is_(None))
    ).all()
    old = {r.id: r for r in readings if r.paper_id in then and r.read_at <= moment}
    known = {r.sha256 for r in old.values() if r.sha256}
    fresh = {r.id: r for r in readings if r.superseded_at is None and r.id not in old and r.sha256 not in known}
    if not fresh:
        return {}
    before: set[tuple[str, str, bool | None]] = set()
    found: dict[tuple[str, str, bool | None], str] = {}
    for mention in session.exec(
        select(TextMention).where(col(TextMention.reading_id).in_([*old, *fresh])).order_by(col(TextMention.id))
    ):
        printed = mention.as_written, mention.stands_in, mention.is_use
        if mention.reading_id in old:
            before.add(printed)
        else:
            found.setdefault(printed, _text_words(fresh[mention.reading_id]))
    return {printed[:2]: words for printed, words in found.items() if printed not in before}


def _text_words(reading: TextReading) -> str:
    """Say which text it was, e.g. "arXiv:2503.00001v2, read 2026-11-22"."""
    name = {"snippet": "a passage from ADS", "abstract": "the record"}.get(reading.origin)
    if name is None:
        name = reading.place.partition("!")[0] or "a text"
        version = reading.version or ""
        if version and version not in name:
            name = f"{name} ({version[:32]})"
    return f"{name}, read {reading.read_at:%Y-%m-%d}"


def _new_fields(
    session: Session, group: Sequence[int], then: set[int], paper_id: int, moment: datetime
) -> dict[str, str]:
    rows = session.exec(
        select(PaperRevision).where(
            col(PaperRevision.paper_id).in_(group),
            sa.or_(
                col(PaperRevision.superseded_at).is_(None),
                sa.and_(
                    col(PaperRevision.paper_id) == paper_id,
                    col(PaperRevision.learned_at) <= moment,
                    col(PaperRevision.superseded_at) > moment,
                ),
            ),
        )
    ).all()
    now = next((r for r in rows if r.superseded_at is None), None)
    if now is None:
        return {}
    before = next((r for r in rows if r.paper_id == paper_id and r.learned_at <= moment), None)
    found = {}
    for name in ("title", "abstract"):
        if getattr(now, name) and getattr(now, name) != (getattr(before, name) if before else None):
            found[name] = _field_words(now, name)
    if before is not now and _names(session, now) != (_names(session, before) if before else []):
        found["authors"] = _field_words(now, "authors")
    if archives := _new_archives(session, group, then, moment):
        found["archives"] = archives
    return found


def _field_words(revision: PaperRevision, name: str) -> str:
    """Say where a field is from now, e.g. "title from ADS, learned 2026-11-22"."""
    source = revision.provenance.get(name, "")
    named = {"ads": "ADS", "arxiv": "arXiv", "person": "a correction"}.get(family(source) if source else "", source)
    return f"the {name} from {named or 'a source'}, learned {revision.learned_at:%Y-%m-%d}"


def _names(session: Session, revision: PaperRevision) -> list[str]:
    return list(
        session.exec(
            select(PaperAuthor.name)
            .where(col(PaperAuthor.revision_id) == revision.id)
            .order_by(col(PaperAuthor.position))
        )
    )


def _new_archives(session: Session, group: Sequence[int], then: set[int], moment: datetime) -> str | None:
    """Say since when ADS lists data of archives for the paper that it did not list at the moment, or None."""
    rows = session.execute(
        sa.select(
            col(SourceRecord.paper_id),
            col(SourceRecord.learned_at),
            col(SourceRecord.superseded_at),
            col(SourceRecord.record)["extra"]["data"].as_string(),
        ).where(col(SourceRecord.paper_id).in_(group), col(SourceRecord.source) == "ads")
    ).all()
    known = {data for member, learned, _, data in rows if member in then and learned <= moment and data}
    fresh = [learned for _, learned, ended, data in rows if ended is None and data and data not in known]
    return f"the archive’s data that ADS lists, learned {max(fresh):%Y-%m-%d}" if fresh else None
