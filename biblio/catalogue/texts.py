"""What was read in a paper's text: the codes seen, each with the passage around it. The text itself is never kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks, new_ids
from biblio.store.current import group_ids
from biblio.store.models import TextAddress, TextMention, TextPhrase, TextReading
from matching.addresses import Address
from matching.codes import CodeFinder, Mention, resolve
from matching.phrases import Phrase

CONTEXT = 150
"""Characters kept on each side of a code: two or three lines of print, enough to judge whether data were used."""

FULL_TEXTS = ("eprint", "folder")
"""Origins whose text is thrown away; titles, abstracts and snippets are kept and can be read again at any time."""


GIVEN_UP = ""
"""Digest of the phrases of a text that was read before they were kept and cannot be had again."""


@dataclass(frozen=True, slots=True)
class SeenMention:
    """A code seen in one part of a text, with the passage kept; ``start``/``end`` count code points in ``part``."""

    part: str
    page: int | None
    mention: Mention
    context: str
    context_start: int
    line: int | None = None
    """Line of ``part`` in which it begins, from 1; None where it has pages or is short."""


@dataclass(frozen=True, slots=True)
class SeenPhrase:
    """What one place of a text says of the observatory, with the passage kept, as ``SeenMention``."""

    phrase: Phrase
    context: str
    context_start: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one text of a paper. With ``refusal`` nothing could be read, and why.

    ``origin`` is "eprint", "folder", "abstract" or "snippet"; ``version`` says which text it was, so that the same one
    is not read twice; ``characters`` and ``sha256`` are of the text read. ``phrases_digest`` and ``named`` are None where
    the text was not read for phrases: it is none that is thrown away. ``unread_parts``: pages and members that could
    not be read; ``addresses`` stand in the title and author part.
    """

    paper_id: int
    origin: str
    place: str
    version: str | None = None
    format: str | None = None
    sha256: str | None = None
    characters: int = 0
    refusal: str | None = None
    rules_digest: str = ""
    mentions: tuple[SeenMention, ...] = ()
    phrases_digest: str | None = None
    named: int | None = None
    phrases: tuple[SeenPhrase, ...] = ()
    unread_parts: int | None = None
    addresses: tuple[Address, ...] = ()


def seen_in(
    part: str, page: int | None, text: str, mentions: Iterable[Mention], *, has_lines: bool = False
) -> list[SeenMention]:
    """Return the mentions found in one text with the passages to keep, and their lines where the text has lines."""
    kept = []
    for mention in mentions:
        start = max(0, mention.start - CONTEXT)
        passage = text[start : mention.end + CONTEXT].replace("\0", "\ufffd")
        line = line_of(text, mention.start) if has_lines else None
        kept.append(SeenMention(part, page, mention, passage, start, line))
    return kept


def said_in(text: str, phrases: Iterable[Phrase], *, has_lines: bool = False) -> list[SeenPhrase]:
    """Return the phrases found in one text with the passages to keep, and their lines where the text has lines."""
    said = []
    for phrase in phrases:
        start = max(0, phrase.start - CONTEXT)
        passage = text[start : phrase.end + CONTEXT].replace("\0", "\ufffd")
        said.append(SeenPhrase(phrase, passage, start, line_of(text, phrase.start) if has_lines else None))
    return said


def line_of(text: str, at: int) -> int:
    """Return in which line, from 1, a character of a text stands; lines end as on any system, old Macs included."""
    return text.count("\n" if "\n" in text else "\r", 0, at) + 1


def store_reading(session: Session, reading: Reading, *, now: datetime) -> bool:
    """Store one reading; see ``store_readings``."""
    return store_readings(session, [reading], now=now) == 1


def store_readings(session: Session, readings: Sequence[Reading], *, now: datetime) -> int:
    """Store readings with their mentions; each supersedes the paper's earlier one of the same origin.

    A reading that is equal to the one in force (same text, version, rules and refusal) changes nothing. Returns how
    many were stored.
    """
    before = _in_force(session, {r.paper_id for r in readings})
    readings = _renew(session, readings, before)
    fresh = {(r.paper_id, r.origin): r for r in readings if not _is_known(before.get((r.paper_id, r.origin)), r)}
    ended = [row.id for key in fresh if (row := before.get(key)) is not None]
    for chunk in chunks(ended):
        session.execute(sa.update(TextReading).where(col(TextReading.id).in_(chunk)).values(superseded_at=now))
    ids = new_ids(session, TextReading, len(fresh))
    rows = [
        {
            "id": reading_id, "paper_id": r.paper_id, "origin": r.origin, "place": r.place, "version": r.version,
            "format": r.format, "sha256": r.sha256, "characters": r.characters, "refusal": r.refusal,
            "rules_digest": r.rules_digest, "phrases_digest": r.phrases_digest, "named": r.named,
            "unread_parts": r.unread_parts, "read_at": now,
        }
        for reading_id, r in zip(ids, fresh.values(), strict=True)
    ]  # fmt: skip
    if rows:
        session.execute(sa.insert(TextReading), rows)
    mentions = [
        _mention_row(reading_id, seen) for reading_id, r in zip(ids, fresh.values(), strict=True) for seen in r.mentions
    ]
    if mentions:
        session.execute(sa.insert(TextMention), mentions)
    phrases = [
        _phrase_row(reading_id, said) for reading_id, r in zip(ids, fresh.values(), strict=True) for said in r.phrases
    ]
    if phrases:
        session.execute(sa.insert(TextPhrase), phrases)
    addresses = [row for reading_id, r in zip(ids, fresh.values(), strict=True) for row in _address_rows(reading_id, r)]
    if addresses:
        session.execute(sa.insert(TextAddress), addresses)
    return len(fresh)


def _in_force(session: Session, paper_ids: Iterable[int]) -> dict[tuple[int, str], TextReading]:
    found: dict[tuple[int, str], TextReading] = {}
    for chunk in chunks(sorted(paper_ids)):
        query = select(TextReading).where(
            col(TextReading.paper_id).in_(chunk), col(TextReading.superseded_at).is_(None)
        )
        found |= {(row.paper_id, row.origin): row for row in session.exec(query)}
    return found


def _is_known(before: TextReading | None, reading: Reading) -> bool:
    return before is not None and all(
        getattr(before, name) == getattr(reading, name)
        for name in ("place", "version", "sha256", "refusal", "rules_digest", "phrases_digest")
    )


def _renew(session: Session, readings: Sequence[Reading], before: dict[tuple[int, str], TextReading]) -> list[Reading]:
    """Take out the readings that only newer rules tell from those in force, with nothing found then or now.

    A project list that grows by one would else add a row for every abstract of the sky.
    """
    same = {
        row.id: reading.rules_digest
        for reading in readings
        if (row := before.get((reading.paper_id, reading.origin))) is not None
        and not reading.mentions
        and (row.phrases_digest, row.named) == (reading.phrases_digest, reading.named)
        and row.sha256 == reading.sha256
        and (row.place, row.version, row.refusal) == (reading.place, reading.version, reading.refusal)
    }
    found: set[int] = set()
    for chunk in chunks(same):
        query = select(TextMention.reading_id).where(col(TextMention.reading_id).in_(chunk)).distinct()
        found |= set(session.exec(query))
    for chunk in chunks(i for i in same if i not in found):
        digest = same[chunk[0]]
        session.execute(sa.update(TextReading).where(col(TextReading.id).in_(chunk)).values(rules_digest=digest))
    kept = {i for i in same if i not in found}
    return [r for r in readings if (row := before.get((r.paper_id, r.origin))) is None or row.id not in kept]


def _mention_row(reading_id: int, seen: SeenMention) -> dict[str, object]:
    mention = seen.mention
    return {
        "reading_id": reading_id, "part": seen.part, "page": seen.page, "start": mention.start, "end": mention.end,
        "as_written": mention.as_written.replace("\0", "\ufffd"), "code": mention.code[:64],
        "in_registry": mention.in_registry, "certain": mention.certain, "candidates": list(mention.candidates),
        "stands_in": mention.where, "is_use": mention.is_use, "context": seen.context,
        "context_start": seen.context_start, "line": seen.line,
    }  # fmt: skip


def _phrase_row(reading_id: int, said: SeenPhrase) -> dict[str, object]:
    phrase = said.phrase
    return {
        "reading_id": reading_id, "kind": phrase.kind[:32], "part": phrase.part, "page": phrase.page,
        "start": phrase.start, "end": phrase.end, "printed": phrase.printed.replace("\0", "\ufffd"),
        "stands_in": phrase.where, "context": said.context, "context_start": said.context_start, "line": said.line,
    }  # fmt: skip


def _address_rows(reading_id: int, reading: Reading) -> list[dict[str, object]]:
    return [
        {
            "reading_id": reading_id, "ordinal": ordinal, "email": one.email[:254], "name": one.name[:120],
            "is_marked": one.is_marked, "place": one.place[-255:],
        }
        for ordinal, one in enumerate(reading.addresses)
    ]  # fmt: skip


def give_up_phrases(session: Session, paper_id: int) -> None:
    """Note that the e-print read before phrases were kept cannot be had again, for a paper and those it stands for."""
    session.execute(
        sa.update(TextReading)
        .where(
            col(TextReading.paper_id).in_(group_ids(session, paper_id)),
            col(TextReading.origin) == "eprint",
            col(TextReading.superseded_at).is_(None),
            col(TextReading.phrases_digest).is_(None),
        )
        .values(phrases_digest=GIVEN_UP)
    )


@dataclass(frozen=True, slots=True)
class Stale:
    """Full-text readings made by older rules or with an older registry, and the mentions in them."""

    reading_ids: list[int]
    mentions: list[TextMention]


def stale_readings(session: Session, digest: str, *, limit: int) -> Stale:
    """Return up to ``limit`` readings of full texts in force that were not made by the rules called ``digest``."""
    ids = session.exec(
        select(TextReading.id)
        .where(
            col(TextReading.superseded_at).is_(None),
            col(TextReading.rules_digest) != digest,
            col(TextReading.origin).in_(FULL_TEXTS),
        )
        .order_by(col(TextReading.id))
        .limit(limit)
    ).all()
    found = [i for i in ids if i is not None]
    mentions: list[TextMention] = []
    for chunk in chunks(found):
        mentions += session.exec(select(TextMention).where(col(TextMention.reading_id).in_(chunk)))
    return Stale(found, mentions)


def resolved_again(mentions: Iterable[TextMention], finder: CodeFinder) -> list[dict[str, object]]:
    """Read mentions once more by newer rules or a newer registry, without their texts; return what changed of them.

    Each is looked for in the passage kept around it, so that lists and bare numbers have their surroundings; where the
    passage is not enough, the code alone is resolved.
    """
    registry = finder.registry
    changed: list[dict[str, object]] = []
    for mention in mentions if registry is not None else ():
        assert registry is not None
        resolved = _found_again(mention, finder) or resolve(mention.as_written, registry)
        if resolved is None:
            continue
        code = resolved[0][:64]
        told = {"code": code, "certain": resolved[1], "in_registry": code in registry, "candidates": list(resolved[2])}
        if any(getattr(mention, name) != value for name, value in told.items()):
            changed.append({"id": mention.id, **told})
    return changed


def _found_again(mention: TextMention, finder: CodeFinder) -> tuple[str, bool, tuple[str, ...]] | None:
    start = mention.start - mention.context_start
    for found in finder.find(mention.context):
        if found.start == start and found.as_written == mention.as_written:
            return found.code, found.certain, found.candidates
    return None


def store_resolved(session: Session, stale: Stale, changed: Sequence[dict[str, object]], *, digest: str) -> None:
    """Store what newer rules say of mentions, and that their readings now stand by these rules."""
    if changed:
        session.execute(sa.update(TextMention), list(changed))
    for chunk in chunks(stale.reading_ids):
        session.execute(sa.update(TextReading).where(col(TextReading.id).in_(chunk)).values(rules_digest=digest))
