"""What a judgement had seen, and what is new since: refused pairs and papers come back for new text or a new source only.

Rules, models and project lists change, and weigh the same facts anew; that is no reason to ask a person twice. A judged
pair (or a pair of a paper that was found to use none of the data) is looked at again when a reason speaks against
the judgement that was not there when it was made, and the reason rests on what a newer version of the text or a newer
record brought. So each reason is followed to what it was read from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.news import Moment, News, news_since
from biblio.store.models import Candidate, CandidateRevision, Decision, EvidenceItem, Link, PaperRelation
from biblio.store.words import Band, RelationKind, Verdict

USES_DATA = frozenset({RelationKind.SCIENCE, RelationKind.ENGINEERING})
"""Relations of papers whose data can come from a project; a mention or a data-influenced paper uses none."""

UNTELLING = frozenset({"prior", "limit", "rivals", "team", "unknown", "archival", "dates"})
"""Kinds of evidence that never re-open: they come from how evidence is weighed, or, as dates, with every article."""

MORE = 1.0
"""A code printed anew must speak for the project by so much more (log-odds) than it did where it was seen before."""

_BAND_ORDER = (Band.UNLIKELY, Band.LIKELY, Band.CERTAIN)

Key = tuple[str, str, bool]
"""What tells one reason from another: its kind, for codes the place, and whether it speaks for the project."""


class Reason(Protocol):
    """One piece of evidence, stored or about to be."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def contribution(self) -> float: ...  # noqa: D102
    @property
    def quote(self) -> str | None: ...  # noqa: D102
    @property
    def stands_in(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of a pair (``verdict``), or of the whole paper (None), and what was there to see.

    ``seen_until``: what was read and recorded until then had been matched; ``seen`` are the reasons with the most that
    each weighed; ``band`` the band at the time.
    """

    paper_id: int
    verdict: Verdict | None
    made_at: datetime
    seen_until: datetime
    revision_id: int | None = None
    band: Band | None = None
    seen: Mapping[Key, float] = field(default_factory=dict)

    def unseen(self, band: Band, reasons: Iterable[Reason]) -> list[Any]:
        """Return the reasons that were not there to see and could change the judgement.

        Against an acceptance they count only when they bring the candidate into a lower band than it was shown in.
        """
        accepted = self.verdict is Verdict.ACCEPT
        if accepted and (self.band is None or _BAND_ORDER.index(band) >= _BAND_ORDER.index(self.band)):
            return []
        if not accepted and band is Band.UNLIKELY:
            return []
        return [r for r in reasons if r.kind not in UNTELLING and (r.contribution < 0) == accepted and self._is_new(r)]

    def _is_new(self, reason: Reason) -> bool:
        before = self.seen.get(_key(reason))
        if before is None:
            return True
        return reason.kind.startswith("code") and abs(reason.contribution) >= abs(before) + MORE


def _key(reason: Reason) -> Key:
    place = (reason.stands_in or "") if reason.kind.startswith("code") else ""
    return reason.kind, place, reason.contribution >= 0


@dataclass(slots=True)
class Memory:
    """What people said of a paper: ``pairs`` by project, and ``refused`` if they found that it uses none of the data."""

    session: Session
    group: Sequence[int]
    pairs: dict[int, Judgement] = field(default_factory=dict)
    refused: Judgement | None = None
    _news: dict[Moment, News] | None = None

    def judgement(self, project_id: int) -> Judgement | None:
        """Return what was said of a pair, or of the paper where nothing was said of the pair."""
        return self.pairs.get(project_id, self.refused)

    def new_reasons(self, project_id: int, band: Band, reasons: Iterable[Reason]) -> list[tuple[Any, str]]:
        """Return the reasons to look again, each with what brought it, in words; empty: nothing to look at."""
        judgement = self.judgement(project_id)
        if judgement is None or not (unseen := judgement.unseen(band, reasons)):
            return []
        if self._news is None:
            said = [*self.pairs.values(), *([self.refused] if self.refused else [])]
            self._news = news_since(self.session, self.group, {(one.paper_id, one.seen_until) for one in said})
        news = self._news[judgement.paper_id, judgement.seen_until]
        return [(reason, brought) for reason in unseen if (brought := news.brought(reason)) is not None]


def remember(session: Session, group: Sequence[int]) -> Memory:
    """Return what people said of the paper whose ids ``group`` holds, in at most four queries."""
    memory = Memory(session, group)
    memory.pairs = _pairs(session, group)
    memory.refused = _refused(session, group)
    if memory.pairs or memory.refused:
        _recall(session, group, memory)
    return memory


def _pairs(session: Session, group: Sequence[int]) -> dict[int, Judgement]:
    """Return the judgement in force of each project. One that an undo brought back had seen what it had seen before."""
    live = dict(
        session.execute(
            sa.select(col(Link.project_id), col(Link.decision_id))
            .where(col(Link.paper_id).in_(group), col(Link.ended_at).is_(None))
            .order_by(col(Link.id))
        ).all()
    )
    if not live:
        return {}
    acts: dict[int, list[Decision]] = defaultdict(list)
    for row in session.exec(
        select(Decision)
        .where(col(Decision.paper_id).in_(group), col(Decision.project_id).in_(list(live)))
        .order_by(col(Decision.id))
    ):
        acts[row.project_id].append(row)
    return {project_id: _judgement(acts[project_id], decision_id) for project_id, decision_id in live.items()}


def _judgement(acts: Sequence[Decision], decision_id: int) -> Judgement:
    by_id = {act.id: act for act in acts}
    act = by_id[decision_id]
    verdict = act.verdict
    while act.undoes_id is not None:
        earlier = [a for a in acts if (a.id or 0) < (act.undoes_id or 0) and a.verdict is verdict]
        if not earlier:
            break
        act = earlier[-1]
    return Judgement(
        act.paper_id, verdict, act.made_at, act.seen_until or act.made_at, revision_id=act.candidate_revision_id
    )


def _refused(session: Session, group: Sequence[int]) -> Judgement | None:
    row = session.exec(
        select(PaperRelation)
        .where(col(PaperRelation.paper_id).in_(group), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id).desc())
    ).first()
    if row is None or row.relation in USES_DATA:
        return None
    made_at, seen_until = row.decided_at, row.seen_until or row.decided_at
    said_again = session.exec(
        select(Decision)
        .where(col(Decision.paper_id).in_(group), col(Decision.relation) == row.relation)
        .order_by(col(Decision.id).desc())
    ).first()
    if said_again is not None and said_again.made_at > made_at:
        made_at, seen_until = said_again.made_at, said_again.seen_until or said_again.made_at
    return Judgement(row.paper_id, None, made_at, seen_until)


def _recall(session: Session, group: Sequence[int], memory: Memory) -> None:
    """Fill in what each judgement had seen: the evidence it names, else the candidate as it was then."""
    revisions: dict[int, list[tuple[CandidateRevision, Mapping[Key, float]]]] = defaultdict(list)
    weighed: dict[int, dict[Key, float]] = defaultdict(dict)
    rows = session.execute(
        sa.select(col(Candidate.project_id), CandidateRevision)
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .where(col(Candidate.paper_id).in_(group))
        .order_by(col(CandidateRevision.id))
    ).all()
    refused = memory.refused
    wanted: dict[int, Judgement] = {}
    for project_id, revision in rows:
        judgement = memory.judgement(project_id)
        if judgement is not None and revision.id is not None and _was_shown(revision, judgement):
            wanted[revision.id] = judgement
            revisions[project_id].append((revision, weighed[revision.id]))
    for item in session.exec(select(EvidenceItem).where(col(EvidenceItem.revision_id).in_(list(wanted)))):
        known = weighed[item.revision_id]
        known[_key(item)] = max(known.get(_key(item), 0.0), item.contribution, key=abs)
    for project_id, judgement in list(memory.pairs.items()):
        memory.pairs[project_id] = _with_seen(judgement, revisions[project_id])
    if refused is not None:
        for project_id in set(revisions) - set(memory.pairs):
            memory.pairs[project_id] = _with_seen(refused, revisions[project_id])


def _was_shown(revision: CandidateRevision, judgement: Judgement) -> bool:
    if judgement.revision_id is not None:
        return revision.id == judgement.revision_id
    ended = revision.superseded_at
    return revision.suggested_at <= judgement.made_at and (ended is None or ended > judgement.made_at)


def _with_seen(judgement: Judgement, shown: Sequence[tuple[CandidateRevision, Mapping[Key, float]]]) -> Judgement:
    if not shown:
        return judgement
    revision, seen = shown[-1]
    return Judgement(
        judgement.paper_id,
        judgement.verdict,
        judgement.made_at,
        judgement.seen_until,
        judgement.revision_id,
        revision.band,
        seen,
    )
