"""Reads the candidate projects of one paper as its page shows them: facts, verdict, evidence, and what it hangs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import quote as quoted

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.memory import Memory
from biblio.catalogue.readable import readable
from biblio.observatory import Profile
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    EvidenceItem,
    Link,
    ObservationUnit,
    Project,
    ProjectRevision,
    UnitRevision,
)
from biblio.store.words import Band, Verdict
from biblio.verify.paper.quotes import Quote
from biblio.verify.paper.read import Decided, PaperRead
from matching import evidence as matched
from matching.explain import explain
from matching.rules import Rules

KIND_WORDS = {
    "code": "code",
    "code_repaired": "repaired",
    "code_near": "near code",
    "stranger": "team",
    "archival": "archive",
    "pi": "PI",
    "co_is": "co-Is",
    "team": "team",
    "targets": "targets",
    "title": "title",
    "abstract": "abstract",
    "dates": "dates",
    "observatory": "telescope",
    "rivals": "others",
    "limit": "limit",
    "unknown": "unknown",
    "prior": "start",
}
"""The short label of each kind of evidence."""


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
    brought_by: str | None = None
    """Which version or source brought it since the judgement that it speaks against; None: it is no news."""


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
    is_proposed: bool
    """Whether somebody proposed it, so that it has a team; else its data are everybody's from the start."""
    released_on: date | None
    archive_url: str | None
    score: float | None = None
    band: Band | None = None
    revision_id: int | None = None
    model_version: str | None = None
    """The learned model that weighed the evidence; ``None``: the profile's weights did."""
    log_odds: float | None = None
    """The sum of the contributions."""
    runner_up: str = ""
    would_change: tuple[str, ...] = ()
    look_again: bool = False
    evidence: tuple[Evidence, ...] = ()
    version: int = 0
    verdict: Verdict | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    seen_at: datetime | None = None
    """When the judgement was made that new evidence speaks against: of this project, or of the whole paper."""

    @property
    def news(self) -> list[Evidence]:
        """What speaks against the judgement that was not there when it was made."""
        return [one for one in self.evidence if one.brought_by]

    @property
    def is_open(self) -> bool:
        """Whether it waits for a verdict."""
        return self.verdict is None or self.look_again


def candidates(
    session: Session, profile: Profile, read: PaperRead, also: Sequence[int]
) -> tuple[dict[int, list[EvidenceItem]], list[Shown]]:
    """Return the evidence by project, and all candidates: waiting ones by score, then judged and looked-for ones.

    They come without their evidence: ``with_reasons`` adds it when the quotes of the whole page are known.
    """
    proposed = session.execute(
        sa.select(Candidate, CandidateRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(Candidate.paper_id).in_(read.ids), col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(CandidateRevision.score).desc(), col(Candidate.id))
    ).all()
    links = _links(read.decisions)
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
                model_version=revision.model_version,
                look_again=candidate.look_again,
            )
        if project_id in links:
            link, name = links[project_id]
            one = replace(one, version=link.version, verdict=link.verdict, decided_by=name, decided_at=link.decided_at)
        shown.append(one)
    shown.sort(key=lambda c: (c.project_id not in also, _rank(c), -(c.score or 0.0)))
    return _evidence_items(session, {p: r.id for p, (_, r) in by_project.items() if r.id is not None}), shown


def _rank(candidate: Shown) -> int:
    """Waiting ones worth a verdict first, then those that have one, then what is unlikely."""
    if candidate.is_open and (candidate.band is not Band.UNLIKELY or candidate.look_again):
        return 0
    return 1 if candidate.verdict is not None else 2


def _links(decided: Sequence[Decided]) -> dict[int, tuple[Link, str]]:
    """Return project → (the link in force, who decided it)."""
    live = sorted(((one.link, one.who) for one in decided if one.link is not None), key=lambda told: told[0].id or 0)
    return {link.project_id: (link, who) for link, who in live}


def shown_projects(session: Session, profile: Profile, project_ids: Sequence[int]) -> dict[int, Shown]:
    """Return projects as the page shows them, by id, without score or verdict."""
    released = (
        sa.select(sa.func.max(col(UnitRevision.released_on)))
        .join(ObservationUnit, col(ObservationUnit.id) == col(UnitRevision.unit_id))
        .where(
            col(ObservationUnit.project_id) == col(Project.id),
            col(UnitRevision.superseded_at).is_(None),
            col(UnitRevision.released_on).not_in(profile.asking.no_release_date),
        )
        .correlate(Project)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Project, ProjectRevision, released)
        .outerjoin(
            ProjectRevision,
            sa.and_(col(ProjectRevision.project_id) == col(Project.id), col(ProjectRevision.superseded_at).is_(None)),
        )
        .where(col(Project.id).in_(project_ids))
    )
    return {project.id: _shown(project, facts, profile, released_on) for project, facts, released_on in rows}


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
        is_proposed=project.is_pi_project,
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


@dataclass(frozen=True, slots=True)
class _Judged:
    """A stored candidate as ``matching.explain`` reads it."""

    project_code: str
    band: str
    evidence: tuple[matched.Evidence, ...]


def with_reasons(
    shown: Sequence[Shown],
    items: Mapping[int, list[EvidenceItem]],
    rules: Rules,
    marks: Mapping[tuple[str, int, int], str],
    names: Sequence[tuple[int, str, str | None]],
    memory: Memory | None,
) -> list[Shown]:
    """Return the candidates with their evidence, the runner-up, and what would change their bands.

    ``marks`` are the page's quotes by place, ``names`` the paper's authors: evidence leads to them. ``memory`` tells
    which of it is new since somebody judged (None: no candidate was re-opened).
    """
    scored = [one for one in shown if one.band is not None]
    told = explain([_judged(one, items.get(one.project_id, [])) for one in scored], rules)
    by_project = {one.project_id: explanation for one, explanation in zip(scored, told, strict=True)}
    found = []
    for one in shown:
        own = items.get(one.project_id, [])
        said = memory.judgement(one.project_id) if memory is not None and one.look_again else None
        told_news = memory.new_reasons(one.project_id, one.band, own) if memory and said and one.band else []
        evidence = _evidence(own, marks, names, {id(item): brought for item, brought in told_news})
        complete = replace(one, evidence=evidence, seen_at=said.made_at if said else None)
        if (explanation := by_project.get(one.project_id)) is not None:
            complete = replace(
                complete,
                log_odds=explanation.log_odds,
                runner_up=explanation.runner_up.sentence,
                would_change=explanation.would_change,
            )
        found.append(complete)
    return found


def _judged(one: Shown, items: Sequence[EvidenceItem]) -> _Judged:
    assert one.band is not None
    return _Judged(
        one.code,
        one.band.value,
        tuple(
            matched.Evidence(i.kind, i.value, i.contribution, i.sentence, i.quote, i.start, i.end, i.stands_in)
            for i in items
        ),
    )


def quote_of(item: EvidenceItem) -> Quote | None:
    """Return the quote a reason rests on, in the passage kept around it."""
    if item.context is None or item.context_start is None or item.start is None or item.end is None:
        return None
    return Quote(
        item.part or "",
        item.page,
        item.stands_in or "unknown",
        item.start,
        item.end,
        item.context,
        item.context_start,
        item.line,
    )


def _evidence(
    items: Sequence[EvidenceItem],
    marks: Mapping[tuple[str, int, int], str],
    names: Sequence[tuple[int, str, str | None]],
    news: Mapping[int, str],
) -> tuple[Evidence, ...]:
    most = max((abs(item.contribution) for item in items), default=1.0) or 1.0
    positions = {name: position for position, name, _ in reversed(names)}
    shown = []
    for item in items:
        quote = quote_of(item)
        shown.append(
            Evidence(
                label=KIND_WORDS.get(item.kind, item.kind.replace("_", " ")),
                sentence=readable(item.sentence),
                contribution=item.contribution,
                width=round(50 * abs(item.contribution) / most, 2),
                mark=marks.get(quote.key) if quote else None,
                author=positions.get(item.quote or "") if item.stands_in == "authors" else None,
                brought_by=news.get(id(item)),
            )
        )
    return tuple(shown)
