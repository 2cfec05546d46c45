"""Reads everything one paper page shows into dataclasses, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote as quoted

from sqlmodel import Session, col, select

from biblio.catalogue.archival import UsedProject
from biblio.catalogue.memory import remember
from biblio.catalogue.readable import readable
from biblio.observatory import Profile
from biblio.store.models import DeskItem, PaperIdentifier, PaperRevision, TextMention
from biblio.store.words import Band, RelationKind, Scheme, Verdict
from biblio.verify.paper.authors import Author, Team, marked, split
from biblio.verify.paper.history import Event, Twin, history, twins
from biblio.verify.paper.notes import Remarks, remarks
from biblio.verify.paper.proposed import Shown, candidates, quote_of, with_reasons
from biblio.verify.paper.quotes import Passage, Quote, passages
from biblio.verify.paper.read import Mentioned, PaperRead
from biblio.verify.queue.items import has_journal_record
from matching.rules import Rules

_SERIOUS = (Band.CERTAIN, Band.LIKELY)

_MOST_PLACES = 30
"""Places of codes shown besides those that evidence quotes; a table of fifty programmes prints each once more."""

_ADDRESSES = {
    Scheme.DOI: ("DOI", "https://doi.org/{}"),
    Scheme.BIBCODE: ("ADS", "https://ui.adsabs.harvard.edu/abs/{}/abstract"),
    Scheme.ARXIV: ("arXiv", "https://arxiv.org/abs/{}"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier and where it leads."""

    label: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One time the text was read, or why it could not be."""

    origin: str
    place: str
    format: str | None
    read_at: datetime
    refusal: str | None


@dataclass(frozen=True, slots=True)
class PaperPage:
    """One paper as the desk shows it."""

    paper_id: int
    title: str
    abstract: str
    authors: list[Author]
    more_authors: list[Author]
    where_published: str
    is_refereed: bool
    is_withdrawn: bool
    preprint_on: date | None
    identifiers: list[Identifier]
    readings: list[Reading]
    passages: list[Passage]
    candidates: list[Shown]
    selected: int | None
    """Project that the buttons act on."""
    relation: RelationKind | None
    relation_id: int
    """Number of the judgement of the relation that is in force; 0: nobody has judged it."""
    related_by: str | None
    related_at: datetime | None
    suggested_relation: RelationKind | None
    item: DeskItem | None
    remarks: Remarks
    events: list[Event]
    twins: list[Twin]

    @property
    def open_count(self) -> int:
        """Candidates worth a verdict that have none."""
        return sum(c.is_open and c.band is not Band.UNLIKELY and c.score is not None for c in self.candidates)

    @property
    def used(self) -> list[UsedProject]:
        """The projects that are accepted: whose data the paper used."""
        return [
            UsedProject(c.project_id, c.code, c.pi, c.co_is, c.is_proposed)
            for c in self.candidates
            if c.verdict is Verdict.ACCEPT
        ]

    @property
    def open_url(self) -> str | None:
        """Where the paper can be read: arXiv first, because everybody may."""
        for label in ("arXiv", "DOI", "ADS"):
            for one in self.identifiers:
                if one.label == label:
                    return one.url
        return None

    def project_after(self, project_id: int | None) -> int | None:
        """Return the project to choose after this one: the next that is shown openly, then the first again."""
        shown = [c.project_id for c in self.candidates if c.band is not Band.UNLIKELY or c.verdict or c.look_again]
        if not shown:
            return None
        return shown[(shown.index(project_id) + 1) % len(shown)] if project_id in shown else shown[0]

    def candidate(self, project_id: int) -> Shown | None:
        """Return the candidate of a project."""
        return next((c for c in self.candidates if c.project_id == project_id), None)


def paper_page(
    session: Session,
    profile: Profile,
    rules: Rules,
    read: PaperRead,
    *,
    also: Sequence[int] = (),
    selected: int | None = None,
) -> PaperPage:
    """Return the page of a paper, with the projects ``also`` among the candidates.

    ``rules`` hold the bands against which it is said what would change a verdict.
    """
    group, revision = read.ids, read.revision
    evidence, shown = candidates(session, profile, read, also)
    chosen = _selected(shown, selected)
    teams = [Team(c.code, c.pi, c.co_is) for c in _marked_teams(shown, chosen)]
    authors, more = split(marked(read.authors, teams))
    quotes = [quote for items in evidence.values() for item in items if (quote := quote_of(item))]
    printed = _printed(read.mentions, {c.code for c in shown if c.band is not None or c.verdict is not None})
    places, marks = passages([*quotes, *printed, *_unknown(read.mentions)])
    memory = remember(session, group) if any(c.look_again for c in shown) else None
    reasoned = with_reasons(shown, evidence, rules, marks, read.authors, memory)
    relation, related_by = read.relation or (None, None)
    written = remarks(session, group)
    return PaperPage(
        paper_id=read.paper_id,
        title=readable(revision.title) or "Untitled paper",
        abstract=readable(revision.abstract),
        authors=authors,
        more_authors=more,
        where_published=_where_published(revision),
        is_refereed=revision.is_refereed,
        is_withdrawn=revision.is_withdrawn,
        preprint_on=revision.preprint_on,
        identifiers=_identifiers(session, group),
        readings=[Reading(r.origin, r.place, r.format, r.read_at, r.refusal) for r in read.readings],
        passages=places,
        candidates=reasoned,
        selected=chosen,
        relation=relation.relation if relation else None,
        relation_id=(relation.id or 0) if relation else 0,
        related_by=related_by,
        related_at=relation.decided_at if relation else None,
        suggested_relation=_suggested(reasoned),
        item=read.item,
        remarks=written,
        events=history(session, read, written.acts),
        twins=twins(session, group),
    )


def _marked_teams(candidates: Sequence[Shown], selected: int | None) -> list[Shown]:
    """The projects whose people are marked among the authors: the one chosen and the best that are proposed."""
    chosen = [c for c in candidates if c.project_id == selected]
    others = [c for c in candidates if c.project_id != selected and (c.band in _SERIOUS or c.verdict is Verdict.ACCEPT)]
    return chosen + others[:6]


def _selected(candidates: Sequence[Shown], wanted: int | None) -> int | None:
    """The candidate asked for (0: none on purpose), else the first: the best that waits."""
    if wanted == 0:
        return None
    if any(c.project_id == wanted for c in candidates):
        return wanted
    return candidates[0].project_id if candidates else None


def _suggested(candidates: Sequence[Shown]) -> RelationKind | None:
    """Science where a certain candidate waits: its code stands where authors say whose data they used.

    Nothing is preselected otherwise; a person must say it.
    """
    return RelationKind.SCIENCE if any(c.is_open and c.band is Band.CERTAIN for c in candidates) else None


def _where_published(revision: PaperRevision) -> str:
    if has_journal_record(revision):
        parts = [revision.journal, revision.volume, revision.page]
        return " ".join(p for p in parts if p) + (f" ({revision.year})" if revision.year else "")
    if revision.preprint_on:
        version = f" v{revision.arxiv_version}" if revision.arxiv_version else ""
        return f"Preprint{version} of {revision.preprint_on:%Y-%m-%d}, no journal record yet"
    return str(revision.year) if revision.year else "Journal and year unknown"


def _printed(mentions: Sequence[Mentioned], codes: Collection[str]) -> list[Quote]:
    """Return the places in which the texts print the codes of these projects: evidence quotes but the most telling."""
    return [_quote(one.mention) for one in mentions if one.mention.code in codes][:_MOST_PLACES]


def _unknown(mentions: Sequence[Mentioned]) -> list[Quote]:
    """Return the quotes of codes that are not in the project list, as ``queue.unknown_code_mentions`` selects them."""
    rows = [one.mention for one in mentions if not one.is_known]
    return [_quote(row) for row in rows if row.in_registry is False and row.is_use is not False][:_MOST_PLACES]


def _quote(row: TextMention) -> Quote:
    return Quote(row.part, row.page, row.stands_in, row.start, row.end, row.context, row.context_start, row.line)


def _identifiers(session: Session, group: Sequence[int]) -> list[Identifier]:
    rows = session.exec(
        select(PaperIdentifier).where(col(PaperIdentifier.paper_id).in_(group)).order_by(col(PaperIdentifier.id))
    ).all()
    found = []
    for scheme, (label, address) in _ADDRESSES.items():
        found += [Identifier(label, r.value, address.format(quoted(r.value))) for r in rows if r.scheme is scheme]
    return found
