"""How a paper seems to relate to the observatory, for the paper page: a proposal with its quotes, never a verdict.

It is computed when the page is shown, from what was kept when texts were read and from the record itself, so new
weights hold at once and nothing of it is stored. What a person decided stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.readable import readable
from biblio.catalogue.texts import CONTEXT, FULL_TEXTS
from biblio.observatory import Profile
from biblio.store.models import SourceRecord, TextMention, TextPhrase
from biblio.verify.paper.quotes import PLACES, Passage, Quote, passages
from biblio.verify.paper.read import PaperRead
from matching.codes import Mention
from matching.phrases import Phrase
from matching.relation import Band, Proposal, Reason, RelationRules, TextRead, judge

MOST_SHOWN = 8
"""Reasons shown for one relation; each kind gives four at most, and further ones weigh next to nothing."""


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One reason as the page draws it, as evidence is. ``width`` is the bar's length, 0–50 of 100."""

    label: str
    sentence: str
    contribution: float
    width: float
    mark: str | None
    author: int | None = None
    brought_by: str | None = None


@dataclass(frozen=True, slots=True)
class RelationSide:
    """What speaks for one relation: its start and its reasons sum to ``score``; ``more`` is the sum of those left out."""

    key: str
    name: str
    score: float
    start: float
    reasons: tuple[ShownReason, ...]
    more: float = 0.0


@dataclass(frozen=True, slots=True)
class RelationProposal:
    """The proposal as the page shows it; ``key`` is None where it cannot be told.

    ``has_full_text``: a full text was read for it; ``is_unread``: one was read before such phrases were looked for.
    """

    key: str | None
    name: str | None
    band: Band
    probability: float
    sentence: str
    has_full_text: bool
    is_unread: bool
    sides: tuple[RelationSide, ...]
    passages: tuple[Passage, ...]


@dataclass(slots=True)
class _Gathered:
    """What was read of one paper, with the passage around each phrase."""

    phrases: dict[Phrase, tuple[str, int, int | None]]
    """Each with the passage kept around it, where that begins, and the line of the phrase."""
    codes: list[tuple[Mention, str, int | None]]
    characters: int = 0
    named: int = 0
    is_unread: bool = False


def relation_proposal(session: Session, profile: Profile, rules: RelationRules, read: PaperRead) -> RelationProposal:
    """Return how a paper seems to relate to the observatory, in one further query."""
    gathered = _Gathered({}, [])
    revision = read.revision
    _from_texts(session, read, gathered)
    if not gathered.characters:
        _from_passages(session, read.ids, gathered, rules)
    _from_short(gathered, rules, "title", revision.title or "")
    _from_short(gathered, rules, "abstract", revision.abstract or "")
    text = TextRead(
        phrases=tuple(gathered.phrases),
        characters=gathered.characters,
        named=gathered.named,
        codes=tuple(gathered.codes),
        record=tuple(words for words in (revision.journal, revision.kind) if words),
    )
    return _shown(judge(text, rules), gathered, profile)


def _from_texts(session: Session, read: PaperRead, gathered: _Gathered) -> None:
    """Take what was kept of the longest full text, and the codes seen in it and in the short texts."""
    readings = sorted((one for one in read.readings if one.refusal is None), key=lambda r: (-r.characters, r.id or 0))
    full = [reading for reading in readings if reading.origin in FULL_TEXTS]
    chosen = next((reading for reading in full if reading.phrases_digest), None)
    gathered.is_unread = chosen is None and bool(full)
    if chosen is not None:
        gathered.characters, gathered.named = chosen.characters, chosen.named or 0
        rows = session.exec(
            select(TextPhrase).where(col(TextPhrase.reading_id) == chosen.id).order_by(col(TextPhrase.id))
        )
        for row in rows:
            phrase = Phrase(row.kind, row.start, row.end, row.printed, row.stands_in, row.part, row.page)
            gathered.phrases[phrase] = row.context, row.context_start, row.line
    ids = [reading.id for reading in readings if reading.origin not in FULL_TEXTS]
    ids += [reading.id for reading in ([chosen] if chosen else full[:1])]
    for seen in (one.mention for one in read.mentions if one.mention.reading_id in ids):
        gathered.codes.append((_mention(seen), seen.part, seen.page))
        gathered.phrases.setdefault(_code_phrase(seen), (seen.context, seen.context_start, seen.line))


def _mention(row: TextMention) -> Mention:
    return Mention(
        row.start,
        row.end,
        row.as_written,
        row.code,
        row.in_registry,
        row.certain,
        tuple(row.candidates),
        row.stands_in,
        row.is_use,
    )


def _code_phrase(row: TextMention) -> Phrase:
    """The place of a code, under a kind that no table has: it only lends its passage to the reasons of codes."""
    return Phrase("", row.start, row.end, row.as_written, row.stands_in, row.part, row.page)


def _from_passages(session: Session, group: Sequence[int], gathered: _Gathered, rules: RelationRules) -> None:
    """Read the passages in which ADS found our names: where no full text was read, they are all there is of one."""
    records = session.execute(
        sa.select(col(SourceRecord.record))
        .where(
            col(SourceRecord.paper_id).in_(group),
            col(SourceRecord.superseded_at).is_(None),
            col(SourceRecord.source) == "ads",
        )
        .order_by(col(SourceRecord.key))
    )
    for record in records.scalars():
        for name, text in record.get("snippets", ()):
            plain = str(text).replace("<em>", "").replace("</em>", "")
            _from_short(gathered, rules, "acknowledgement" if name == "ack" else None, plain, part=str(name))


def _from_short(
    gathered: _Gathered, rules: RelationRules, field: str | None, text: str, *, part: str | None = None
) -> None:
    for phrase in rules.kept(rules.find(text, field=field).phrases) if text else ():
        start = max(0, phrase.start - CONTEXT)
        placed = replace(phrase, part=part or field or "")
        gathered.phrases.setdefault(placed, (text[start : phrase.end + CONTEXT], start, None))


# -- showing it -------------------------------------------------------------------------------------------------------


def _shown(proposal: Proposal, gathered: _Gathered, profile: Profile) -> RelationProposal:
    names: dict[str, str] = {relation.key: relation.name for relation in profile.relations}
    sides = [(key, proposal.reasons_for(key)) for key in (proposal.leading, proposal.runner_up)]
    shown = [reason for _, reasons in sides for reason in reasons[:MOST_SHOWN]]
    places, marks = passages(_quotes(shown, gathered), prefix="said")
    most = max((reason.contribution for reason in shown), default=1.0) or 1.0
    return RelationProposal(
        key=proposal.relation,
        name=names[proposal.relation] if proposal.relation else None,
        band=proposal.band,
        probability=proposal.probability,
        sentence=profile.filled(proposal.sentence),
        has_full_text=gathered.characters > 0,
        is_unread=gathered.is_unread,
        sides=tuple(
            RelationSide(
                key=key,
                name=names[key],
                score=proposal.scores[key],
                start=proposal.start[key],
                reasons=tuple(_shown_reason(r, marks, most, profile) for r in reasons[:MOST_SHOWN]),
                more=sum(r.contribution for r in reasons[MOST_SHOWN:]),
            )
            for key, reasons in sides
        ),
        passages=tuple(places),
    )


def _quotes(reasons: Iterable[Reason], gathered: _Gathered) -> list[Quote]:
    quotes = []
    for phrase in (reason.quote for reason in reasons if reason.quote is not None):
        kept = gathered.phrases.get(phrase) or gathered.phrases.get(replace(phrase, kind=""))
        if kept is not None:
            quotes.append(Quote(phrase.part, phrase.page, phrase.where, phrase.start, phrase.end, *kept))
    return quotes


def _shown_reason(reason: Reason, marks: dict[tuple[str, int, int], str], most: float, profile: Profile) -> ShownReason:
    quote = reason.quote
    return ShownReason(
        label=PLACES.get(quote.where, "text") if quote else "paper",
        sentence=readable(profile.filled(reason.sentence)),
        contribution=reason.contribution,
        width=round(50 * min(1.0, abs(reason.contribution) / most), 2),
        mark=marks.get((quote.part, quote.start, quote.end)) if quote else None,
    )
