"""Decisions from and to a list: a library's existing bibliography comes in, and all of ours goes out.

An imported row is a person's decision, recorded under the user it is imported for. It never changes a verdict that is
in force: where the list says otherwise, the row is reported and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import normal_arxiv, normal_bibcode, normal_doi
from biblio.catalogue.links import Ruling, decide, live_link, live_relation
from biblio.catalogue.references import papers_of_bibcodes
from biblio.errors import RequestRefused
from biblio.store.current import survivor_id, survivor_of, under_second_reading
from biblio.store.models import (
    Decision,
    Link,
    Paper,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    UserAccount,
)
from biblio.store.words import RelationKind, Scheme, Verdict
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.service import Today, in_step
from harvesters.rows import Row, csv_rows, jsonl_rows
from matching.codes import Grammar

_BETWEEN_BIBCODES = re.compile(r"[\s,;|]+")

Word = TypeVar("Word", Verdict, RelationKind)

COLUMNS = (
    "code",
    "bibcode",
    "doi",
    "arxiv",
    "verdict",
    "relation",
    "reason",
    "decided_by",
    "decided_at",
    "title",
    "year",
)
"""The columns of an exported list; an imported one needs ``code`` and one of bibcode, doi, arxiv."""


@dataclass(frozen=True, slots=True)
class Known:
    """One pair that a list says was verified. ``papers`` are identifiers as (scheme, value), any of one paper."""

    line: int
    code: str
    papers: tuple[tuple[Scheme, str], ...]
    verdict: Verdict
    relation: RelationKind
    reason: str


@dataclass(slots=True)
class ImportCounts:
    """What an import did (or would do), with a sentence for each row that was not taken."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    unchanged: int = 0
    contradicted: int = 0
    refused: int = 0
    sentences: list[str] = field(default_factory=list)


def list_rows(file: Path, needed: str | Collection[str] = "code") -> Iterator[Row]:
    """The rows of a list, CSV or JSON lines by its name. Raises ``RequestRefused`` for another kind of file."""
    suffix = file.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return jsonl_rows(file.read_bytes())
    if suffix in (".csv", ".tsv", ".txt"):
        return csv_rows(file.read_bytes(), needed)
    raise RequestRefused("give a .csv or a .jsonl file.")


def known_pairs(rows: Iterable[Row], grammar: Grammar, counts: ImportCounts) -> Iterator[Known]:
    """Give the pairs of a list. A row that cannot be read is counted and named; the rest go on.

    Several bibcodes may stand in one cell, as archives write them, blanks, commas, semicolons or bars between: each is
    a paper of its own.
    """
    for row in rows:
        counts.read += 1
        try:
            if row.reason is not None:
                raise RequestRefused(row.reason)
            yield from _pairs(row, grammar)
        except RequestRefused as refusal:
            counts.refused += 1
            counts.sentences.append(f"row {row.line}: {refusal}")


def _pairs(row: Row, grammar: Grammar) -> Iterator[Known]:
    values = {name: str(value).strip() for name, value in row.values.items() if value not in (None, "")}
    written = values.get("code") or values.get("project") or ""
    code = grammar.canonical(written)
    if code is None:
        raise RequestRefused(f"{written[:60]!r} is no project code.")
    verdict = _word(Verdict, values.get("verdict", "accept"), "verdict")
    relation = _word(RelationKind, values.get("relation", "science"), "relation")
    if verdict is Verdict.UNSURE:
        raise RequestRefused("an imported verdict must be accept or reject.")
    bibcodes = [b for b in (normal_bibcode(part) for part in _BETWEEN_BIBCODES.split(values.get("bibcode", ""))) if b]
    others = [
        (scheme, value)
        for scheme, value in (
            (Scheme.DOI, normal_doi(values.get("doi"))),
            (Scheme.ARXIV, normal_arxiv(values.get("arxiv"))),
        )
        if value
    ]
    if not bibcodes and not others:
        raise RequestRefused("it names no paper: give a bibcode, a DOI or an arXiv id.")
    papers = (
        [((Scheme.BIBCODE, b), *others) for b in bibcodes]
        if len(bibcodes) < 2
        else [((Scheme.BIBCODE, b),) for b in bibcodes]
    )
    for one in papers or [tuple(others)]:
        yield Known(row.line, code, tuple(one), verdict, relation, values.get("reason", "")[:1000])


def _word(kind: type[Word], written: str, name: str) -> Word:
    try:
        return kind(written.lower())
    except ValueError:
        raise RequestRefused(f"{written[:40]!r} is no {name}; there are: {', '.join(kind)}.") from None


def import_known(
    session: Session, actor: Actor, pairs: Iterable[Known], counts: ImportCounts, today: Today, *, source: str
) -> None:
    """Record the pairs as decisions of ``actor``. Raises nothing for a row: what is not taken is counted and named."""
    decisions = []
    for pair in pairs:
        try:
            decision = _record(session, actor, pair, counts, today, source)
        except RequestRefused as refusal:
            counts.refused += 1
            counts.sentences.append(f"row {pair.line}: {refusal}")
            continue
        if decision is not None:
            decisions.append(decision)
    in_step(session, today, decisions)


def _record(
    session: Session, actor: Actor, pair: Known, counts: ImportCounts, today: Today, source: str
) -> Decision | None:
    project = session.exec(select(Project.id).where(col(Project.code) == pair.code)).first()
    if project is None:
        raise RequestRefused(f"the project {pair.code} is not in the project list; load it first.")
    paper = paper_of(session, pair)
    link = live_link(session, paper, project)
    relation = live_relation(session, paper)
    if link is not None:
        if link.verdict is pair.verdict:
            counts.unchanged += 1
        else:
            counts.contradicted += 1
            counts.sentences.append(
                f"row {pair.line}: {pair.code} is {VERDICT_WORDS[link.verdict]} here since {link.decided_at:%Y-%m-%d}, "
                f"the list says {VERDICT_WORDS[pair.verdict]}; left as it is."
            )
        return None
    accepts = pair.verdict is Verdict.ACCEPT
    if accepts and relation is not None and relation is not pair.relation:
        counts.contradicted += 1
        counts.sentences.append(
            f"row {pair.line}: the paper was judged {relation.value.replace('_', ' ')} here, the list says "
            f"{pair.relation.value.replace('_', ' ')}; left as it is."
        )
        return None
    ruling = Ruling(
        paper_id=paper,
        project_id=project,
        verdict=pair.verdict,
        version_seen=0,
        relation=pair.relation if accepts and relation is None else None,
        reason=pair.reason or f"imported from {source}",
    )
    counts.accepted += accepts
    counts.rejected += not accepts
    return decide(session, actor, ruling, now=today.now)


def paper_of(session: Session, pair: Known) -> int:
    """The paper that a row names. Raises ``RequestRefused`` where there is none, or several."""
    found = {
        survivor_of(session, row)
        for scheme, value in pair.papers
        for row in session.exec(
            select(PaperIdentifier.paper_id).where(
                col(PaperIdentifier.scheme) == scheme, col(PaperIdentifier.value) == value
            )
        )
    }
    known = [paper for paper in found if paper is not None]
    if not known:  # an article we hold under another bibcode than the preprint's in the list
        bibcodes = [value for scheme, value in pair.papers if scheme is Scheme.BIBCODE]
        known = sorted(set(papers_of_bibcodes(session, bibcodes).values()))
    names = ", ".join(f"{scheme.value} {value}" for scheme, value in pair.papers)
    if not known:
        raise RequestRefused(f"no paper has {names}; harvest or import it first.")
    if len(known) > 1:
        raise RequestRefused(f"{names} belong to different papers here.")
    return known[0]


@dataclass(frozen=True, slots=True)
class Exported:
    """One verdict in force, as a list hands it over."""

    code: str
    bibcode: str | None
    doi: str | None
    arxiv: str | None
    verdict: str
    relation: str | None
    reason: str
    decided_by: str
    decided_at: datetime
    title: str | None
    year: int | None

    def plain(self) -> Mapping[str, object]:
        """Return the columns in their order, times as ISO text."""
        return {**asdict(self), "decided_at": self.decided_at.isoformat(timespec="seconds")}


def export_known(session: Session) -> Iterator[Exported]:
    """Give every verdict in force, by code and paper, but for papers under blind second reading."""
    hidden = under_second_reading(session)
    identifiers = _identifiers(session)
    relations = dict(
        session.execute(
            sa.select(survivor_id(), col(PaperRelation.relation))
            .join(PaperRelation, col(PaperRelation.paper_id) == col(Paper.id))
            .where(col(PaperRelation.ended_at).is_(None))
            .order_by(col(PaperRelation.id))
        ).all()
    )
    rows = session.execute(
        sa.select(Link, Decision, survivor_id(), col(Project.code), col(UserAccount.username))
        .join(Decision, col(Decision.id) == col(Link.decision_id))
        .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
        .join(Project, col(Project.id) == col(Link.project_id))
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .where(col(Link.ended_at).is_(None))
        .order_by(col(Project.code), survivor_id(), col(Link.id))
    ).all()
    shown = _shown(session, {paper for _, _, paper, _, _ in rows})
    for link, decision, paper, code, username in rows:
        if paper in hidden:
            continue
        names = identifiers.get(paper, {})
        relation = relations.get(paper)
        title, year = shown.get(paper, (None, None))
        yield Exported(
            code=code,
            bibcode=names.get(Scheme.BIBCODE),
            doi=names.get(Scheme.DOI),
            arxiv=names.get(Scheme.ARXIV),
            verdict=link.verdict.value,
            relation=relation.value if relation else None,
            reason=decision.reason,
            decided_by=username,
            decided_at=link.decided_at,
            title=title,
            year=year,
        )


def _shown(session: Session, papers: set[int]) -> dict[int, tuple[str | None, int | None]]:
    """Return paper → (title, year) shown, for the papers that have a verdict."""
    found = {}
    for paper_id, title, year in session.execute(
        sa.select(col(PaperRevision.paper_id), col(PaperRevision.title), col(PaperRevision.year)).where(
            col(PaperRevision.superseded_at).is_(None)
        )
    ):
        if paper_id in papers:
            found[paper_id] = (title, year)
    return found


def _identifiers(session: Session) -> dict[int, dict[Scheme, str]]:
    """Return paper → its first identifier of each scheme."""
    identifiers: dict[int, dict[Scheme, str]] = {}
    for paper_id, scheme, value in session.execute(
        sa.select(survivor_id(), col(PaperIdentifier.scheme), col(PaperIdentifier.value))
        .join(PaperIdentifier, col(PaperIdentifier.paper_id) == col(Paper.id))
        .order_by(col(PaperIdentifier.id))
    ):
        identifiers.setdefault(paper_id, {}).setdefault(scheme, value)
    return identifiers
