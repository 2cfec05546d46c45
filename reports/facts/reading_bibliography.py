"""How the bibliography itself stood at the end of a day: what waited, how fast it was decided, whether readers agreed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.memory import USES_DATA
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    PaperRelation,
    PaperRevision,
    SecondReading,
    SecondReadingPause,
)
from biblio.store.models import Link as StoredLink
from biblio.store.words import Band, RelationKind, Verdict
from reports.facts.counted import first_on
from reports.facts.model import Bibliography, Hole, Paper, ReadAgain, called
from reports.facts.reading_links import End, Merges, in_groups
from reports.facts.reading_papers import read_identifiers
from reports.facts.reading_rows import among, day_of

FINAL = (Verdict.ACCEPT, Verdict.REJECT)
"""Verdicts after which a candidate no longer waits."""

_BANDS = [band.value for band in Band]
"""The bands, best first."""


def read_bibliography(
    session: Session, end: End, merges: Merges, papers: Mapping[int, Paper], holes: tuple[Hole, ...]
) -> Bibliography:
    """Return the state of the bibliography."""
    waiting, relations = _waiting(session, end, merges)
    engineering = {paper for paper, found in relations.items() if found != RelationKind.SCIENCE}
    decided_on = _first_decided(session, end, merges)
    shown = _shown(session, end, (decided_on.keys() | {paper for paper, _ in waiting}) - papers.keys())
    readings = _second_readings(session, end, merges)
    pairs = _pairs(waiting)
    could = {paper for paper, _ in waiting} - engineering
    others = ({paper for paper, _ in waiting} | decided_on.keys() | readings.under_way) - papers.keys()
    named = read_identifiers(session, end, merges, others)
    return Bibliography(
        undecided={band: len(found) for band, found in pairs.items()},
        undecided_papers=_by_band(waiting),
        undecided_pairs=pairs,
        relinked_pairs=_relinked(session, end, merges, pairs, relations.keys()),
        undecided_facts={i: known for i in sorted(could) if (known := papers.get(i) or shown.get(i)) is not None},
        paper_to_decision_days=_days_until(decided_on, papers, shown),
        decided_on=decided_on,
        second_readings=readings.ended,
        agreed=readings.agreed,
        under_second_reading=frozenset(readings.under_way),
        names={paper: called(named.get(paper, {}), paper) for paper in sorted(others)},
        holes=holes,
        read_again=readings.secret(),
    )


# -- what waits -------------------------------------------------------------------------------------------------------


def _waiting(session: Session, end: End, merges: Merges) -> tuple[dict[tuple[int, int], str], dict[int, str]]:
    """Return the band of each pair (survivor, project) that was proposed and that nobody had accepted or rejected.

    What was proposed for a paper that a person had found to use none of the data does not wait. Then how those papers
    relate to the observatory, where a person had said so.
    """
    waiting = _alone(session, end)
    if merges.roots:
        for pair, band in _of_groups(session, end, merges):
            waiting[pair] = min(band, waiting.get(pair, band), key=_BANDS.index)
    relations = _relations(session, end, merges, {paper for paper, _ in waiting})
    refused = {paper for paper, found in relations.items() if found not in USES_DATA}
    return {pair: band for pair, band in sorted(waiting.items()) if pair[0] not in refused}, relations


def _proposed(end: End) -> Any:
    """Select what had been proposed: (paper, project, band)."""
    revision, candidate = CandidateRevision, Candidate
    return (
        sa.select(col(candidate.paper_id), col(candidate.project_id), sa.type_coerce(revision.band, sa.String))
        .join(candidate, col(candidate.id) == col(revision.candidate_id))
        .where(end.holds(col(revision.suggested_at), col(revision.superseded_at)))
    )


def _alone(session: Session, end: End) -> dict[tuple[int, int], str]:
    """Return those of papers that stood alone.

    What was judged is put together first: looked up pair by pair it takes both databases several times as long.
    """
    link, candidate = StoredLink, Candidate
    judged = (
        sa.select(col(link.paper_id), col(link.project_id))
        .where(end.holds(col(link.decided_at), col(link.ended_at)), col(link.verdict).in_(FINAL))
        .cte("judged")
        .prefix_with("MATERIALIZED")
    )
    same = sa.and_(judged.c.paper_id == col(candidate.paper_id), judged.c.project_id == col(candidate.project_id))
    statement = (
        _proposed(end)
        .join(judged, same, isouter=True)
        .where(judged.c.paper_id.is_(None), col(candidate.paper_id).not_in(in_groups(end)))
    )
    rows: Any = session.connection().execute(statement).all()
    return {(paper, project): band for paper, project, band in rows}


def _of_groups(session: Session, end: End, merges: Merges) -> Iterable[tuple[tuple[int, int], str]]:
    """Yield those of papers that were one with others; of several verdicts on a pair the latest counts."""
    link = StoredLink
    judged: Any = session.connection().execute(
        sa.select(col(link.paper_id), col(link.project_id), sa.type_coerce(link.verdict, sa.String))
        .where(end.holds(col(link.decided_at), col(link.ended_at)), col(link.paper_id).in_(in_groups(end)))
        .order_by(col(link.decided_at), col(link.id))
    )
    verdicts = {(merges.root(paper), project): verdict for paper, project, verdict in judged.all()}
    proposed: Any = session.connection().execute(_proposed(end).where(col(Candidate.paper_id).in_(in_groups(end))))
    for paper, project, band in proposed.all():
        pair = merges.root(paper), project
        if verdicts.get(pair) not in FINAL:
            yield pair, band


def _relations(session: Session, end: End, merges: Merges, papers: Collection[int]) -> dict[int, str]:
    """Return how these papers relate to the observatory, where a person had said so."""
    relation = PaperRelation
    rows: Any = session.connection().execute(
        sa.select(col(relation.paper_id), sa.type_coerce(relation.relation, sa.String))
        .where(
            end.holds(col(relation.decided_at), col(relation.ended_at)),
            among(session, col(relation.paper_id), merges.members(papers)),
        )
        .order_by(col(relation.decided_at), col(relation.id))
    )
    return {merges.root(paper): found for paper, found in rows.all()}


def _pairs(waiting: Mapping[tuple[int, int], str]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the pairs that wait by band."""
    found: dict[str, list[tuple[int, int]]] = {band: [] for band in _BANDS}
    for pair in sorted(waiting):
        found[waiting[pair]].append(pair)
    return {band: tuple(listed) for band, listed in found.items() if listed}


def _relinked(
    session: Session,
    end: End,
    merges: Merges,
    pairs: Mapping[str, Iterable[tuple[int, int]]],
    related: Collection[int],
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the accepted pairs of papers that wait and are not ``related``, by the best band of what waits on the paper."""
    best: dict[int, str] = {}
    for band, found in pairs.items():
        for paper, _ in found:
            best.setdefault(paper, band)
    link, wanted = StoredLink, best.keys() - related
    judged: Any = session.connection().execute(
        sa.select(col(link.paper_id), col(link.project_id), sa.type_coerce(link.verdict, sa.String))
        .where(
            end.holds(col(link.decided_at), col(link.ended_at)),
            among(session, col(link.paper_id), merges.members(wanted)),
        )
        .order_by(col(link.decided_at), col(link.id))
    )
    verdicts = {(merges.root(paper), project): verdict for paper, project, verdict in judged.all()}
    accepted = {pair: best[pair[0]] for pair, verdict in verdicts.items() if verdict == Verdict.ACCEPT}
    return _pairs(accepted)


def _by_band(waiting: Mapping[tuple[int, int], str]) -> dict[str, tuple[int, ...]]:
    """Return the papers that wait by the best band of what waits on them."""
    best: dict[int, str] = {}
    for (paper, _), band in waiting.items():
        best[paper] = min(band, best.get(paper, band), key=_BANDS.index)
    found = {band: tuple(sorted(paper for paper, at in best.items() if at == band)) for band in _BANDS}
    return {band: listed for band, listed in found.items() if listed}


# -- how fast, and whether readers agreed -------------------------------------------------------------------------------


def _first_decided(session: Session, end: End, merges: Merges) -> dict[int, date]:
    """Return the day on which each paper was first decided about."""
    decision = Decision
    rows: Any = session.connection().execute(
        sa.select(col(decision.paper_id), day_of(session, sa.func.min(col(decision.made_at))))
        .where(col(decision.made_at) <= end.moment, col(decision.verdict).is_not(None))
        .group_by(col(decision.paper_id))
    )
    first: dict[int, date] = {}
    for paper, day in rows.all():
        root = merges.roots.get(paper, paper)
        if root not in first or day < first[root]:
            first[root] = day
    return {paper: first[paper] for paper in sorted(first)}


def _days_until(
    decided_on: Mapping[int, date], papers: Mapping[int, Paper], others: Mapping[int, Paper]
) -> dict[int, int]:
    """Return how many days after each paper had appeared the first decision about it came."""
    after = {}
    for paper, day in decided_on.items():
        known = papers.get(paper) or others.get(paper)
        appeared = first_on(known) if known is not None else None
        if appeared is not None:
            after[paper] = (day - appeared).days
    return after


def _shown(session: Session, end: End, wanted: Collection[int]) -> dict[int, Paper]:
    """Return other papers as far as their dates and kinds go."""
    revision = PaperRevision
    rows: Any = session.connection().execute(
        sa.select(
            col(revision.paper_id), col(revision.year), col(revision.published_on), col(revision.published_precision),
            col(revision.preprint_on), col(revision.is_refereed), col(revision.kind),
        ).where(
            end.holds(col(revision.learned_at), col(revision.superseded_at)),
            among(session, col(revision.paper_id), wanted),
        )
    )  # fmt: skip
    return {
        paper: Paper(
            paper,
            year=year or (preprint_on.year if preprint_on else None),
            published_on=published_on,
            published_precision=precision or "",
            preprint_on=preprint_on,
            is_refereed=is_refereed,
            kind=kind or "",
        )
        for paper, year, published_on, precision, preprint_on, is_refereed, kind in rows.all()
    }


@dataclass(slots=True)
class _Readings:
    """How many second readings had ended, in how many both readers agreed, and the papers with an open one.

    ``still_open`` are those of which one is open to this moment, with when it was drawn.
    """

    ended: int = 0
    agreed: int = 0
    under_way: set[int] = field(default_factory=set)
    still_open: dict[int, datetime] = field(default_factory=dict)

    def secret(self) -> ReadAgain:
        """Return what must be left out for whoever may be the second reader."""
        drawn = self.still_open.values()
        return ReadAgain(frozenset(self.still_open), min(drawn).date() if drawn else None)


def _second_readings(session: Session, end: End, merges: Merges) -> _Readings:
    """Return how second readings stood."""
    reading, pause = SecondReading, SecondReadingPause
    paused = sa.exists().where(
        col(pause.reading_id) == col(reading.id), end.holds(col(pause.called_off_at), col(pause.resumed_at))
    )
    rows: Any = session.connection().execute(
        sa.select(
            col(reading.paper_id), col(reading.agrees), col(reading.drawn_at), col(reading.ended_at), paused
        ).where(col(reading.drawn_at) <= end.moment)
    )
    found = _Readings()
    for paper, agrees, drawn_at, ended_at, was_called_off in rows.all():
        root = merges.root(paper)
        if ended_at is None:
            found.still_open[root] = min(drawn_at, found.still_open.get(root, drawn_at))
        if was_called_off:
            continue
        if ended_at is None or ended_at > end.moment:
            found.under_way.add(root)
        elif agrees is not None:
            found.ended += 1
            found.agreed += agrees
    return found
