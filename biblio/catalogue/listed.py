"""Which papers a library's list names for which projects: known links, for evaluation and as hints; not verdicts.

The archive's own references come with its projects (``catalogue.projects``); those of another library's bibliography
come from here, into the same table. Whoever said it first stays the source of a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.store.current import survivor_id
from biblio.store.models import ArchiveReference, Paper, PaperIdentifier, Project
from biblio.store.words import Scheme
from matching.codes import Grammar

_BETWEEN = re.compile(r"[\s;,|]+")
_FEWEST_DIGITS = 3
"""A word with fewer figures is no attempt at a code, but a part of a name or of a cycle ("North America", "Cycle 2")."""


@dataclass(slots=True)
class Referred:
    """What became of the references of a list: how many are new or known, and the codes that no project has."""

    new: int = 0
    known: int = 0
    unknown: set[str] = field(default_factory=set)


def codes_in(cell: str, grammar: Grammar) -> tuple[list[str], list[str]]:
    """Return the codes in a cell of a list, in their one spelling, and what looks like a code and is none.

    Libraries pad codes with blanks and write words behind them (``2012.1.00076.S : North America``, ``…, Partner``).
    """
    codes: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for piece in _BETWEEN.split(cell):
        word = piece.strip(":")
        if sum(sign.isdigit() for sign in word) < _FEWEST_DIGITS:
            continue
        code = grammar.canonical(word)
        if code is not None:
            codes[code] = None
        else:
            wrong[word[:60]] = None
    return list(codes), list(wrong)


def refer(session: Session, pairs: Iterable[tuple[str, str]], source: str, now: datetime) -> Referred:
    """Keep (project code, bibcode) pairs that ``source`` lists; codes and bibcodes are in their one spelling.

    A code that no project has is told and left; it costs the others nothing. Doing it again changes nothing.
    """
    wanted = dict.fromkeys(pairs)
    projects: dict[str, int] = {}
    for codes in chunks(sorted({code for code, _ in wanted})):
        found = session.exec(select(Project.code, Project.id).where(col(Project.code).in_(codes)))
        projects |= {code: project_id for code, project_id in found if project_id is not None}
    referred = Referred(unknown={code for code, _ in wanted if code not in projects})
    asked = [(projects[code], bibcode) for code, bibcode in wanted if code in projects]
    known: set[tuple[int, str]] = set()
    for ids in chunks(sorted({project_id for project_id, _ in asked})):
        listed = select(ArchiveReference.project_id, ArchiveReference.bibcode).where(
            col(ArchiveReference.project_id).in_(ids)
        )
        known |= set(session.exec(listed))
    fresh = [
        {"project_id": project_id, "bibcode": bibcode, "source": source[:32], "learned_at": now}
        for project_id, bibcode in asked
        if (project_id, bibcode) not in known
    ]
    if fresh:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(ArchiveReference).on_conflict_do_nothing(), fresh)
    referred.new, referred.known = len(fresh), len(asked) - len(fresh)
    return referred


def bibcodes_of(session: Session, paper_ids: Iterable[int]) -> dict[int, str]:
    """Return one bibcode of each paper that has any: the article's before the preprint's."""
    found: dict[int, str] = {}
    survivor = survivor_id()
    for ids in chunks(sorted(set(paper_ids))):
        rows = session.execute(
            sa.select(survivor, col(PaperIdentifier.value))
            .join(Paper, col(Paper.id) == col(PaperIdentifier.paper_id))
            .where(survivor.in_(ids), col(PaperIdentifier.scheme) == Scheme.BIBCODE)
            .order_by(col(PaperIdentifier.id))
        )
        for paper_id, bibcode in rows:
            if paper_id not in found or ("arXiv" in found[paper_id] and "arXiv" not in bibcode):
                found[paper_id] = bibcode
    return found
