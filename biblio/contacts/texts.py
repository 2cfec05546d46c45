"""What the texts of preprints say, as the rule in ``faults`` takes it, out of what was kept when they were read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.catalogue.texts import FULL_TEXTS
from biblio.contacts.faults import Quote, SeenCode, TextSeen
from biblio.runtime import Runtime
from biblio.store.current import survivor_id
from biblio.store.models import Paper, TextAddress, TextMention, TextPhrase, TextReading
from matching.addresses import Address
from matching.codes import Mention
from matching.phrases import Phrase
from matching.relation import RelationRules, TextRead, judge

_STATEMENT = "statement"
_USES = ("own_data", "archival", "facility", "boilerplate", "data", "title_data", "passive", "named")
"""Kinds of phrases on data of the observatory, the most telling first: what a fault without a statement is shown by."""
_NOT_SAID = ("comment", "references")
_VERSION = re.compile(r"v(\d{1,3})$")
_PREFIX_BACK = 60


@dataclass(frozen=True, slots=True)
class Texts:
    """A paper's texts: the newest full one, codes seen in the others, and what the machine makes of its relation.

    ``refusal``: why the newest could not be read. ``proposed`` is a relation's key, None where it cannot be told.
    """

    newest: TextSeen | None = None
    elsewhere: tuple[SeenCode, ...] = ()
    proposed: str | None = None
    addresses: tuple[Address, ...] = ()
    refusal: str | None = None


@dataclass(slots=True)
class _Kept:
    """What was kept of some readings, by reading."""

    mentions: dict[int, list[TextMention]]
    phrases: dict[int, list[TextPhrase]]
    addresses: dict[int, list[TextAddress]]


def texts_of(session: Session, runtime: Runtime, paper_ids: Sequence[int]) -> dict[int, Texts]:
    """Return what is known of the texts of these papers (survivors' ids), in a constant number of statements."""
    readings: dict[int, list[TextReading]] = defaultdict(list)
    survivor = survivor_id()
    for paper_id, reading in session.execute(
        sa.select(survivor, TextReading)
        .join(Paper, col(Paper.id) == col(TextReading.paper_id))
        .where(
            sa.or_(col(Paper.id).in_(paper_ids), col(Paper.merged_into_id).in_(paper_ids)),
            col(TextReading.superseded_at).is_(None),
        )
        .order_by(col(TextReading.id))
    ):
        readings[paper_id].append(reading)
    kept = _kept(session, [r.id for rows in readings.values() for r in rows if r.id is not None])
    prefix = _bare(runtime.profile.observatory.code_prefix)
    return {paper_id: _texts(rows, kept, prefix, runtime.relation_rules) for paper_id, rows in readings.items()}


def _kept(session: Session, ids: Sequence[int]) -> _Kept:
    kept = _Kept(defaultdict(list), defaultdict(list), defaultdict(list))
    for mention in session.exec(select(TextMention).where(col(TextMention.reading_id).in_(ids))):
        kept.mentions[mention.reading_id].append(mention)
    for phrase in session.exec(
        select(TextPhrase).where(col(TextPhrase.reading_id).in_(ids)).order_by(col(TextPhrase.id))
    ):
        kept.phrases[phrase.reading_id].append(phrase)
    for one in session.exec(
        select(TextAddress).where(col(TextAddress.reading_id).in_(ids)).order_by(col(TextAddress.ordinal))
    ):
        kept.addresses[one.reading_id].append(one)
    return kept


def _texts(readings: Sequence[TextReading], kept: _Kept, prefix: str, rules: RelationRules) -> Texts:
    full = sorted((r for r in readings if r.origin in FULL_TEXTS), key=_newness)
    read = [r for r in full if r.refusal is None]
    refused = next((r.refusal for r in reversed(full) if r.refusal), None)
    newest = read[-1] if read else None
    others = [r for r in readings if r is not newest]
    elsewhere = [code for r in others for code in _codes(kept.mentions[r.id or 0], prefix)]
    addresses = [one for r in reversed(read) for one in kept.addresses[r.id or 0]]
    return Texts(
        newest=_seen(newest, kept, prefix) if newest else None,
        elsewhere=tuple(elsewhere),
        proposed=_proposed(newest, kept, rules) if newest else None,
        addresses=tuple(Address(a.email, a.name, a.is_marked, a.place) for a in addresses),
        refusal=refused,
    )


def _newness(reading: TextReading) -> tuple[bool, int, int]:
    """E-prints after a library's files, whose version is not known; of these the newest."""
    return reading.origin == "eprint", version_number(reading) or 0, reading.id or 0


def version_number(reading: TextReading) -> int | None:
    """Return arXiv's number of the version that was read; None for other texts."""
    found = _VERSION.search(reading.version or "") if reading.origin == "eprint" else None
    return int(found[1]) if found else None


def _seen(reading: TextReading, kept: _Kept, prefix: str) -> TextSeen:
    phrases = [p for p in kept.phrases[reading.id or 0] if p.stands_in not in _NOT_SAID]
    statements = [p for p in phrases if p.kind == _STATEMENT]
    uses = sorted((p for p in phrases if p.kind in _USES), key=lambda p: (_USES.index(p.kind), p.id or 0))
    name = reading.version if reading.origin == "eprint" and reading.version else f"the file {reading.place}"
    return TextSeen(
        reading_id=reading.id or 0,
        name=name[:255],
        number=version_number(reading),
        format=reading.format or "",
        characters=reading.characters,
        unread_parts=reading.unread_parts,
        is_read_for_statements=bool(reading.phrases_digest),
        named=reading.named,
        codes=_codes(kept.mentions[reading.id or 0], prefix),
        statements=tuple(quote_of(p) for p in statements),
        uses=tuple(quote_of(p) for p in uses[:1]),
    )


def _codes(mentions: Sequence[TextMention], prefix: str) -> tuple[SeenCode, ...]:
    return tuple(
        SeenCode(
            m.code, m.as_written, m.in_registry, m.certain, m.stands_in, m.is_use, _has_prefix(m, prefix), quote_of(m)
        )
        for m in mentions
    )


def _has_prefix(mention: TextMention, prefix: str) -> bool:
    """Whether the observatory's own prefix stands right before a code, or was read as part of it."""
    start = mention.start - mention.context_start
    before = mention.context[max(0, start - _PREFIX_BACK) : start]
    return bool(prefix) and (_bare(before).endswith(prefix) or _bare(mention.as_written).startswith(prefix))


def _bare(text: str) -> str:
    return re.sub(r"[^0-9a-z/]", "", text.casefold())


def quote_of(row: TextMention | TextPhrase) -> Quote:
    """Return the passage that was kept, as a person can read it, cut around its mark."""
    start, end = row.start - row.context_start, row.end - row.context_start
    place = row.part if row.page is None else f"{row.part}, page {row.page}"
    if not 0 <= start <= end <= len(row.context):
        return Quote(readable(row.context), "", "", row.stands_in, place)
    before, mark, after = row.context[:start], row.context[start:end], row.context[end:]
    if row.context_start:  # what was kept begins within the text, mostly within a word
        before = f"… {before.partition(' ')[2] or before}"
    return Quote(readable(before), readable(mark), readable(after), row.stands_in, place)


def _proposed(reading: TextReading, kept: _Kept, rules: RelationRules) -> str | None:
    """What the machine makes of the paper's relation by this text alone."""
    read = TextRead(
        phrases=tuple(
            Phrase(p.kind, p.start, p.end, p.printed, p.stands_in, p.part, p.page)
            for p in kept.phrases[reading.id or 0]
        ),
        characters=reading.characters,
        named=reading.named or 0,
        codes=tuple((_mention(m), m.part, m.page) for m in kept.mentions[reading.id or 0]),
    )
    return judge(read, rules).relation


def _mention(row: TextMention) -> Mention:
    return Mention(
        row.start, row.end, row.as_written, row.code, row.in_registry, row.certain, tuple(row.candidates), row.stands_in,
        row.is_use,
    )  # fmt: skip
