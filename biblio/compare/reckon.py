"""Compares a list with ours: missing here, missing there, and papers both have with different projects.

"Ours" are the papers with an accepted project. One pass over their list and one over ours; what is kept of either is
numbers, so that a million papers there and 200,000 here need some hundred megabytes and some seconds. Papers that are
read a second time, blind, are left out of all three: where a paper stands would give our verdict away.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.compare.lists import OtherList, theirs
from biblio.store.current import live_links, under_second_reading
from biblio.store.models import (
    ArchiveReference,
    ComparisonAside,
    Decision,
    Paper,
    PaperIdentifier,
    PaperMerge,
    Project,
    SecondReading,
    SourceRecord,
)
from biblio.store.words import Verdict

KEPT_FOR = timedelta(minutes=10)
"""How long a comparison serves at most; less where anything was stored since."""

_MOST_KEPT = 8
"""Lists whose comparison one process keeps."""


class Difference(StrEnum):
    """How their list can differ from ours."""

    MISSING_HERE = "missing-here"
    MISSING_THERE = "missing-there"
    DIFFERING = "differing"


@dataclass(frozen=True, slots=True)
class Pair:
    """One paper that both have: ``ref`` in their list, and the codes that only one of them gives it."""

    ref: int
    paper_id: int
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]


@dataclass(slots=True)
class Comparison:
    """How a list differs from ours. Missing here are rows of theirs (``ref``), missing there papers of ours.

    ``there`` = ``same`` + ``differing`` + ``missing_here`` + those set aside, those left out for a second reading, and
    ``repeated`` rows of a paper that stood there already. ``aside``: the differences that a person set aside.
    """

    there: int = 0
    here: int = 0
    same: int = 0
    repeated: int = 0
    left_out: int = 0
    missing_here: array[int] = field(default_factory=lambda: array("q"))
    missing_there: array[int] = field(default_factory=lambda: array("q"))
    differing: dict[int, Pair] = field(default_factory=dict)
    aside: dict[Difference, list[int]] = field(default_factory=lambda: {kind: [] for kind in Difference})

    def refs(self, kind: Difference, *, aside: bool = False) -> Sequence[int]:
        """Return what differs in one way: ``ref`` of missing here, paper of the other two; or what was set aside."""
        if aside:
            return self.aside[kind]
        if kind is Difference.DIFFERING:
            left_out = set(self.aside[kind])
            return [paper for paper in self.differing if paper not in left_out]
        return self.missing_here if kind is Difference.MISSING_HERE else self.missing_there

    def count(self, kind: Difference) -> int:
        """Return how many differ in one way and were not set aside."""
        if kind is Difference.DIFFERING:
            return len(self.differing) - len(self.aside[kind])
        return len(self.refs(kind))


def subject_of(kind: Difference, name: str, only_here: Sequence[str] = (), only_there: Sequence[str] = ()) -> str:
    """Return what a person sets aside: the kind, the paper and the codes. Other codes make it another difference."""
    codes = "".join([*(f" -{code}" for code in sorted(only_here)), *(f" +{code}" for code in sorted(only_there))])
    return f"{kind.value} {name}{codes}"[:400]


def compare(session: Session, one: OtherList) -> Comparison:
    """Compare a list with ours as both are now."""
    hidden = under_second_reading(session)
    ours = {paper: codes for paper, codes in _ours(session).items() if paper not in hidden}
    asides = live_asides(session, one.name)
    found = Comparison(here=len(ours))
    codes: dict[int, tuple[int, set[str]]] = {}
    absent: set[int] = set()
    for row in theirs(session, one):
        found.there += 1
        paper = row.paper_id
        if paper is not None and paper in hidden:
            found.left_out += 1
        elif paper is not None and paper in ours:
            if paper in codes:
                codes[paper][1].update(row.codes.split())
                found.repeated += 1
            else:
                codes[paper] = (row.ref, set(row.codes.split()))
        elif paper is not None and paper in absent:
            found.repeated += 1
        else:
            if paper is not None:
                absent.add(paper)
            is_aside = bool(asides) and subject_of(Difference.MISSING_HERE, row.key) in asides
            (found.aside[Difference.MISSING_HERE] if is_aside else found.missing_here).append(row.ref)
    _sort_ours(found, ours, codes, asides, names_projects=one.names_projects)
    return found


def _sort_ours(
    found: Comparison,
    ours: Mapping[int, frozenset[str]],
    codes: Mapping[int, tuple[int, set[str]]],
    asides: set[str],
    *,
    names_projects: bool,
) -> None:
    """Say of each of our papers whether they have it, and with the same projects."""
    for paper in sorted(ours):
        if paper not in codes:
            is_aside = bool(asides) and subject_of(Difference.MISSING_THERE, f"paper {paper}") in asides
            (found.aside[Difference.MISSING_THERE] if is_aside else found.missing_there).append(paper)
            continue
        ref, given = codes[paper]
        if not names_projects or given == ours[paper]:
            found.same += 1
            continue
        pair = Pair(ref, paper, tuple(sorted(ours[paper] - given)), tuple(sorted(given - ours[paper])))
        found.differing[paper] = pair
        if asides and subject_of(Difference.DIFFERING, f"paper {paper}", pair.only_here, pair.only_there) in asides:
            found.aside[Difference.DIFFERING].append(paper)


def _ours(session: Session) -> dict[int, frozenset[str]]:
    """Return the codes of every paper with an accepted project."""
    links = live_links()
    rows = session.execute(
        sa.select(links.c.paper_id, col(Project.code))
        .join(Project, col(Project.id) == links.c.project_id)
        .where(links.c.verdict == Verdict.ACCEPT)
        .order_by(links.c.paper_id)
        .execution_options(yield_per=5_000)
    )
    sets: dict[frozenset[str], frozenset[str]] = {}
    return {paper: sets.setdefault(codes, codes) for paper, codes in _grouped(rows)}


def _grouped(rows: Any) -> Iterator[tuple[int, frozenset[str]]]:
    paper, codes = None, set[str]()
    for next_paper, code in rows:
        if next_paper != paper:
            if paper is not None:
                yield paper, frozenset(codes)
            paper, codes = next_paper, set()
        codes.add(code)
    if paper is not None:
        yield paper, frozenset(codes)


def live_asides(session: Session, name: str) -> set[str]:
    """Return the differences of a list that were set aside."""
    rows = session.exec(
        select(ComparisonAside.subject).where(
            col(ComparisonAside.list_name) == name, col(ComparisonAside.ended_at).is_(None)
        )
    )
    return set(rows)


class ComparisonKeeper:
    """Keeps comparisons until anything that they rest on was stored, ten minutes at most."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int | None], tuple[Any, datetime, Comparison]] = {}

    def current(self, session: Session, one: OtherList, now: datetime) -> Comparison:
        """Return how a list differs from ours now."""
        mark, key = _mark(session), (one.name, one.list_id)
        kept = self._kept.get(key)
        if kept is None or kept[0] != mark or now - kept[1] > KEPT_FOR:
            kept = (mark, now, compare(session, one))
            self._kept.pop(key, None)
            self._kept[key] = kept
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return kept[2]


def _mark(session: Session) -> tuple[Any, ...]:
    """Return what changes with everything that a comparison rests on."""
    tables = (
        Paper,
        PaperIdentifier,
        PaperMerge,
        Decision,
        ArchiveReference,
        SourceRecord,
        SecondReading,
        ComparisonAside,
    )
    marks: list[Any] = [sa.select(sa.func.max(model.id)).scalar_subquery() for model in tables]
    marks += [
        sa.select(sa.func.count()).where(col(SecondReading.ended_at).is_(None)).scalar_subquery(),
        sa.select(sa.func.count()).where(col(ComparisonAside.ended_at).is_(None)).scalar_subquery(),
        sa.select(sa.func.count()).where(col(PaperMerge.undone_at).is_(None)).scalar_subquery(),
    ]
    return tuple(session.execute(sa.select(*marks)).one())
