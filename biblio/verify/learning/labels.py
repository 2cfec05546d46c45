"""What people found of papers and projects: the verdicts in force, or a list of somebody's.

A list is a CSV or JSON lines file as ``biblio decisions export`` writes it, so the bibliography of another library, or
our own of last year, can be held against today's proposals. Nothing of it is stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from biblio.errors import RequestRefused
from biblio.store.current import live_links, live_relations
from biblio.store.models import Project
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify.lists.known import ImportCounts, Known, known_pairs, list_rows, paper_of
from harvesters.rows import Row
from matching.codes import Grammar
from matching.evaluation import JudgedPaper
from matching.evidence import Evidence
from matching.propose import Candidate

NONE_OF_OURS = (RelationKind.NOT_OURS, RelationKind.MENTION)
"""Papers of these relations used none of the projects, so every candidate of theirs is wrong."""

SENTENCES = 20
"""Rows that could not be used are named up to so many; the rest are counted."""


@dataclass(slots=True)
class Labels:
    """By paper: the codes found right and wrong; and the papers of which every candidate that is not right is wrong.

    Papers are named by their number in the store, or by their id in a file of candidates.
    """

    right: dict[Any, set[str]] = field(default_factory=dict)
    wrong: dict[Any, set[str]] = field(default_factory=dict)
    settled: set[Any] = field(default_factory=set)
    refused: int = 0
    sentences: list[str] = field(default_factory=list)

    def papers(self) -> list[Any]:
        """All papers that somebody judged, in order."""
        return sorted({*self.right, *self.wrong, *self.settled})

    def judged(self, paper: Any, name: str, candidates: list[Candidate]) -> JudgedPaper:
        """Hold the candidates of one paper beside what was found of it."""
        return JudgedPaper(
            name,
            candidates,
            frozenset(self.right.get(paper, ())),
            frozenset(self.wrong.get(paper, ())),
            is_settled=paper in self.settled,
        )

    def learn(self, paper: Any, code: str, *, is_right: bool) -> None:
        """Take what a row says of a pair. Raises ``RequestRefused`` where an earlier row says the opposite."""
        here, other = (self.right, self.wrong) if is_right else (self.wrong, self.right)
        if code in other.get(paper, ()):
            name = f"{paper} and {code}" if isinstance(paper, str) else code
            raise RequestRefused(f"an earlier row says the opposite of {name}; that one counts.")
        here.setdefault(paper, set()).add(code)

    def refuse(self, sentence: str) -> None:
        """Count a row that cannot be used, and say why."""
        self.refused += 1
        if len(self.sentences) < SENTENCES:
            self.sentences.append(sentence)


def verdicts_in_force(session: Session) -> Labels:
    """What librarians decided; a paper they found none of ours is settled."""
    links, relations = live_links(), live_relations()
    found = Labels()
    rows = session.execute(
        sa.select(links.c.paper_id, Project.code, links.c.verdict)  # type: ignore[call-overload]
        .join(Project, Project.id == links.c.project_id)
        .where(links.c.verdict.in_((Verdict.ACCEPT, Verdict.REJECT)))
    )
    for paper_id, code, verdict in rows:
        (found.right if verdict is Verdict.ACCEPT else found.wrong).setdefault(paper_id, set()).add(code)
    none = session.execute(sa.select(relations.c.paper_id).where(relations.c.relation.in_(NONE_OF_OURS))).scalars()
    found.settled = {paper_id for paper_id in none if paper_id not in found.right}
    return found


def listed(session: Session, file: Path, grammar: Grammar, *, complete: bool) -> Labels:
    """What a list says of papers in the store; with ``complete`` it names every project of its papers.

    Raises ``RequestRefused`` or ``PageRefused`` for a file that cannot be read; a row that cannot be used is counted.
    """
    counts, found = ImportCounts(), Labels()
    codes = set(session.execute(sa.select(Project.code)).scalars())  # type: ignore[call-overload]
    for pair in known_pairs(list_rows(file), grammar, counts):
        try:
            _take(session, pair, codes, found, complete=complete)
        except RequestRefused as refusal:
            found.refuse(f"row {pair.line}: {refusal}")
    for sentence in counts.sentences:
        found.refuse(sentence)
    return found


def _take(session: Session, pair: Known, codes: set[str], found: Labels, *, complete: bool) -> None:
    if pair.code not in codes:
        raise RequestRefused(f"the project {pair.code} is not in the project list, so nothing can propose it.")
    paper = paper_of(session, pair)
    none = pair.relation in NONE_OF_OURS
    found.learn(paper, pair.code, is_right=pair.verdict is Verdict.ACCEPT and not none)
    if complete or none:
        found.settled.add(paper)


def named(file: Path, *, complete: bool) -> Labels:
    """What a list of rows ``paper``, ``project`` and, where it was refused, ``verdict`` says; no project means none.

    Papers and projects are called as a file of candidates calls them. Raises as ``listed``.
    """
    found = Labels()
    for row in list_rows(file, ("paper", "id")):
        try:
            _take_named(row, found, complete=complete)
        except RequestRefused as refusal:
            found.refuse(f"row {row.line}: {refusal}")
    return found


def _take_named(row: Row, found: Labels, *, complete: bool) -> None:
    if row.reason is not None:
        raise RequestRefused(row.reason)
    paper = str(row.values.get("paper") or row.values.get("id") or "")
    code = str(row.values.get("project") or row.values.get("code") or "").strip()
    verdict = str(row.values.get("verdict") or row.values.get("label") or "accept").lower()
    if not paper:
        raise RequestRefused("it names no paper: give `paper` (or `id`), called as in the candidates.")
    if verdict not in (Verdict.ACCEPT, Verdict.REJECT):
        raise RequestRefused(f"{verdict[:40]!r} is no verdict; there are: accept, reject.")
    if code:
        found.learn(paper, code, is_right=verdict == Verdict.ACCEPT)
    if complete or not code:
        found.settled.add(paper)


def proposed_in(file: Path, labels: Labels, *, complete: bool) -> Iterator[JudgedPaper]:
    """The papers of a file that ``biblio propose`` printed, beside what was found; one paper in memory at a time.

    With ``complete``, papers that the list does not name used none of the projects. Papers of the list that are not in
    the file count as missed.
    """
    unseen = set(labels.papers())
    for paper, lines in groupby(_candidates(file, labels), key=lambda line: str(line["paper"])):
        if complete:
            labels.settled.add(paper)
        elif paper not in unseen:
            continue
        unseen.discard(paper)
        yield labels.judged(paper, paper, [_candidate(line) for line in lines])
    for paper in sorted(unseen):
        yield labels.judged(paper, paper, [])


def _candidates(file: Path, labels: Labels) -> Iterator[Mapping[str, Any]]:
    """The lines that are candidates; a paper's must stand together, each project once, else pairs would count twice."""
    papers: set[str] = set()
    codes: set[str] = set()
    here: str | None = None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = _readable(line)
            if row is None:
                labels.refuse(f"{file.name}, row {number}: no candidate as `biblio propose` prints them.")
                continue
            paper, code = str(row["paper"]), str(row["project"])
            if paper != here and paper in papers:
                labels.refuse(
                    f"{file.name}, row {number}: the paper {paper[:60]} stands here a second time, after others; what "
                    "belongs to a paper stands together."
                )
                continue
            if paper != here:
                papers.add(paper)
                here, codes = paper, set()
            if code in codes:
                labels.refuse(
                    f"{file.name}, row {number}: the project {code[:60]} stands here a second time for the paper "
                    f"{paper[:60]}."
                )
                continue
            codes.add(code)
            yield row


def _readable(line: bytes) -> Mapping[str, Any] | None:
    """The candidate of a line; None for a line that is none."""
    try:
        row = json.loads(line)
        is_one = (
            all(
                isinstance(name, str | int) and str(name) and str(name).isprintable()
                for name in (row["paper"], row["project"])
            )
            and isinstance(row.get("evidence") or [], list)
            and _is_number(row["score"])
            and 0.0 <= row["score"] <= 1.0
            and row["band"] in tuple(Band)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return row if is_one else None


def _candidate(line: Mapping[str, Any]) -> Candidate:
    evidence = tuple(
        Evidence(str(piece["kind"]), "", float(piece["contribution"]), "")
        for piece in line.get("evidence") or ()
        if isinstance(piece, dict)
        and str(piece.get("kind", "\n")).isprintable()
        and _is_number(piece.get("contribution"))
    )
    return Candidate(str(line["project"]), float(line["score"]), str(line["band"]), evidence)


def _is_number(value: object) -> bool:
    """Whether it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
