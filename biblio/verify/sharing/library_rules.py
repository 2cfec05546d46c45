"""Rules that assign papers by journal or source to a library: made and ended by head librarians, never edited.

A rule moves papers in the queue. The first of them move at once; where there are more, the job ``libraries`` goes on in
pieces, so that no page waits for 200,000 rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.jobs import Job, JobContext
from biblio.observatory import Profile
from biblio.store.current import group_ids
from biblio.store.found import found, found_paper
from biblio.store.models import DeskItem, LibraryAssignment, LibraryRule
from biblio.verify.queue import tally
from biblio.verify.queue.libraries import Condition, by_rule, libraries_of, live_rules

AT_ONCE = 500
"""Rows of the queue that one piece looks at."""

MOVED_AT_ONCE = 1000
"""Rows that are moved while a page waits; the job moves the rest."""


def library_names(profile: Profile) -> list[str]:
    """Return the libraries that share the bibliography, in the profile's order."""
    return list(dict.fromkeys(p.library for p in profile.partners))


def add_rule(
    session: Session, actor: Actor, profile: Profile, condition: Condition, library: str, *, now: datetime
) -> LibraryRule:
    """Put a rule in force. Raises ``RequestRefused`` for an unknown library, an empty condition, or a tie.

    A tie is a second rule for the same journal and source: which of two holds must not be left to chance.
    """
    journal, source = (part.strip() for part in condition)
    if library not in library_names(profile):
        raise RequestRefused("Choose the library that the papers are for.")
    if not journal and not source:
        raise RequestRefused("Choose a journal, a source, or both: a rule for every paper would leave no partner any.")
    tied = live_rules(session).get((journal, source))
    row = LibraryRule(library=library, journal=journal, source=source, made_by_id=actor.person_id(), made_at=now)
    if tied is None:
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            tied = "another library"
    if tied is not None:
        raise RequestRefused(f"A rule gives these papers to {tied} already: end that one first, so that no two tie.")
    return row


def end_rule(session: Session, actor: Actor, rule_id: int, *, now: datetime) -> LibraryRule:
    """End a rule. Raises ``NotFound``, ``Stale`` where somebody has ended it."""
    row = found(session, LibraryRule, rule_id, "rule", to_change=True)
    if row.ended_at is not None:
        raise Stale("Somebody has ended this rule already.", current=row)
    row.ended_at, row.ended_by_id = now, actor.person_id()
    session.add(row)
    session.flush()
    return row


def give(
    session: Session, actor: Actor, profile: Profile, paper_id: int, library: str, *, note: str, now: datetime
) -> LibraryAssignment:
    """Give one paper to a library, whatever the rules say. Raises ``RequestRefused`` for an unknown library."""
    if library not in library_names(profile):
        raise RequestRefused("Choose the library to hand the paper to.")
    survivor = found_paper(session, paper_id)
    _end_assignments(session, actor, survivor, now)
    row = LibraryAssignment(
        paper_id=survivor, library=library, note=note.strip(), made_by_id=actor.person_id(), made_at=now
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else gave this paper to a library at the same moment.") from error
    return row


def take_back(session: Session, actor: Actor, assignment_id: int, *, now: datetime) -> LibraryAssignment:
    """Take back that a paper was given to a library; whoever had it by hand before has it again.

    Raises ``NotFound``, ``Stale`` where it was given on meanwhile.
    """
    row = session.get(LibraryAssignment, assignment_id, with_for_update=True)
    if row is None:
        raise NotFound(f"No paper was given to a library under number {assignment_id}.")
    if row.ended_at is not None:
        raise Stale("This paper was given to another library meanwhile.", current=row)
    row.ended_at, row.ended_by_id = now, actor.person_id()
    session.add(row)
    session.flush()
    before = session.exec(
        select(LibraryAssignment)
        .where(
            col(LibraryAssignment.paper_id) == row.paper_id,
            col(LibraryAssignment.ended_at) == row.made_at,
            col(LibraryAssignment.id) < row.id,
        )
        .order_by(col(LibraryAssignment.id).desc())
    ).first()
    if before is not None:
        same = before.model_dump(include={"paper_id", "library", "note"})
        session.add(LibraryAssignment(**same, made_by_id=actor.person_id(), made_at=now))
        session.flush()
    return row


def _end_assignments(session: Session, actor: Actor, survivor: int, now: datetime) -> None:
    for row in session.exec(
        select(LibraryAssignment).where(
            col(LibraryAssignment.paper_id).in_(group_ids(session, survivor)), col(LibraryAssignment.ended_at).is_(None)
        )
    ):
        row.ended_at, row.ended_by_id = now, actor.person_id()
        session.add(row)
    session.flush()


# -- what a rule moves ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """How many waiting papers a rule would move: in all, and from which library (None: from nobody's)."""

    count: int
    sources: tuple[tuple[str | None, int], ...]


def preview(session: Session, condition: Condition, library: str) -> Move:
    """Return what a new rule would move: papers that no person gave away and no more specific rule holds.

    One statement over an index of the queue, whatever its size.
    """
    query = (
        sa.select(col(DeskItem.library), sa.func.count())
        .where(
            col(DeskItem.is_shown).is_(True),
            *_asked(condition),
            *(sa.not_(sa.and_(*_asked(other))) for other in _more_specific(session, condition)),
            sa.or_(col(DeskItem.library).is_(None), col(DeskItem.library) != library),
            col(DeskItem.paper_id).not_in(_given()),
        )
        .group_by(col(DeskItem.library))
        .order_by(sa.func.count().desc())
    )
    rows = tuple((name, number) for name, number in session.execute(query))
    return Move(sum(number for _, number in rows), rows)


def _asked(condition: Condition) -> list[Any]:
    journal, source = condition
    asked: list[Any] = [col(DeskItem.journal) == journal] if journal else []
    return [*asked, *([col(DeskItem.source) == source] if source else [])]


def _more_specific(session: Session, condition: Condition) -> list[Condition]:
    """The rules in force that go before one with this condition, and can hold some of its papers."""
    journal, source = condition
    if journal and source:
        return []
    if journal:
        return [c for c in live_rules(session) if c[0] == journal and c[1]]
    return [c for c in live_rules(session) if c[0] and c[1] in (source, "")]


def _given() -> Any:
    return sa.select(col(LibraryAssignment.paper_id)).where(col(LibraryAssignment.ended_at).is_(None))


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in force, and how many waiting papers it holds now."""

    rule: LibraryRule
    count: int


def rule_rows(session: Session) -> list[RuleRow]:
    """Return the rules in force, by library, journal and source, each with its waiting papers: two statements."""
    rules = session.exec(select(LibraryRule).where(col(LibraryRule.ended_at).is_(None))).all()
    conditions = {(row.journal, row.source): row.library for row in rules}
    held: dict[Condition, int] = dict.fromkeys(conditions, 0)
    counted = (
        sa.select(col(DeskItem.journal), col(DeskItem.source), sa.func.count())
        .where(col(DeskItem.is_shown).is_(True), col(DeskItem.paper_id).not_in(_given()))
        .group_by(col(DeskItem.journal), col(DeskItem.source))
    )
    for journal, source, number in session.execute(counted) if rules else ():
        for condition in ((journal or "", source or ""), (journal or "", ""), ("", source or "")):
            if condition in held and by_rule(conditions, *condition) is not None:
                held[condition] += number
                break
    ordered = sorted(rules, key=lambda r: (r.library, r.journal, r.source))
    return [RuleRow(row, held[row.journal, row.source]) for row in ordered]


def commonest(session: Session, field: Literal["journal", "source"], limit: int) -> list[str]:
    """Return the commonest journals or sources of the papers in the queue, commonest first."""
    papers = tally.sums(session)[field]
    return sorted(papers, key=lambda name: (-papers[name], name))[:limit]


# -- putting the queue in step --------------------------------------------------------------------------------------------


def put_in_step(session: Session, profile: Profile, condition: Condition, *, after: int = 0) -> tuple[int, int | None]:
    """Work out anew whose the queue's papers of this condition are, from paper number ``after`` on.

    Looks at ``AT_ONCE`` rows; returns (rows changed, the last paper looked at, or None at the end).
    """
    rows = session.exec(
        select(DeskItem)
        .where(*_asked(condition), col(DeskItem.paper_id) > after)
        .order_by(col(DeskItem.paper_id))
        .limit(AT_ONCE)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    known = libraries_of(session, profile, [row.paper_id for row in rows])
    was, now = [], []
    for row in rows:
        if row.library != known.get(row.paper_id):
            was.append(DeskItem.model_validate(row.model_dump()))
            row.library = known.get(row.paper_id)
            session.add(row)
            now.append(row)
    session.flush()
    tally.note(session, was, now)
    return len(now), rows[-1].paper_id if len(rows) == AT_ONCE else None


def put_first_in_step(session: Session, profile: Profile, condition: Condition) -> bool:
    """Do so for as many rows as a page can wait for; return whether some are left to the job."""
    after: int | None = 0
    for _ in range(MOVED_AT_ONCE // AT_ONCE):
        _, after = put_in_step(session, profile, condition, after=after or 0)
        if after is None:
            return False
    return True


def _run(context: JobContext) -> None:
    runtime = context.runtime
    condition = (str(context.arguments.get("journal", "")), str(context.arguments.get("source", "")))
    with runtime.store.reading() as session:
        total = session.execute(sa.select(sa.func.count()).select_from(DeskItem).where(*_asked(condition))).scalar_one()
    after: int | None = 0
    done = 0
    while after is not None:
        with runtime.store.writing() as session:
            changed, after = put_in_step(session, runtime.profile, condition, after=after)
        done = min(done + AT_ONCE, total)
        context.count("moved", changed)
        context.progress("papers", done, total)
    context.count("looked_at", total)


def condition_in_words(condition: Condition) -> str:
    """Return what a rule asks for: "the journal ApJ, from ads"."""
    journal, source = condition
    parts = [f"the journal {journal}" if journal else "", f"from {source}" if source else ""]
    return ", ".join(part for part in parts if part)


libraries = Job(
    name="libraries",
    title="Give the queue's papers to their libraries",
    run=_run,
)
"""Works out anew which library each waiting paper is for: of a journal, of a source, or (without arguments) of all."""
