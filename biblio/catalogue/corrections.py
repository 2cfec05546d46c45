"""What a person corrects of a paper: one field at a time, above every source, until the person takes it back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from biblio.catalogue import compose
from biblio.catalogue.actor import Actor
from biblio.catalogue.groups import Shelf
from biblio.catalogue.revisions import recompose
from biblio.errors import NotFound, RequestRefused
from biblio.store.current import survivor_of
from biblio.store.found import found_paper
from biblio.store.locks import Turn, take_turn
from biblio.store.models import PaperCorrection
from harvesters.records import PAPER_KINDS


def correct(session: Session, actor: Actor, paper_id: int, name: str, value: Any, *, now: datetime) -> PaperCorrection:
    """Put a person's value for one field above what every source says, now and later.

    Raises ``RequestRefused`` for a field that cannot be corrected or a value of the wrong kind, ``NotFound`` for an
    unknown paper. ``value`` is plain: dates as "2026-11-22"; None says that the field has no value.
    """
    person = actor.person_id()
    checked = _checked(name, value)
    take_turn(session, Turn.PAPERS)
    survivor = found_paper(session, paper_id)
    _end_correction(session, survivor, name, now, person)
    row = PaperCorrection(paper_id=survivor, field=name, value=checked, actor_id=person, made_at=now)
    session.add(row)
    session.flush()
    recompose(session, [survivor], now=now)
    return row


def withdraw_correction(session: Session, actor: Actor, paper_id: int, name: str, *, now: datetime) -> None:
    """Take a correction back: what the sources say is shown again. Raises ``NotFound`` where there is none."""
    person = actor.person_id()
    take_turn(session, Turn.PAPERS)
    survivor = survivor_of(session, paper_id)
    if survivor is None or not _end_correction(session, survivor, name, now, person):
        raise NotFound(f"Nobody has corrected the {name.replace('_', ' ')} of paper number {paper_id}.")
    recompose(session, [survivor], now=now)


def _end_correction(session: Session, survivor: int, name: str, now: datetime, person: int) -> bool:
    shelf = Shelf(session, now)
    shelf.load_papers([survivor])
    rows = session.exec(
        select(PaperCorrection).where(
            col(PaperCorrection.paper_id).in_(shelf.groups[0].ids),
            col(PaperCorrection.field) == name,
            col(PaperCorrection.withdrawn_at).is_(None),
        )
    ).all()
    for row in rows:
        row.withdrawn_at, row.withdrawn_by_id = now, person
        session.add(row)
    session.flush()
    return bool(rows)


def _checked(name: str, value: Any) -> Any:
    """Return a correction's plain value. Raises ``RequestRefused`` saying what the field takes."""
    label = name.replace("_", " ")
    if name not in compose.CORRECTABLE:
        listed = ", ".join(n.replace("_", " ") for n in compose.CORRECTABLE)
        raise RequestRefused(f"The {label} of a paper cannot be corrected; these can: {listed}.")
    if name in ("is_refereed", "is_withdrawn"):
        if not isinstance(value, bool):
            raise RequestRefused(f"The field {label} is yes or no.")
    elif name == "year":
        if value is not None and not (isinstance(value, int) and 1500 <= value <= 2200):
            raise RequestRefused("The year is a number such as 2026.")
    elif name in ("published_on", "preprint_on"):
        try:
            value = None if value is None else date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise RequestRefused(f"The date {str(value)[:20]!r} is no day such as 2026-11-22.") from error
    elif name == "keywords":
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise RequestRefused("The keywords are a list of words.")
    elif name == "kind" and value not in PAPER_KINDS:
        raise RequestRefused(f"The kind is one of: {', '.join(PAPER_KINDS)}.")
    elif value is not None and not isinstance(value, str):
        raise RequestRefused(f"The {label} is a text.")
    return value
