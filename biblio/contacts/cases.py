"""The preprints that use our data, and how each stands: facts from the store put before the rule in ``faults``.

A case is a paper on arXiv without a journal's record, not withdrawn and no older than a preprint counts (profile), which
a librarian judged to be science with our data, or, while nobody has judged, that reads so and has a certain or likely
candidate. Papers under blind second reading are none: the list would tell what the first reader decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.press import expectations, has_journal_record
from biblio.catalogue.press_words import Expected
from biblio.catalogue.readable import readable
from biblio.clock import months_after
from biblio.contacts.faults import Believed, Finding, Standing, find_fault
from biblio.contacts.texts import Texts, texts_of
from biblio.runtime import Runtime
from biblio.store.current import survivor_id, under_second_reading
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    ContactCase,
    Link,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
)
from biblio.store.words import NEVER_PREPRINTS, Band, RelationKind, Scheme, Verdict

STATEMENT = "statement"
"""The table of phrases (``relation.toml``) that holds the sentences by which a paper states that it uses the data."""

BATCH = 300

_NAME_MOST = 120


@dataclass(frozen=True, slots=True)
class Team:
    """The PI of a believed project with the address the project list gives."""

    code: str
    pi: str
    email: str


@dataclass(frozen=True, slots=True)
class Case:
    """One preprint that uses our data. ``newest`` is arXiv's version as last harvested; ``why`` it is on the list."""

    paper_id: int
    title: str
    authors: tuple[str, ...]
    arxiv_id: str
    newest: int | None
    is_judged: bool
    believed: Believed
    finding: Finding
    expected: Expected | None
    texts: Texts
    teams: tuple[Team, ...] = ()

    @property
    def why(self) -> str:
        """Why the paper is taken for one that uses our data."""
        if self.is_judged:
            return "judged science by a librarian"
        codes = sorted(self.believed.certain) or sorted(self.believed.likely)
        band = "certain" if self.believed.certain else "likely"
        return f"not judged yet; reads like science, {band} candidate {', '.join(codes[:3])}"


@dataclass(slots=True)
class _Facts:
    """What is known of a batch of papers, by survivor's id."""

    revisions: dict[int, PaperRevision] = field(default_factory=dict)
    authors: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    arxiv: dict[int, str] = field(default_factory=dict)
    relations: dict[int, RelationKind] = field(default_factory=dict)
    believed: dict[int, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    teams: dict[str, Team] = field(default_factory=dict)


def cases_of(session: Session, runtime: Runtime, paper_ids: Iterable[int]) -> dict[int, Case]:
    """Return the cases among these papers (survivors' ids); the number of statements is the same up to BATCH papers."""
    today = runtime.clock.today()
    found: dict[int, Case] = {}
    ids = sorted(set(paper_ids))
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        facts = _gather(session, batch)
        hidden = under_second_reading(session, batch)
        kept = [i for i in batch if i not in hidden and _is_wanted(i, facts, runtime, today)]
        texts = texts_of(session, runtime, kept)
        expected = expectations(session, kept, today)
        for paper_id in kept:
            case = _case(paper_id, facts, texts.get(paper_id, Texts()), expected.get(paper_id), runtime)
            if case is not None:
                found[paper_id] = case
    return found


def is_preprint(revision: PaperRevision) -> bool:
    """Whether a paper has no article yet, and may get one."""
    return not (
        revision.is_withdrawn
        or revision.is_refereed
        or has_journal_record(revision)
        or revision.kind in NEVER_PREPRINTS
    )


def _is_wanted(paper_id: int, facts: _Facts, runtime: Runtime, today: date) -> bool:
    revision = facts.revisions.get(paper_id)
    if revision is None or paper_id not in facts.arxiv or not is_preprint(revision) or revision.preprint_on is None:
        return False
    if today > months_after(revision.preprint_on, runtime.profile.asking.preprint_counts_months):
        return False
    if paper_id in facts.relations:
        return facts.relations[paper_id] is RelationKind.SCIENCE
    believed = facts.believed[paper_id]
    return bool(believed["certain"] or believed["likely"] or believed["accepted"])


@dataclass(frozen=True, slots=True)
class Look:
    """How a paper stands now, whether it is a case or not: what is shown of it, what was found, how it was judged."""

    revision: PaperRevision
    finding: Finding
    relation: RelationKind | None


def look_at(session: Session, runtime: Runtime, paper_ids: Sequence[int]) -> dict[int, Look]:
    """Return how these papers (survivors' ids, at most BATCH) stand by their newest texts; articles, too."""
    facts = _gather(session, paper_ids)
    texts = texts_of(session, runtime, paper_ids)
    return {
        paper_id: Look(
            revision, _finding(paper_id, facts, texts.get(paper_id, Texts()), runtime)[0], facts.relations.get(paper_id)
        )
        for paper_id, revision in facts.revisions.items()
    }


def _finding(paper_id: int, facts: _Facts, texts: Texts, runtime: Runtime) -> tuple[Finding, Believed]:
    codes = facts.believed[paper_id]
    believed = Believed(*(frozenset(codes[name]) for name in ("accepted", "certain", "likely", "refused")))
    if texts.refusal and texts.newest is None:
        return Finding(Standing.UNREAD, f"The text could not be read: {texts.refusal}"), believed
    judges = any(table.get("key") == STATEMENT for table in runtime.profile.relation["phrases"])
    newest = facts.revisions[paper_id].arxiv_version
    return find_fault(texts.newest, texts.elsewhere, believed, newest=newest, judges_statements=judges), believed


def _case(paper_id: int, facts: _Facts, texts: Texts, expected: Expected | None, runtime: Runtime) -> Case | None:
    is_judged = paper_id in facts.relations
    if not is_judged and texts.newest is not None and texts.proposed != RelationKind.SCIENCE.value:
        return None
    revision = facts.revisions[paper_id]
    codes = facts.believed[paper_id]
    finding, believed = _finding(paper_id, facts, texts, runtime)
    ranked = [code for name in ("accepted", "certain", "likely") for code in sorted(codes[name])]
    return Case(
        paper_id=paper_id,
        title=readable(revision.title) or "(without a title)",
        authors=tuple(facts.authors.get(paper_id, ())),
        arxiv_id=facts.arxiv[paper_id],
        newest=revision.arxiv_version,
        is_judged=is_judged,
        believed=believed,
        finding=finding,
        expected=expected,
        texts=texts,
        teams=tuple(facts.teams[code] for code in dict.fromkeys(ranked) if code in facts.teams),
    )


# -- gathering --------------------------------------------------------------------------------------------------------


def _gather(session: Session, ids: Sequence[int]) -> _Facts:
    facts = _Facts()
    rows = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id).in_(ids), col(PaperRevision.superseded_at).is_(None))
    )
    facts.revisions = {row.paper_id: row for row in rows}
    owner = {row.id: paper_id for paper_id, row in facts.revisions.items()}
    for revision_id, name in session.execute(
        sa.select(col(PaperAuthor.revision_id), col(PaperAuthor.name))
        .where(col(PaperAuthor.revision_id).in_(list(owner)))
        .order_by(col(PaperAuthor.revision_id), col(PaperAuthor.position))
    ):
        facts.authors[owner[revision_id]].append(readable(name)[:_NAME_MOST])
    survivor = survivor_id()
    of_group = sa.or_(col(Paper.id).in_(ids), col(Paper.merged_into_id).in_(ids))
    for paper_id, value in session.execute(
        sa.select(survivor, col(PaperIdentifier.value))
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .where(of_group, col(PaperIdentifier.scheme) == Scheme.ARXIV)
        .order_by(col(PaperIdentifier.id))
    ):
        facts.arxiv.setdefault(paper_id, value)
    for paper_id, relation in session.execute(
        sa.select(survivor, col(PaperRelation.relation))
        .join(PaperRelation, col(PaperRelation.paper_id) == col(Paper.id))
        .where(of_group, col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id))
    ):
        facts.relations[paper_id] = relation
    _gather_believed(session, facts, ids)
    return facts


def _gather_believed(session: Session, facts: _Facts, ids: Sequence[int]) -> None:
    survivor = survivor_id()
    of_group = sa.or_(col(Paper.id).in_(ids), col(Paper.merged_into_id).in_(ids))
    verdicts: dict[tuple[int, int], Verdict] = {}
    codes: dict[int, str] = {}
    for paper_id, project_id, code, verdict in session.execute(
        sa.select(survivor, col(Link.project_id), col(Project.code), col(Link.verdict))
        .join(Link, col(Link.paper_id) == col(Paper.id))
        .join(Project, col(Project.id) == col(Link.project_id))
        .where(of_group, col(Link.ended_at).is_(None))
        .order_by(col(Link.id))
    ):
        verdicts[paper_id, project_id] = verdict
        codes[project_id] = code
    words = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "refused"}
    for (paper_id, project_id), verdict in verdicts.items():
        if verdict in words:
            facts.believed[paper_id][words[verdict]].add(codes[project_id])
    for paper_id, project_id, code, band in session.execute(
        sa.select(survivor, col(Candidate.project_id), col(Project.code), col(CandidateRevision.band))
        .join(Candidate, col(Candidate.paper_id) == col(Paper.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .where(of_group, col(CandidateRevision.superseded_at).is_(None), col(CandidateRevision.band) != Band.UNLIKELY)
    ):
        codes[project_id] = code
        if (paper_id, project_id) not in verdicts:
            facts.believed[paper_id][band.value].add(code)
    _gather_teams(session, facts, codes)


def _gather_teams(session: Session, facts: _Facts, codes: dict[int, str]) -> None:
    rows = session.exec(
        select(ProjectRevision).where(
            col(ProjectRevision.project_id).in_(list(codes)), col(ProjectRevision.superseded_at).is_(None)
        )
    )
    for row in rows:
        if row.pi and row.pi_email:
            facts.teams[codes[row.project_id]] = Team(codes[row.project_id], row.pi, row.pi_email)


# -- the list ---------------------------------------------------------------------------------------------------------


def possible_ids(session: Session, runtime: Runtime) -> list[int]:
    """Return the survivors' ids of all papers that may be cases, and of those that were: more than the cases."""
    survivor = survivor_id()
    judged = (
        sa.select(survivor)
        .join(PaperRelation, col(PaperRelation.paper_id) == col(Paper.id))
        .where(col(PaperRelation.ended_at).is_(None), col(PaperRelation.relation) == RelationKind.SCIENCE)
    )
    proposed = (
        sa.select(survivor)
        .join(Candidate, col(Candidate.paper_id) == col(Paper.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(CandidateRevision.superseded_at).is_(None), col(CandidateRevision.band) != Band.UNLIKELY)
    )
    oldest = months_after(runtime.clock.today(), -runtime.profile.asking.preprint_counts_months - 1)
    young = sa.select(col(PaperRevision.paper_id)).where(
        col(PaperRevision.superseded_at).is_(None),
        col(PaperRevision.is_refereed).is_(False),
        col(PaperRevision.is_withdrawn).is_(False),
        col(PaperRevision.preprint_on) >= oldest,
    )
    found = set(session.execute(young).scalars())
    found &= set(session.execute(judged).scalars()) | set(session.execute(proposed).scalars())
    return sorted(found | set(session.exec(select(ContactCase.paper_id))))


def refresh_cases(session: Session, runtime: Runtime, paper_ids: Sequence[int]) -> int:
    """Bring the list in step for these papers; return how many of its rows changed."""
    now = runtime.clock.now()
    cases = cases_of(session, runtime, paper_ids)
    before: dict[int, ContactCase] = {}
    for chunk in chunks(paper_ids):
        before |= {r.paper_id: r for r in session.exec(select(ContactCase).where(col(ContactCase.paper_id).in_(chunk)))}
    changed = 0
    for paper_id in set(before) - set(cases):
        session.delete(before[paper_id])
        changed += 1
    for paper_id, case in cases.items():
        row, old = _row(case, now), before.get(paper_id)
        if old is None:
            session.add(row)
            changed += 1
        elif row.model_dump(exclude={"looked_at"}) != old.model_dump(exclude={"looked_at"}):
            old.sqlmodel_update(row.model_dump())
            session.add(old)
            changed += 1
    session.flush()
    return changed


def _row(case: Case, now: datetime) -> ContactCase:
    return ContactCase(
        paper_id=case.paper_id,
        standing=case.finding.standing.value,
        fault=case.finding.fault,
        title=case.title,
        journal=case.expected.journal if case.expected else None,
        version=case.finding.version,
        press_on=case.expected.day if case.expected else None,
        press_reason=case.expected.reason if case.expected else "",
        is_judged=case.is_judged,
        looked_at=now,
    )
