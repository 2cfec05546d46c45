"""The job ``match``: proposes projects for papers whose facts, texts, project list or rules changed since last time.

What a paper was matched with is kept as a hash and committed together with its candidates, so a run that was killed
goes on where it stopped, and a second run over the same facts adds no rows. The matcher works outside any transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.links import EvidenceFacts, SuggestCounts, Suggestion, suggest
from biblio.catalogue.reported import of_papers
from biblio.errors import RequestRefused
from biblio.jobs import Job, JobContext
from biblio.runtime import Runtime, biblio_version
from biblio.store.current import survivor_of
from biblio.store.models import DeskItem, Paper, PaperMatch
from biblio.store.words import Band
from biblio.verify.proposing import ranking_models
from biblio.verify.proposing.facts import PaperInput, Passage, Projects, load_papers, load_projects, stored_digests
from biblio.verify.proposing.kept import worth_keeping
from biblio.verify.proposing.reported import with_reports
from biblio.verify.queue.items import refresh
from biblio.verify.queue.tally import true_up
from matching.codes import Registry
from matching.evidence import Evidence
from matching.propose import Candidate, Proposer
from matching.ranking import feature_version
from matching.trees import Model

WALK = 500
"""Papers whose hashes are compared at a time."""

BATCH = 50
"""Papers per transaction: a kill costs at most so many."""

AROUND = 150
"""Characters kept on each side of a quote from a title or abstract."""


@dataclass(frozen=True)
class World:
    """What all papers are compared with: one project list, one set of rules; indexed when a paper first needs it.

    ``model`` ranks the candidates (``model_id`` is its row); None: the profile's weights. ``problem`` says why the model
    that was put in force is not the one.
    """

    runtime: Runtime
    projects: Projects
    model: Model | None = None
    problem: str | None = None
    model_id: int | None = None

    @cached_property
    def proposer(self) -> Proposer:
        """The matcher, its indexes built once per run and only when a paper needs it."""
        runtime = self.runtime
        return Proposer(self.projects.facts, runtime.rules, runtime.grammar, runtime.keywords, self.model)

    @cached_property
    def registry(self) -> Registry:
        """The known codes."""
        return Registry(self.runtime.grammar, self.projects.ids)

    @cached_property
    def model_version(self) -> str | None:
        """What tells the model from others; None: the profile's weights."""
        return self.model.version if self.model else None

    @cached_property
    def digest(self) -> str:
        """A hash of the project list, the rules, the model and the version of the matcher."""
        profile = self.runtime.profile
        plain: list[Any] = [
            biblio_version(),
            dict(profile.rules),
            dict(profile.keywords),
            dict(profile.codes),
            [asdict(f) for f in self.projects.facts],
            feature_version(),
            self.model_version,
        ]
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def world_of_today(runtime: Runtime) -> World:
    """Return today's projects and rules with the model in force; with the profile's weights where that is no use.

    Raises ``RequestRefused`` when there is no project list to compare with.
    """
    with runtime.store.reading() as session:
        projects = load_projects(session, runtime.profile)
        ranking = ranking_models.in_force(session, runtime.rules)
    if not projects.facts:
        raise RequestRefused("There are no projects to match with: run `biblio projects fetch` or `import` first.")
    return World(runtime, projects, ranking.model, ranking.problem, ranking.model_id)


def run_match(context: JobContext) -> None:
    """Match every paper that is due (with the argument ``all``: every paper), then put the queue in step with today.

    With the argument ``papers`` (numbers, with commas between) these alone are matched, due or not.
    Raises ``RequestRefused`` when there is no project list to compare with.
    """
    runtime = context.runtime
    world = world_of_today(runtime)
    if world.problem is not None:
        context.note(world.problem)
    asked = asked_papers(context.arguments)
    if asked is not None:
        _match_some(context, world, asked)
        return
    with runtime.store.reading() as session:
        total = session.exec(select(sa.func.count()).select_from(Paper)).one()
    everything = str(context.arguments.get("all", "")).lower() in ("true", "1", "yes", "all")
    seen = 0
    for survivors in survivors_of(runtime):
        due = _due(world, survivors, everything=everything)
        context.count("papers", len(survivors))
        for start in range(0, len(due), BATCH):
            _match_batch(context, world, dict(list(due.items())[start : start + BATCH]))
            context.progress("match", min(seen + start + BATCH, total), total)
        seen += len(survivors)
        context.progress("match", seen, total)
    _refresh_queue(context)


def asked_papers(arguments: Mapping[str, Any]) -> list[int] | None:
    """Return the numbers of the papers to match; None where all are. Raises ``RequestRefused`` for no numbers."""
    written = str(arguments.get("papers", "") or "")
    if not written:
        return None
    numbers = [part.strip() for part in written.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in numbers):
        raise RequestRefused(f"Papers are given by their numbers, as in papers=12,13; not {written[:40]!r}.")
    return [int(part) for part in numbers]


def check_match(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for papers that are no numbers."""
    asked_papers(arguments)


def _match_some(context: JobContext, world: World, asked: Sequence[int]) -> None:
    """Match these papers, each as the one that stands for it."""
    with context.runtime.store.reading() as session:
        found = sorted({survivor for paper in asked if (survivor := survivor_of(session, paper)) is not None})
    context.count("papers", len(found))
    due = _due(world, found, everything=True)
    for start in range(0, len(due), BATCH):
        _match_batch(context, world, dict(list(due.items())[start : start + BATCH]))


def survivors_of(runtime: Runtime) -> Iterator[list[int]]:
    """Give the ids of all survivors, in order, some at a time."""
    last = 0
    while True:
        with runtime.store.reading() as session:
            ids = session.exec(
                select(Paper.id)
                .where(col(Paper.id) > last, col(Paper.merged_into_id).is_(None))
                .order_by(col(Paper.id))
                .limit(WALK)
            ).all()
        known = [i for i in ids if i is not None]
        if not known:
            return
        yield known
        last = known[-1]


def digests(world: World, survivors: Sequence[int]) -> dict[int, str]:
    """Return for each paper the hash of what it would be matched with in this world."""
    with world.runtime.store.reading() as session:
        basis = stored_digests(session, survivors)
    return {
        paper_id: hashlib.sha256("\n".join([world.digest, *facts]).encode()).hexdigest()
        for paper_id, facts in basis.items()
    }


def _due(world: World, survivors: Sequence[int], *, everything: bool) -> dict[int, str]:
    """Return those papers that must be matched, each with the hash of what it will be matched with."""
    now = digests(world, survivors)
    with world.runtime.store.reading() as session:
        done = dict(
            session.execute(
                sa.select(col(PaperMatch.paper_id), col(PaperMatch.digest)).where(
                    col(PaperMatch.paper_id).in_(survivors)
                )
            ).all()
        )
    return {paper_id: digest for paper_id, digest in now.items() if everything or done.get(paper_id) != digest}


@dataclass(frozen=True, slots=True)
class Proposed:
    """One paper with what is worth suggesting for it, best first."""

    paper: PaperInput
    suggestions: list[Suggestion]


def proposed_for(world: World, survivors: Sequence[int]) -> list[Proposed]:
    """Propose for these papers (those that have facts), in their order; nothing is written."""
    with world.runtime.store.reading() as session:
        papers = load_papers(session, survivors, world.registry)
        reports = of_papers(session, [paper.paper_id for paper in papers])
    mentions = {paper.facts.id: paper.mentions for paper in papers}
    found = dict(world.proposer.propose_many((paper.facts for paper in papers), mentions))
    return [
        Proposed(
            paper,
            with_reports(_suggestions(world, paper, found.get(paper.facts.id, [])), reports.get(paper.paper_id, ())),
        )
        for paper in papers
    ]


def _match_batch(context: JobContext, world: World, due: Mapping[int, str]) -> None:
    runtime = world.runtime
    proposed = proposed_for(world, list(due))
    with runtime.store.writing() as session:
        now = runtime.clock.now()
        for one in proposed:
            paper = one.paper
            counts = suggest(
                session,
                paper_id=paper.paper_id,
                suggestions=one.suggestions,
                rules_digest=world.digest,
                now=now,
            )
            _count(context, counts, one.suggestions)
            for member in paper.members:
                if member != paper.paper_id:
                    suggest(session, paper_id=member, suggestions=[], rules_digest=world.digest, now=now)
                    _forget(session, member)
        for paper_id, digest in due.items():
            session.merge(PaperMatch(paper_id=paper_id, digest=digest, matched_at=now))
        session.flush()
        refresh(
            session,
            runtime.profile,
            [*due, *(m for one in proposed for m in one.paper.members)],
            today=runtime.clock.today(),
        )


def _forget(session: Session, paper_id: int) -> None:
    """Drop what a merged paper was matched with, so that it is matched anew should the merge be undone."""
    row = session.get(PaperMatch, paper_id)
    if row is not None:
        session.delete(row)


def _count(context: JobContext, counts: SuggestCounts, suggestions: Sequence[Suggestion]) -> None:
    context.count("matched")
    for name, number in asdict(counts).items():
        context.count(name, number)
    for suggestion in suggestions:
        context.count(suggestion.band.value)


def _suggestions(world: World, paper: PaperInput, candidates: Sequence[Candidate]) -> list[Suggestion]:
    """Return what is kept of a paper's candidates with its evidence, best first."""
    found = []
    for candidate in worth_keeping(candidates):
        evidence = sorted(candidate.evidence, key=lambda e: (e.kind == "prior", -abs(e.contribution), e.kind))
        found.append(
            Suggestion(
                project_id=world.projects.ids[candidate.project_code],
                score=candidate.score,
                band=Band(candidate.band),
                evidence=tuple(_evidence(e, paper) for e in evidence),
                model_version=world.model_version,
                feature_version=feature_version(),
            )
        )
    return found


def _evidence(evidence: Evidence, paper: PaperInput) -> EvidenceFacts:
    """Return one reason with the passage around its quote, so that the page needs no text to show it."""
    plain: dict[str, Any] = {
        "kind": evidence.kind,
        "value": str(evidence.value),
        "contribution": evidence.contribution,
        "sentence": evidence.sentence,
        "quote": evidence.quote,
        "stands_in": evidence.where,
        "start": evidence.start,
        "end": evidence.end,
    }
    if evidence.start is None or evidence.end is None:
        return EvidenceFacts(**plain)
    text = {"title": paper.facts.title, "abstract": paper.facts.abstract}.get(evidence.where or "")
    if text is not None:
        begin = max(0, evidence.start - AROUND)
        passage = text[begin : evidence.end + AROUND]
        return EvidenceFacts(**plain, part=evidence.where, context=passage, context_start=begin)
    row = _mention_behind(evidence, paper)
    if row is None:
        return EvidenceFacts(**plain)
    plain |= {"part": row.part, "page": row.page, "line": row.line}
    return EvidenceFacts(**plain, context=row.context, context_start=row.context_start)


def _mention_behind(evidence: Evidence, paper: PaperInput) -> Passage | None:
    for row in paper.passages:
        if (row.start, row.end, row.as_written) == (evidence.start, evidence.end, evidence.quote) and (
            row.stands_in == evidence.where
        ):
            return row
    return None


def _refresh_queue(context: JobContext) -> None:
    """Put the rest of the queue in step: days pass, preprints age, a project's grace ends."""
    runtime = context.runtime
    last = 0
    while True:
        with runtime.store.reading() as session:
            ids = session.exec(
                select(DeskItem.paper_id)
                .where(col(DeskItem.paper_id) > last, col(DeskItem.is_shown))
                .order_by(col(DeskItem.paper_id))
                .limit(WALK)
            ).all()
        if not ids:
            break
        with runtime.store.writing() as session:
            context.count("queue rows changed", refresh(session, runtime.profile, ids, today=runtime.clock.today()))
        last = ids[-1]
    with runtime.store.writing() as session:
        wrong = true_up(session)
    if wrong:
        context.count("queue counts mended", wrong)


match = Job(
    name="match",
    title="Propose projects for papers",
    run=run_match,
    schedule="30 6 * * *",
    check=check_match,
)
"""Every morning after the harvest. By hand ``biblio run match``; the argument ``all`` matches every paper again,
``papers=12,13`` these alone."""
