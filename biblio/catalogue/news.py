"""What a paper's newer texts and records say that was not known at a moment, and which version or source brought it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.terms import ADS, ARXIV, PERSON, family
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


Moment = tuple[int, datetime]
"""A paper's id and the time until which it was known."""


def news_since(session: Session, group: Sequence[int], moments: Collection[Moment]) -> dict[Moment, News]:
    """Return what is known now of a paper (``group``: all its ids) that was not known of one of its ids at each moment.

    A text read again by newer rules is the same text; what a paper merged since then brought along is new. It asks the
    same number of questions for any number of moments.
    """
    merges = session.exec(
        select(PaperMerge).where(
            col(PaperMerge.kept_id).in_(group),
            col(PaperMerge.merged_id).in_(group),
            col(PaperMerge.undone_at).is_(None),
        )
    ).all()
    then = {moment: _members_then(merges, *moment) for moment in moments}
    texts = _Texts.load(session, group)
    records = _Records.load(session, group, moments)
    return {
        moment: News(texts.new_passages(then[moment], moment[1]), records.new_fields(then[moment], moment))
        for moment in moments
    }


def _members_then(merges: Sequence[PaperMerge], paper_id: int, moment: datetime) -> set[int]:
    """Return those of the paper's ids that were one with ``paper_id`` at the moment already."""
    made = [{m.kept_id, m.merged_id} for m in merges if m.made_at <= moment]
    members, grew = {paper_id}, True
    while grew:
        joined = {i for pair in made if members & pair for i in pair}
        grew = not joined <= members
        members |= joined
    return members


@dataclass(frozen=True, slots=True)
class _Texts:
    """All readings of a paper that came to something, and the codes printed in them."""

    readings: Sequence[TextReading]
    mentions: Sequence[TextMention]

    @classmethod
    def load(cls, session: Session, group: Sequence[int]) -> _Texts:
        readings = session.exec(
            select(TextReading).where(col(TextReading.paper_id).in_(group), col(TextReading.refusal).is_(None))
        ).all()
        ids = [r.id for r in readings]
        query = select(TextMention).where(col(TextMention.reading_id).in_(ids)).order_by(col(TextMention.id))
        return cls(readings, session.exec(query).all() if ids else ())

    def new_passages(self, then: set[int], moment: datetime) -> dict[tuple[str, str], str]:
        """Return the codes (as printed, and where) that no text known at the moment printed so, and what text does."""
        old = {r.id: r for r in self.readings if r.paper_id in then and r.read_at <= moment}
        known = {r.sha256 for r in old.values() if r.sha256}
        fresh = {
            r.id: r for r in self.readings if r.superseded_at is None and r.id not in old and r.sha256 not in known
        }
        before = {_printed(m) for m in self.mentions if m.reading_id in old}
        found: dict[tuple[str, str], str] = {}
        for mention in self.mentions:
            if mention.reading_id in fresh and _printed(mention) not in before:
                found.setdefault((mention.as_written, mention.stands_in), _text_words(fresh[mention.reading_id]))
        return found


def _printed(mention: TextMention) -> tuple[str, str, bool | None]:
    return mention.as_written, mention.stands_in, mention.is_use


def _text_words(reading: TextReading) -> str:
    """Say which text it was, e.g. "arXiv:2503.00001v2, read 2026-11-22"."""
    name = {"snippet": "a passage from ADS", "abstract": "the record"}.get(reading.origin)
    if name is None:
        name = reading.place.partition("!")[0] or "a text"
        version = reading.version or ""
        if version and version not in name:
            name = f"{name} ({version[:32]})"
    return f"{name}, read {reading.read_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class _Records:
    """What was shown of a paper at the moments asked about and is now, and the archives that ADS names for it."""

    revisions: Sequence[PaperRevision]
    names: Mapping[int, list[str]]
    """Authors by revision, of those revisions that matter."""
    archives: Sequence[tuple[int, datetime, datetime | None, str | None]]

    @classmethod
    def load(cls, session: Session, group: Sequence[int], moments: Collection[Moment]) -> _Records:
        revisions = session.exec(
            select(PaperRevision)
            .where(col(PaperRevision.paper_id).in_(group))
            .where(sa.or_(col(PaperRevision.superseded_at).is_(None), *(_in_force_at(*moment) for moment in moments)))
            .order_by(col(PaperRevision.id))
        ).all()
        names: dict[int, list[str]] = defaultdict(list)
        for revision_id, name in session.execute(
            sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
            .where(col(PaperAuthor.revision_id).in_([r.id for r in revisions]))
            .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
        ):
            names[revision_id].append(name)
        archives = session.execute(
            sa.select(
                col(SourceRecord.paper_id),
                col(SourceRecord.learned_at),
                col(SourceRecord.superseded_at),
                col(SourceRecord.record)["extra"]["data"].as_string(),
            ).where(col(SourceRecord.paper_id).in_(group), col(SourceRecord.source) == ADS)
        ).all()
        return cls(revisions, names, [(member, learned, ended, data) for member, learned, ended, data in archives])

    def new_fields(self, then: set[int], moment: Moment) -> dict[str, str]:
        """Return the fields that say something else than at the moment, and what brought each."""
        paper_id, at = moment
        now = next((r for r in self.revisions if r.superseded_at is None), None)
        if now is None:
            return {}
        before = next(
            (
                r
                for r in self.revisions
                if r.paper_id == paper_id and r.learned_at <= at and (r.superseded_at is None or r.superseded_at > at)
            ),
            None,
        )
        found = {
            name: _field_words(now, name)
            for name in ("title", "abstract")
            if getattr(now, name) and getattr(now, name) != getattr(before, name, None)
        }
        if self.names.get(now.id or 0) != (self.names.get(before.id or 0) if before else None):
            found["authors"] = _field_words(now, "authors")
        known = {data for member, learned, _, data in self.archives if member in then and learned <= at and data}
        fresh = [learned for _, learned, ended, data in self.archives if ended is None and data and data not in known]
        if fresh:
            found["archives"] = f"the archive’s data that ADS lists, learned {max(fresh):%Y-%m-%d}"
        return found


def _in_force_at(paper_id: int, moment: datetime) -> Any:
    return sa.and_(
        col(PaperRevision.paper_id) == paper_id,
        col(PaperRevision.learned_at) <= moment,
        col(PaperRevision.superseded_at) > moment,
    )


def _field_words(revision: PaperRevision, name: str) -> str:
    """Say where a field is from now, e.g. "the title from ADS, learned 2026-11-22"."""
    source = revision.provenance.get(name, "")
    named = {ADS: "ADS", ARXIV: "arXiv", PERSON: "a correction"}.get(family(source) if source else "", source)
    return f"the {name} from {named or 'a source'}, learned {revision.learned_at:%Y-%m-%d}"
