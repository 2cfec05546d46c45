"""The differences between a list and ours as they are shown and exported: some at a time, by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.readable import readable
from biblio.compare.lists import Kind, ListedRow, OtherList, listed_rows, papers_of_rows, theirs
from biblio.compare.reckon import Comparison, Difference, subject_of
from biblio.store.current import survivor_id, under_second_reading
from biblio.store.models import (
    ComparisonAside,
    ComparisonRow,
    Link,
    Paper,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    UserAccount,
)
from biblio.store.words import Verdict
from biblio.webkit import holds

_AT_ONCE = 500
_MOST_FOUND = 20_000
"""Papers that a word can find; more are no answer to anything."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Who set a difference aside, when and why."""

    aside_id: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One difference. ``ref`` is the row of their list (None: they lack the paper), ``here`` where the paper stands with us."""

    kind: Difference
    number: int
    """What the comparison knows it by: the row, or our paper."""
    key: str
    title: str | None
    year: int | None
    place: str
    subject: str
    ref: int | None = None
    paper_id: int | None = None
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    here: str = ""
    aside: SetAside | None = None

    @property
    def can_take(self) -> bool:
        """Whether there are projects of theirs that we do not have for a paper that we do."""
        return self.paper_id is not None and bool(self.only_there)

    def plain(self) -> dict[str, object]:
        """Return the line as exports give it."""
        return {
            "difference": self.kind.value,
            "identifier": self.key,
            "title": self.title,
            "year": self.year,
            "place": self.place,
            "paper": self.paper_id,
            "ours": " ".join(self.ours),
            "theirs": " ".join(self.theirs),
            "only_here": " ".join(self.only_here),
            "only_there": " ".join(self.only_there),
            "here": self.here,
            "set_aside": self.aside.reason if self.aside else "",
        }


COLUMNS = (
    *("difference", "identifier", "title", "year", "place", "paper", "ours", "theirs", "only_here", "only_there"),
    *("here", "set_aside"),
)
"""The columns of an export."""


@dataclass(slots=True)
class _Shown:
    """What is known of some of our papers."""

    titles: dict[int, tuple[str | None, int | None]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    by_verdict: dict[Verdict, dict[int, list[str]]] = field(default_factory=lambda: {v: {} for v in Verdict})
    relations: dict[int, str] = field(default_factory=dict)


def every_line(session: Session, one: OtherList, found: Comparison, kinds: Sequence[Difference]) -> Iterator[Line]:
    """Give all differences of these kinds, without those that were set aside, some read at a time."""
    for kind in kinds:
        refs = found.refs(kind)
        for start in range(0, len(refs), _AT_ONCE):
            yield from lines(session, one, found, kind, refs[start : start + _AT_ONCE])


def lines(session: Session, one: OtherList, found: Comparison, kind: Difference, refs: Sequence[int]) -> list[Line]:
    """Return some differences of one kind, in this order; rows that are no longer in the list are left out."""
    if kind is Difference.MISSING_HERE:
        made = _missing_here(session, one, refs)
    elif kind is Difference.MISSING_THERE:
        made = _missing_there(session, refs)
    else:
        made = _differing(session, one, found, refs)
    asides = _asides(session, one.name, [line.subject for line in made])
    return [_with(line, asides.get(line.subject)) for line in made]


def _with(line: Line, aside: SetAside | None) -> Line:
    if aside is None:
        return line
    return replace(line, aside=aside)


def _missing_here(session: Session, one: OtherList, refs: Sequence[int]) -> list[Line]:
    rows = listed_rows(session, one, refs)
    papers = papers_of_rows(session, one, refs)
    ids = [paper for paper in papers.values() if paper is not None]
    shown = _shown(session, ids)
    hidden = under_second_reading(session, ids) if ids else set()
    made = []
    for ref in refs:
        row = rows.get(ref)
        if row is None or ref not in papers:
            continue
        paper = papers[ref]
        title, year = shown.titles.get(paper or 0, (None, None))
        made.append(
            Line(
                kind=Difference.MISSING_HERE,
                number=ref,
                key=row.key,
                title=row.title or title,
                year=row.year or year,
                place=row.place,
                subject=subject_of(Difference.MISSING_HERE, row.key),
                ref=ref,
                paper_id=paper,
                theirs=row.codes,
                only_there=row.codes,
                here=_here(paper, shown, hidden),
            )
        )
    return made


def _here(paper: int | None, shown: _Shown, hidden: set[int]) -> str:
    """Say where a paper that is none of ours stands with us; nothing of one that is read a second time, blind."""
    if paper is None:
        return "not in our catalogue"
    if paper in hidden:
        return "being read a second time"
    if relation := shown.relations.get(paper):
        return f"judged “{relation.replace('_', ' ')}”"
    for verdict, words in ((Verdict.REJECT, "rejected for"), (Verdict.UNSURE, "unsure about")):
        if codes := shown.by_verdict[verdict].get(paper):
            return f"{words} {', '.join(sorted(codes)[:3])}"
    return "in our catalogue, nobody decided"


def _missing_there(session: Session, papers: Sequence[int]) -> list[Line]:
    shown = _shown(session, papers)
    made = []
    for paper in papers:
        title, year = shown.titles.get(paper, (None, None))
        codes = tuple(sorted(set(shown.by_verdict[Verdict.ACCEPT].get(paper, ()))))
        made.append(
            Line(
                kind=Difference.MISSING_THERE,
                number=paper,
                key=shown.names.get(paper, f"paper {paper}"),
                title=title,
                year=year,
                place="",
                subject=subject_of(Difference.MISSING_THERE, f"paper {paper}"),
                paper_id=paper,
                ours=codes,
                only_here=codes,
            )
        )
    return made


def _differing(session: Session, one: OtherList, found: Comparison, papers: Sequence[int]) -> list[Line]:
    pairs = {paper: found.differing[paper] for paper in papers if paper in found.differing}
    shown = _shown(session, list(pairs))
    rows = listed_rows(session, one, [pair.ref for pair in pairs.values()])
    made = []
    for paper, pair in pairs.items():
        row = rows.get(pair.ref) or ListedRow(pair.ref, f"paper {paper}", (), None, None, "")
        title, year = shown.titles.get(paper, (None, None))
        ours = tuple(sorted(set(shown.by_verdict[Verdict.ACCEPT].get(paper, ()))))
        made.append(
            Line(
                kind=Difference.DIFFERING,
                number=paper,
                key=row.key,
                title=title or row.title,
                year=year or row.year,
                place=row.place,
                subject=subject_of(Difference.DIFFERING, f"paper {paper}", pair.only_here, pair.only_there),
                ref=pair.ref,
                paper_id=paper,
                ours=ours,
                theirs=tuple(sorted({*ours} - {*pair.only_here} | {*pair.only_there})),
                only_here=pair.only_here,
                only_there=pair.only_there,
            )
        )
    return made


def _shown(session: Session, papers: Sequence[int]) -> _Shown:
    shown = _Shown()
    for ids in chunks(sorted(set(papers))):
        group = sa.or_(col(Paper.id).in_(ids), col(Paper.merged_into_id).in_(ids))
        members = dict(session.execute(sa.select(col(Paper.id), survivor_id()).where(group)).all())
        revisions = sa.select(col(PaperRevision.paper_id), col(PaperRevision.title), col(PaperRevision.year)).where(
            col(PaperRevision.paper_id).in_(ids), col(PaperRevision.superseded_at).is_(None)
        )
        for paper, title, year in session.execute(revisions):
            shown.titles[paper] = (readable(title) if title else None, year)
        for some in chunks(members):
            _show_some(session, shown, members, some)
    return shown


def _show_some(session: Session, shown: _Shown, members: Mapping[int, int], some: list[int]) -> None:
    """Fill in names, verdicts and relations of some papers, each for the paper that stands for it."""
    named = (
        sa.select(col(PaperIdentifier.paper_id), col(PaperIdentifier.value))
        .where(col(PaperIdentifier.paper_id).in_(some))
        .order_by(col(PaperIdentifier.scheme).desc(), col(PaperIdentifier.id))  # a DOI before others
    )
    for paper, value in session.execute(named):
        shown.names[members[paper]] = value
    judged = (
        sa.select(col(Link.paper_id), col(Project.code), col(Link.verdict))
        .join(Project, col(Project.id) == col(Link.project_id))
        .where(col(Link.paper_id).in_(some), col(Link.ended_at).is_(None))
    )
    for paper, code, verdict in session.execute(judged):
        shown.by_verdict[verdict].setdefault(members[paper], []).append(code)
    related = (
        sa.select(col(PaperRelation.paper_id), col(PaperRelation.relation))
        .where(col(PaperRelation.paper_id).in_(some), col(PaperRelation.ended_at).is_(None))
        .order_by(col(PaperRelation.id))
    )
    for paper, relation in session.execute(related):
        shown.relations[members[paper]] = relation.value


def _asides(session: Session, name: str, subjects: Sequence[str]) -> dict[str, SetAside]:
    found: dict[str, SetAside] = {}
    for some in chunks(subjects):
        rows = session.execute(
            sa.select(ComparisonAside, col(UserAccount.name))
            .join(UserAccount, col(UserAccount.id) == col(ComparisonAside.actor_id))
            .where(
                col(ComparisonAside.list_name) == name,
                col(ComparisonAside.ended_at).is_(None),
                col(ComparisonAside.subject).in_(some),
            )
        )
        for row, person in rows:
            found[row.subject] = SetAside(row.id, person, row.made_at, row.reason)
    return found


# -- finding ----------------------------------------------------------------------------------------------------------


def matching(session: Session, one: OtherList, kind: Difference, words: str, year: int | None) -> set[int] | None:
    """Return the numbers of differences that hold ``words`` in identifier, title or codes, and are of ``year``.

    None where nothing was asked for.
    """
    if not words and year is None:
        return None
    if kind is Difference.MISSING_HERE and one.kind is Kind.IMPORTED:
        conditions: list[Any] = [col(ComparisonRow.list_id) == one.list_id]
        if words:
            columns = (
                ComparisonRow.key,
                ComparisonRow.title,
                ComparisonRow.codes,
                ComparisonRow.doi,
                ComparisonRow.arxiv,
            )
            conditions.append(sa.or_(*(holds(column, words) for column in columns)))
        if year is not None:
            conditions.append(col(ComparisonRow.year) == year)
        return {i for i in session.exec(select(ComparisonRow.id).where(*conditions)) if i is not None}
    papers = _papers_holding(session, words, year)
    if kind is not Difference.MISSING_HERE:
        return papers
    return _rows_of(session, one, words, papers)


def _papers_holding(session: Session, words: str, year: int | None) -> set[int]:
    found: set[int] | None = None
    if year is not None:
        of_year = sa.select(col(PaperRevision.paper_id)).where(
            col(PaperRevision.superseded_at).is_(None), col(PaperRevision.year) == year
        )
        found = set(session.execute(of_year).scalars())
    if not words:
        return found or set()
    titles = sa.select(col(PaperRevision.paper_id)).where(
        col(PaperRevision.superseded_at).is_(None), holds(PaperRevision.title, words)
    )
    names = (
        sa.select(survivor_id())
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .where(holds(PaperIdentifier.value, words))
    )
    codes = (
        sa.select(survivor_id())
        .join(Link, col(Link.paper_id) == col(Paper.id))
        .join(Project, col(Project.id) == col(Link.project_id))
        .where(col(Link.ended_at).is_(None), holds(Project.code, words))
    )
    named: set[int] = set()
    for query in (titles, names, codes):
        named |= set(session.execute(query.limit(_MOST_FOUND)).scalars())
    return named if found is None else named & found


def _rows_of(session: Session, one: OtherList, words: str, papers: set[int]) -> set[int]:
    """Rows of a list that is not imported: of these papers, or named by the words themselves."""
    return {
        row.ref
        for row in theirs(session, one)
        if row.paper_id in papers or (words and words.lower() in f"{row.key} {row.codes}".lower())
    }
