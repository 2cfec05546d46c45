"""Reads everything one paper page shows into dataclasses, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import log
from urllib.parse import quote as quoted

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.errors import NotFound
from biblio.observatory import Profile
from biblio.store.current import group_ids, survivor_of
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    DeskItem,
    EvidenceItem,
    Link,
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
    TextReading,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, RelationKind, Scheme, Verdict
from biblio.verify.authors import Author, Team, marked, split
from biblio.verify.history import Event, Twin, history, twins
from biblio.verify.queue import has_journal_record, unknown_code_mentions
from biblio.verify.quotes import Passage, Quote, passages
from biblio.verify.readable import readable

KIND_WORDS = {
    "code": "code",
    "code_repaired": "repaired",
    "stranger": "team",
    "pi": "PI",
    "co_is": "co-Is",
    "team": "team",
    "targets": "targets",
    "title": "title",
    "abstract": "abstract",
    "dates": "dates",
    "observatory": "telescope",
    "rivals": "rival",
    "limit": "limit",
    "prior": "start",
}
"""The short label of each kind of evidence."""

_SERIOUS = (Band.CERTAIN, Band.LIKELY)

_ADDRESSES = {
    Scheme.DOI: ("DOI", "https://doi.org/{}"),
    Scheme.BIBCODE: ("ADS", "https://ui.adsabs.harvard.edu/abs/{}/abstract"),
    Scheme.ARXIV: ("arXiv", "https://arxiv.org/abs/{}"),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason as the page draws it. ``width`` is the bar's length, 0–50 of 100; ``mark`` the quote it rests on."""

    label: str
    sentence: str
    contribution: float
    width: float
    mark: str | None
    author: int | None
    """Position of the author the sentence speaks of."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One candidate project, or one a person looked for (then without score). ``version`` is that of its link."""

    project_id: int
    code: str
    title: str
    pi: str | None
    co_is: tuple[str, ...]
    cycle: str | None
    partner: str | None
    targets: tuple[str, ...]
    released_on: date | None
    archive_url: str | None
    score: float | None = None
    band: Band | None = None
    revision_id: int | None = None
    look_again: bool = False
    evidence: tuple[Evidence, ...] = ()
    version: int = 0
    verdict: Verdict | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def log_odds(self) -> float | None:
        """The sum of the contributions."""
        if self.score is None:
            return None
        score = min(max(self.score, 1e-12), 1 - 1e-12)
        return log(score / (1 - score))

    @property
    def is_open(self) -> bool:
        """Whether it waits for a verdict."""
        return self.verdict is None or self.look_again


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
    related_by: str | None
    related_at: datetime | None
    suggested_relation: RelationKind | None
    item: DeskItem | None
    events: list[Event]
    twins: list[Twin]

    @property
    def open_count(self) -> int:
        """Candidates worth a verdict that have none."""
        return sum(c.is_open and c.band is not Band.UNLIKELY and c.score is not None for c in self.candidates)

    @property
    def open_url(self) -> str | None:
        """Where the paper can be read: arXiv first, because everybody may."""
        for label in ("arXiv", "DOI", "ADS"):
            for one in self.identifiers:
                if one.label == label:
                    return one.url
        return None

    def candidate(self, project_id: int) -> Shown | None:
        """Return the candidate of a project."""
        return next((c for c in self.candidates if c.project_id == project_id), None)


def paper_page(
    session: Session, profile: Profile, paper_id: int, *, also: Sequence[int] = (), selected: int | None = None
) -> PaperPage:
    """Return the page of a paper (of its survivor), with the projects ``also`` among the candidates.

    Raises ``NotFound`` for an unknown paper.
    """
    survivor = survivor_of(session, paper_id)
    if survivor is None:
        raise NotFound(f"There is no paper number {paper_id}.")
    group = group_ids(session, survivor)
    revision = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == survivor, col(PaperRevision.superseded_at).is_(None))
    ).first() or PaperRevision(paper_id=survivor, learned_at=session.get_one(Paper, survivor).first_seen_at)
    evidence, shown = _candidates(session, profile, group, also)
    names = _authors(session, revision)
    chosen = _selected(shown, selected)
    teams = [Team(c.code, c.pi, c.co_is) for c in _marked_teams(shown, chosen)]
    authors, more = split(marked(names, teams))
    places, candidates = _with_evidence(session, group, shown, evidence, names)
    relation, related_by, related_at = _relation(session, group)
    return PaperPage(
        paper_id=survivor,
        title=readable(revision.title) or "Untitled paper",
        abstract=readable(revision.abstract),
        authors=authors,
        more_authors=more,
        where_published=_where_published(revision),
        is_refereed=revision.is_refereed,
        is_withdrawn=revision.is_withdrawn,
        preprint_on=revision.preprint_on,
        identifiers=_identifiers(session, group),
        readings=_readings(session, group),
        passages=places,
        candidates=candidates,
        selected=chosen,
        relation=relation,
        related_by=related_by,
        related_at=related_at,
        suggested_relation=_suggested(candidates),
        item=session.get(DeskItem, survivor),
        events=history(session, group),
        twins=twins(session, group),
    )


def _with_evidence(
    session: Session,
    group: Sequence[int],
    candidates: Sequence[Shown],
    evidence: Mapping[int, list[EvidenceItem]],
    names: Sequence[tuple[int, str, str | None]],
) -> tuple[list[Passage], list[Shown]]:
    """Return the passages with their quotes marked, and the candidates with evidence that names those marks."""
    quotes = [q for items in evidence.values() for e in items if (q := _quote(e))]
    places, marks = passages([*quotes, *_unknown(session, group)])
    return places, [replace(c, evidence=_evidence(evidence.get(c.project_id, []), marks, names)) for c in candidates]


def _rank(candidate: Shown) -> int:
    """Waiting ones worth a verdict first, then those that have one, then what is unlikely."""
    if candidate.is_open and (candidate.band is not Band.UNLIKELY or candidate.look_again):
        return 0
    return 1 if candidate.verdict is not None else 2


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


def _candidates(
    session: Session, profile: Profile, group: Sequence[int], also: Sequence[int]
) -> tuple[dict[int, list[EvidenceItem]], list[Shown]]:
    """Return the evidence by project, and all candidates: waiting ones by score, then judged and looked-for ones."""
    proposed = session.execute(
        sa.select(Candidate, CandidateRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(Candidate.paper_id).in_(group), col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(CandidateRevision.score).desc(), col(Candidate.id))
    ).all()
    links = _links(session, group)
    by_project = {candidate.project_id: (candidate, revision) for candidate, revision in reversed(proposed)}
    order = list(dict.fromkeys([*also, *(c.project_id for c, _ in proposed), *links]))
    projects = shown_projects(session, profile, order)
    shown = []
    for project_id in order:
        if project_id not in projects:
            continue
        one = projects[project_id]
        if project_id in by_project:
            candidate, revision = by_project[project_id]
            one = replace(
                one,
                score=revision.score,
                band=revision.band,
                revision_id=revision.id,
                look_again=candidate.look_again,
            )
        if project_id in links:
            link, name = links[project_id]
            one = replace(one, version=link.version, verdict=link.verdict, decided_by=name, decided_at=link.decided_at)
        shown.append(one)
    shown.sort(key=lambda c: (c.project_id not in also, _rank(c), -(c.score or 0.0)))
    return _evidence_items(session, {p: r.id for p, (_, r) in by_project.items() if r.id is not None}), shown


def _links(session: Session, group: Sequence[int]) -> dict[int, tuple[Link, str]]:
    """Return project → (the link in force, who decided it)."""
    return {
        link.project_id: (link, name)
        for link, name in session.execute(
            sa.select(Link, col(UserAccount.name))
            .join(Decision, col(Decision.id) == col(Link.decision_id))
            .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
            .where(col(Link.paper_id).in_(group), col(Link.ended_at).is_(None))
            .order_by(col(Link.id))
        )
    }


def shown_projects(session: Session, profile: Profile, project_ids: Sequence[int]) -> dict[int, Shown]:
    """Return projects as the page shows them, by id, without score or verdict."""
    released = dict(
        session.execute(
            sa.select(col(ObservationUnit.project_id), sa.func.max(col(UnitRevision.released_on)))
            .join(UnitRevision, col(UnitRevision.unit_id) == col(ObservationUnit.id))
            .where(
                col(ObservationUnit.project_id).in_(project_ids),
                col(UnitRevision.superseded_at).is_(None),
                col(UnitRevision.released_on).not_in(profile.asking.no_release_date),
            )
            .group_by(col(ObservationUnit.project_id))
        ).all()
    )
    rows = session.execute(
        sa.select(Project, ProjectRevision)
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(col(Project.id).in_(project_ids))
    )
    return {project.id: _shown(project, facts, profile, released.get(project.id)) for project, facts in rows}


def _shown(project: Project, facts: ProjectRevision | None, profile: Profile, released: date | None) -> Shown:
    assert project.id is not None
    cycle = profile.cycle(project.cycle) if project.cycle else None
    partner = profile.partner(facts.partner) if facts else None
    address = profile.observatory.archive_project_url
    return Shown(
        project_id=project.id,
        code=project.code,
        title=readable(facts.title if facts else None) or "Untitled project",
        pi=facts.pi if facts else None,
        co_is=tuple(facts.co_is) if facts else (),
        cycle=cycle.name if cycle else project.cycle,
        partner=partner.name if partner else (facts.partner if facts else None),
        targets=tuple(facts.targets) if facts else (),
        released_on=released,
        archive_url=address.format(code=quoted(project.code)) if address else None,
    )


def _evidence_items(session: Session, revisions: Mapping[int, int]) -> dict[int, list[EvidenceItem]]:
    projects = {revision: project for project, revision in revisions.items()}
    found: dict[int, list[EvidenceItem]] = {}
    for item in session.exec(
        select(EvidenceItem)
        .where(col(EvidenceItem.revision_id).in_(list(projects)))
        .order_by(col(EvidenceItem.revision_id), col(EvidenceItem.ordinal))
    ):
        found.setdefault(projects[item.revision_id], []).append(item)
    return found


def _quote(item: EvidenceItem) -> Quote | None:
    if item.context is None or item.context_start is None or item.start is None or item.end is None:
        return None
    return Quote(
        item.part or "", item.page, item.stands_in or "unknown", item.start, item.end, item.context, item.context_start
    )


def _unknown(session: Session, group: Sequence[int]) -> list[Quote]:
    """Return the quotes of codes that are not in the project list."""
    return [
        Quote(m.part, m.page, m.stands_in, m.start, m.end, m.context, m.context_start)
        for m in session.execute(unknown_code_mentions(group)).scalars()
    ]


def _evidence(
    items: Sequence[EvidenceItem],
    marks: Mapping[tuple[str, int, int], str],
    names: Sequence[tuple[int, str, str | None]],
) -> tuple[Evidence, ...]:
    most = max((abs(item.contribution) for item in items), default=1.0) or 1.0
    positions = {name: position for position, name, _ in reversed(names)}
    shown = []
    for item in items:
        quote = _quote(item)
        shown.append(
            Evidence(
                label=KIND_WORDS.get(item.kind, item.kind.replace("_", " ")),
                sentence=readable(item.sentence),
                contribution=item.contribution,
                width=round(50 * abs(item.contribution) / most, 2),
                mark=marks.get(quote.key) if quote else None,
                author=positions.get(item.quote or "") if item.stands_in == "authors" else None,
            )
        )
    return tuple(shown)


def _authors(session: Session, revision: PaperRevision) -> list[tuple[int, str, str | None]]:
    rows = session.exec(
        select(PaperAuthor).where(col(PaperAuthor.revision_id) == revision.id).order_by(col(PaperAuthor.position))
    )
    return [(row.position, row.name, row.affiliation) for row in rows]


def _identifiers(session: Session, group: Sequence[int]) -> list[Identifier]:
    rows = session.exec(
        select(PaperIdentifier).where(col(PaperIdentifier.paper_id).in_(group)).order_by(col(PaperIdentifier.id))
    ).all()
    found = []
    for scheme, (label, address) in _ADDRESSES.items():
        found += [Identifier(label, r.value, address.format(quoted(r.value))) for r in rows if r.scheme is scheme]
    return found


def _readings(session: Session, group: Sequence[int]) -> list[Reading]:
    rows = session.exec(
        select(TextReading)
        .where(col(TextReading.paper_id).in_(group), col(TextReading.superseded_at).is_(None))
        .order_by(col(TextReading.id))
    )
    return [Reading(r.origin, r.place, r.format, r.read_at, r.refusal) for r in rows]


def _relation(session: Session, group: Sequence[int]) -> tuple[RelationKind | None, str | None, datetime | None]:
    row = session.execute(
        sa.select(col(PaperRelation.relation), col(UserAccount.name), col(PaperRelation.decided_at))
        .join(UserAccount, col(UserAccount.id) == col(PaperRelation.actor_id))
        .where(col(PaperRelation.paper_id).in_(group), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id).desc())
    ).first()
    return (row[0], row[1], row[2]) if row else (None, None, None)
