"""What a trial would change: the desk as it is now beside what the trial found, read from the store alone."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.memory import USES_DATA
from biblio.runtime import Runtime
from biblio.store.current import live_links, live_relations
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    DeskItem,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    RematchTrial,
    TextReading,
    TrialPaper,
)
from biblio.store.words import Band
from biblio.verify.learning.labels import Labels, verdicts_in_force
from biblio.verify.proposing.facts import members_of
from biblio.verify.queue.items import unknown_code_mentions
from matching import propose
from matching.evaluation import Evaluation, JudgedPaper, evaluate
from matching.learning import is_held_back

AT_ONCE = 500
"""Papers read together."""

NONE = "none"
"""Stands in the table of bands for "no candidate"."""

BANDS = ("certain", "likely", "unlikely", NONE)
_HEIGHT = {name: place for place, name in enumerate(reversed(BANDS))}

Scored = dict[int, tuple[str, float]]
"""A paper's candidates: project → (band, score)."""


def _serious(band: str) -> bool:
    """Whether a candidate of this band is worth a verdict."""
    return _HEIGHT[band] > _HEIGHT["unlikely"]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One candidate whose band would change, the largest last when sorted. Scores 0–1; 0 where there is none."""

    steps: int
    distance: float
    paper_id: int
    project_id: int
    before: tuple[str, float]
    after: tuple[str, float]
    paper: str = ""
    title: str = ""
    project: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        sides = {name: {"band": band, "score": score} for name, (band, score) in self._sides()}
        return {"paper": self.paper, "title": self.title, "project": self.project, **sides}

    def _sides(self) -> tuple[tuple[str, tuple[str, float]], ...]:
        return ("before", self.before), ("after", self.after)


@dataclass(slots=True)
class Sides:
    """How good the candidates of the desk (``before``) and of the trial (``after``) are on decided papers."""

    before: Evaluation
    after: Evaluation


@dataclass(slots=True)
class Report:
    """What a trial would change. ``bands`` counts candidates by (band before, band after)."""

    papers: int = 0
    bands: Counter[tuple[str, str]] = field(default_factory=Counter)
    papers_changed: int = 0
    """Papers of which a candidate worth a verdict (above "unlikely") comes, goes, or changes its band."""
    waiting: int = 0
    newly_waiting: int = 0
    no_longer_waiting: int = 0
    decided: Sides | None = None
    held_back: Sides | None = None
    """The same on those papers that no model learns from."""
    largest: list[Change] = field(default_factory=list)

    def count(self, before: str, after: str) -> int:
        """How many candidates go from one band to the other."""
        return self.bands[before, after]

    def new(self, *, serious: bool = False) -> int:
        """Candidates there are none of now; ``serious``: only those above "unlikely"."""
        return sum(
            n for (one, other), n in self.bands.items() if one == NONE != other and (not serious or _serious(other))
        )

    def gone(self, *, serious: bool = False) -> int:
        """Candidates that would be no longer; ``serious``: only those above "unlikely"."""
        return sum(
            n for (one, other), n in self.bands.items() if one != NONE == other and (not serious or _serious(one))
        )

    def moved(self) -> int:
        """Candidates that stay, in another band."""
        return sum(n for (one, other), n in self.bands.items() if one != other and NONE not in (one, other))

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "papers": self.papers,
            "papers_changed": self.papers_changed,
            "candidates": {"new": self.new(), "gone": self.gone(), "changed_band": self.moved()},
            "worth_a_verdict": {"new": self.new(serious=True), "gone": self.gone(serious=True)},
            "bands": {b: {a: self.count(b, a) for a in BANDS if (b, a) != (NONE, NONE)} for b in BANDS},
            "waiting": {
                "before": self.waiting,
                "after": self.waiting + self.newly_waiting - self.no_longer_waiting,
                "newly": self.newly_waiting,
                "no_longer": self.no_longer_waiting,
            },
            "decided": None if self.decided is None else _both(self.decided),
            "held_back": None if self.held_back is None else _both(self.held_back),
            "largest": [change.plain() for change in self.largest],
        }


def _both(sides: Sides) -> dict[str, Any]:
    return {"before": figures_of(sides.before), "after": figures_of(sides.after)}


def figures_of(found: Evaluation) -> dict[str, Any]:
    """Precision and recall of what is called right (a band above "unlikely"), and the other figures; None: nothing to tell."""
    called = right = 0
    for band, (good, pairs) in found.by_band.items():
        if band != Band.UNLIKELY:
            called, right = called + pairs, right + good
    there = found.figures.right
    return {
        **asdict(found.figures),
        "precision": right / called if called else None,
        "recall": right / there if there else None,
    }


def report(runtime: Runtime, trial: RematchTrial, most: int = 20) -> Report:
    """Compare a trial with the desk as it is now; ``most`` of the largest changes are told. Nothing is written."""
    told = Report()
    judged: tuple[list[JudgedPaper], list[JudgedPaper]] = ([], [])
    largest: list[Change] = []
    with runtime.store.reading() as session:
        labels = verdicts_in_force(session)
        decided = set(labels.papers())
        codes = {number: code for number, code in session.exec(select(Project.id, Project.code)) if number is not None}
        for papers in _walk(session, trial):
            for one in _compared(session, papers):
                largest = heapq.nlargest(most, [*largest, *_count(told, one)])
                if one.paper_id in decided:
                    for side, scored in zip(judged, (one.before, one.after), strict=True):
                        side.append(_judged(labels, one.paper_id, scored, codes))
        told.largest = [_named(session, change, codes) for change in largest]
    told.decided = _sides(judged[0], judged[1])
    told.held_back = _sides(*([one for one in side if is_held_back(one.paper)] for side in judged))
    return told


def _sides(before: Sequence[JudgedPaper], after: Sequence[JudgedPaper]) -> Sides | None:
    return Sides(evaluate(before), evaluate(after)) if before else None


def _judged(labels: Labels, paper_id: int, scored: Scored, codes: Mapping[int, str]) -> JudgedPaper:
    """One side's candidates beside what was found; a wrong one that it does not hold counts with score 0.

    So both sides are measured on the same decided pairs. A right one that it does not hold counts as missed.
    """
    held = {codes[project]: known for project, known in scored.items() if project in codes}
    pairs = dict.fromkeys(labels.wrong.get(paper_id, ()), ("unlikely", 0.0)) | held
    candidates = [propose.Candidate(code, score, band, ()) for code, (band, score) in sorted(pairs.items())]
    return labels.judged(paper_id, str(paper_id), candidates)


def _walk(session: Session, trial: RematchTrial) -> Iterator[dict[int, Scored]]:
    """What the trial found, by paper, some papers at a time."""
    last = 0
    while True:
        rows = session.execute(
            sa.select(col(TrialPaper.paper_id), col(TrialPaper.changes))
            .where(col(TrialPaper.trial_id) == trial.id, col(TrialPaper.paper_id) > last)
            .order_by(col(TrialPaper.paper_id))
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return
        yield {
            paper_id: {project: (band, score) for project, band, score in changes["after"]}
            for paper_id, changes in rows
        }
        last = rows[-1][0]


@dataclass(slots=True)
class _Compared:
    """One paper: its candidates before and after, which somebody judged, and whether it waits for other reasons."""

    paper_id: int
    before: Scored
    after: Scored
    judged: set[int]
    again: set[int]
    waits: bool
    has_unknown_code: bool
    is_refused: bool = False
    """Whether somebody found that it uses none of the data."""

    def would_wait(self) -> bool:
        """As ``biblio.verify.queue.items`` says it: something worth a verdict is open, or a code that is in no list.

        What was judged is not asked about again because it is weighed anew.
        """
        serious = any(
            project in self.again or (project not in self.judged and not self.is_refused and band != Band.UNLIKELY)
            for project, (band, _) in self.after.items()
        )
        return serious or self.has_unknown_code


def _compared(session: Session, papers: Mapping[int, Scored]) -> Iterator[_Compared]:
    group = members_of(session, list(papers))
    found = {
        paper_id: _Compared(paper_id, {}, after, set(), set(), waits=False, has_unknown_code=False)
        for paper_id, after in papers.items()
    }
    now = (
        sa.select(Candidate, col(CandidateRevision.band), col(CandidateRevision.score))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(Candidate.paper_id).in_(list(group)), col(CandidateRevision.superseded_at).is_(None))
        .order_by(col(Candidate.id))
    )
    for candidate, band, score in session.execute(now):
        one = found[group[candidate.paper_id]]
        one.before[candidate.project_id] = (band.value, score)
        if candidate.look_again:
            one.again.add(candidate.project_id)
    links = live_links()
    for paper_id, project_id in session.execute(
        sa.select(links.c.paper_id, links.c.project_id).where(links.c.paper_id.in_(list(papers)))
    ):
        found[paper_id].judged.add(project_id)
    for paper_id in session.exec(
        select(DeskItem.paper_id).where(col(DeskItem.paper_id).in_(list(papers)), col(DeskItem.is_shown))
    ):
        found[paper_id].waits = True
    for paper_id in _refused(session, list(papers)):
        found[paper_id].is_refused = True
    for member in _with_unknown_codes(session, list(group)):
        found[group[member]].has_unknown_code = True
    yield from found.values()


def _refused(session: Session, paper_ids: Sequence[int]) -> list[int]:
    """Papers that somebody found to use none of the data."""
    relations = live_relations()
    query = sa.select(relations.c.paper_id).where(
        relations.c.paper_id.in_(paper_ids), relations.c.relation.not_in(USES_DATA)
    )
    return list(session.execute(query).scalars())


def _with_unknown_codes(session: Session, members: Sequence[int]) -> set[int]:
    """Papers that print a code no list holds, unless somebody said how they relate to the observatory."""
    printed = unknown_code_mentions(members).with_only_columns(col(TextReading.paper_id)).distinct()
    related = select(PaperRelation.paper_id).where(
        col(PaperRelation.paper_id).in_(members), col(PaperRelation.ended_at).is_(None)
    )
    return set(session.execute(printed).scalars()) - set(session.exec(related).all())


def _count(told: Report, one: _Compared) -> list[Change]:
    """Count what would change for a paper; return the candidates whose band would."""
    changes = []
    told.papers += 1
    for project_id in sorted({*one.before, *one.after}):
        before, after = one.before.get(project_id, (NONE, 0.0)), one.after.get(project_id, (NONE, 0.0))
        told.bands[before[0], after[0]] += 1
        if before[0] != after[0]:
            steps = abs(_HEIGHT[before[0]] - _HEIGHT[after[0]])
            changes.append(Change(steps, abs(after[1] - before[1]), one.paper_id, project_id, before, after))
    told.papers_changed += any(_serious(change.before[0]) or _serious(change.after[0]) for change in changes)
    told.waiting += one.waits
    would = one.would_wait()
    told.newly_waiting += would and not one.waits
    told.no_longer_waiting += one.waits and not would
    return changes


def _named(session: Session, change: Change, codes: Mapping[int, str]) -> Change:
    """Say by which identifier the paper goes, and what it is called."""
    title = session.exec(
        select(PaperRevision.title).where(
            col(PaperRevision.paper_id) == change.paper_id, col(PaperRevision.superseded_at).is_(None)
        )
    ).first()
    known = session.exec(
        select(PaperIdentifier.value)
        .where(col(PaperIdentifier.paper_id) == change.paper_id)
        .order_by(col(PaperIdentifier.scheme), col(PaperIdentifier.id))
    ).first()
    shown = asdict(change) | {
        "paper": known or f"paper {change.paper_id}",
        "title": title or "",
        "project": codes.get(change.project_id, str(change.project_id)),
    }
    return Change(**shown)
