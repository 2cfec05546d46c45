"""What is learned from: the papers about which something is known, and which of their candidates are right or wrong.

Two sorts of word count. A *verdict* in force is a person's: taken at the desk, or recorded under a librarian's name from
a list (``biblio decisions import``, ``import-known``), which people made without our candidates. A paper that a person
found none of ours settles all its candidates. A *cited* paper prints codes where it says whose data it used: these
projects are right and its other candidates wrong, where every code it uses is known without doubt. What the machine
proposes is no label, however sure it is; nor is an archive's list that nobody has taken over.

"Unsure" is no label. Of a paper for which somebody accepted a project, the candidates that the desk no longer asks about
are wrong: whoever accepted saw them, and papers use few projects. Left without a label, the wrong ones were so rare that
a model called 1,852 pairs of a synthetic set right where 1,141 were (calibration error 0.024, with them 0.002). Those that
still wait as likely or certain say nothing, nor does what nobody judged of a paper of which projects were only rejected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.store.current import live_links, survivor_id
from biblio.store.models import Candidate, CandidateRevision, Paper, Project, TextMention, TextReading
from biblio.store.words import Band, Verdict
from biblio.verify.learning.labels import Labels, verdicts_in_force
from biblio.verify.proposing.facts import load_papers
from biblio.verify.proposing.match import World
from matching.codes import Mention
from matching.evaluation import JudgedPaper
from matching.evidence import PaperFacts
from matching.propose import Candidate as Proposal

AT_ONCE = 200
"""Papers read together."""

MOST_CITED = 10_000
"""Cited papers learned from at most; ten times as many as 1,000 gained 0.003 in average precision on synthetic sets."""

_SAID_BY_ITS_PLACE = frozenset({"acknowledgement", "data_statement"})
"""Where a code stands for use without further words; elsewhere the sentence must say so."""

_NOT_READ = frozenset({"references", "comment"})
"""Where a code says nothing of the paper's own data, known or not."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is known of one paper: codes found right and wrong; with ``is_settled`` all others are wrong.

    Of the codes ``left_out`` nothing is known.
    """

    facts: PaperFacts
    right: frozenset[str]
    wrong: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    is_settled: bool = False
    source: Literal["verdict", "cited"] = "verdict"

    def label(self, code: str) -> bool | None:
        """Whether the project is right; None where nothing is known."""
        if code in self.right:
            return True
        if code in self.wrong:
            return False
        return False if self.is_settled and code not in self.left_out else None

    def judged(self, candidates: Sequence[Proposal]) -> JudgedPaper:
        """The paper with those of its candidates of which something is known."""
        known = [one for one in candidates if self.label(one.project_code) is not None]
        return JudgedPaper(self.facts.id, known, self.right, self.wrong, is_settled=self.is_settled)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a cited paper says: the projects whose data it used, and those it names without saying so."""

    used: frozenset[str]
    named: frozenset[str] = field(default=frozenset())


def printed(mentions: Sequence[Mention]) -> Printed | None:
    """Return the codes a paper prints; None unless it says of some that it used them, and no code of it is in doubt."""
    used: set[str] = set()
    named: set[str] = set()
    for mention in mentions:
        named |= {mention.code, *mention.candidates}
        if mention.where in _NOT_READ or mention.is_use is False:
            continue
        if not (mention.certain and mention.in_registry):
            return None
        if mention.is_use or mention.where in _SAID_BY_ITS_PLACE:
            used.add(mention.code)
    return Printed(frozenset(used), frozenset(named - used)) if used else None


def lessons(world: World, progress: Callable[[int, int], None]) -> Iterator[Lesson]:
    """Give every paper of which something is known, in a lasting order; ``progress`` is told (done, of)."""
    with world.runtime.store.reading() as session:
        labels = verdicts_in_force(session)
        unsure = _unsure(session)
        waiting = _waiting(session)
        cited = _with_codes(session)
    judged = labels.papers()
    others = sorted(cited - set(judged), key=lambda paper: hashlib.sha256(str(paper).encode()).digest())
    spelled = {world.runtime.grammar.canonical(code) or code: code for code in world.projects.ids}
    taken, papers = 0, [*judged, *others]
    for start in range(0, len(papers), AT_ONCE):
        progress(start, len(papers))
        for paper_id, facts, found in _read(world, papers[start : start + AT_ONCE], spelled):
            asked = _Asked(unsure.get(paper_id, frozenset()), waiting.get(paper_id, frozenset()))
            one = _lesson(paper_id, facts, labels, asked, found)
            if one is None or (one.source == "cited" and taken >= MOST_CITED):
                continue
            taken += one.source == "cited"
            yield one
        if start >= len(judged) and taken >= MOST_CITED:
            break
    progress(len(papers), len(papers))


def _read(
    world: World, ids: Sequence[int], spelled: dict[str, str]
) -> Iterator[tuple[int, PaperFacts, Printed | None]]:
    with world.runtime.store.reading() as session:
        papers = load_papers(session, ids, world.registry)
    for paper in papers:
        found = printed(paper.mentions)
        if found is not None:
            used, named = ({spelled[c] for c in codes if c in spelled} for codes in (found.used, found.named))
            found = Printed(frozenset(used), frozenset(named))
        yield paper.paper_id, paper.facts, found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Codes of one paper about which nobody has given an answer: left unsure, or still waiting for somebody."""

    unsure: frozenset[str]
    waiting: frozenset[str]


def _lesson(paper: int, facts: PaperFacts, labels: Labels, asked: _Asked, found: Printed | None) -> Lesson | None:
    """What is known of a paper; what a person said goes before what is printed."""
    right, wrong = frozenset(labels.right.get(paper, ())), frozenset(labels.wrong.get(paper, ()))
    if paper in labels.settled:
        return Lesson(facts, right, wrong, asked.unsure, is_settled=True)
    if found is not None and not found.used & wrong:
        used = (right | found.used) - asked.unsure
        left_out = found.named | asked.unsure
        if not right <= found.used:  # it does not print all
            left_out |= asked.waiting
        source: Literal["verdict", "cited"] = "verdict" if right or wrong else "cited"
        return Lesson(facts, used, wrong, left_out - used - wrong, is_settled=True, source=source)
    if right:
        return Lesson(facts, right, wrong, (asked.unsure | asked.waiting) - right - wrong, is_settled=True)
    return Lesson(facts, right, wrong, asked.unsure) if wrong else None


def _unsure(session: Session) -> dict[int, frozenset[str]]:
    """Return paper → codes that somebody was unsure of."""
    links = live_links()
    return _by_paper(
        session,
        sa.select(links.c.paper_id, col(Project.code))
        .join(Project, col(Project.id) == links.c.project_id)
        .where(links.c.verdict == Verdict.UNSURE),
    )


def _waiting(session: Session) -> dict[int, frozenset[str]]:
    """Return, for papers with an accepted project, paper → codes of candidates that the desk shows as likely or certain."""
    links = live_links()
    accepted = sa.select(links.c.paper_id).where(links.c.verdict == Verdict.ACCEPT)
    return _by_paper(
        session,
        sa.select(survivor_id(), col(Project.code))
        .join(Candidate, col(Candidate.paper_id) == col(Paper.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Project, col(Project.id) == col(Candidate.project_id))
        .where(
            col(CandidateRevision.superseded_at).is_(None),
            col(CandidateRevision.band) != Band.UNLIKELY,
            survivor_id().in_(accepted),
        ),
    )


def _by_paper(session: Session, query: sa.Select[tuple[int, str]]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for paper, code in session.execute(query):
        found.setdefault(paper, set()).add(code)
    return {paper: frozenset(codes) for paper, codes in found.items()}


def _with_codes(session: Session) -> set[int]:
    """Return the papers (survivors) in whose texts some code was read; today's list says whether it is known."""
    rows = session.execute(
        sa.select(survivor_id())
        .join(TextReading, col(TextReading.paper_id) == col(Paper.id))
        .join(TextMention, col(TextMention.reading_id) == col(TextReading.id))
        .where(col(TextReading.superseded_at).is_(None))
        .distinct()
    )
    return set(rows.scalars())
