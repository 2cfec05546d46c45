"""What a person has looked at and set aside, with the reason: refusals, pages held back, runs that failed.

Nothing is deleted: what was set aside is shown no more among what is open, and the audit log keeps who said so, when
and why. It can be taken back. What is refused again with the same reason stays aside; with another it is open again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.models import AuditEntry

SET_ASIDE = "harvest.set_aside"
TAKEN_BACK = "harvest.set_aside_taken_back"

MOST_WORDS = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class What:
    """What is set aside: a run, or everything of a source's page (or file) that was refused up to a refusal's number."""

    run: int | None = None
    source: str = ""
    page: str = ""
    until: int = 0

    def details(self) -> dict[str, Any]:
        """Return it as the audit log keeps it."""
        if self.run is not None:
            return {"run": self.run}
        return {"source": self.source, "page": self.page, "until": self.until}

    @classmethod
    def read(cls, details: dict[str, Any]) -> What:
        """Return what the audit log kept."""
        return cls(
            details.get("run"), details.get("source", ""), details.get("page", ""), int(details.get("until") or 0)
        )


@dataclass(slots=True)
class Asides:
    """All that is set aside now. Refusals are shown to it in the order in which they came (``takes``)."""

    runs: set[int] = field(default_factory=set)
    pages: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: set[tuple[str, str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, session: Session) -> Asides:
        """Return what is set aside and was not taken back."""
        found = cls()
        for what in _in_force(session):
            if what.run is not None:
                found.runs.add(what.run)
            else:
                place = what.source, what.page
                found.pages[place] = max(what.until, found.pages.get(place, 0))
        return found

    def takes(self, number: int, source: str, page: str, subject: str, reason: str) -> bool:
        """Whether a refusal is set aside: with its page, or because the same was refused for the same reason before."""
        if number <= self.pages.get((source, page), 0):
            self._known.add((source, subject, reason))
            return True
        return (source, subject, reason) in self._known


def _in_force(session: Session) -> Iterator[What]:
    rows = session.exec(
        select(AuditEntry).where(col(AuditEntry.action).in_((SET_ASIDE, TAKEN_BACK))).order_by(col(AuditEntry.id))
    ).all()
    taken_back = {row.details.get("entry") for row in rows if row.action == TAKEN_BACK}
    for row in rows:
        if row.action == SET_ASIDE and row.id not in taken_back:
            yield What.read(row.details)


def set_aside(session: Session, actor: Actor, what: What, words: str, why: str, now: datetime) -> int:
    """Set something aside; ``words`` say what it is. Return the number by which it is taken back.

    Raises ``RequestRefused`` without a reason.
    """
    reason = " ".join(why.split())
    if not reason:
        raise RequestRefused("Say why it is set aside: whoever comes after you will want to know.")
    entry = AuditEntry(
        made_at=now,
        actor_id=actor.person_id(),
        action=SET_ASIDE,
        subject=words[:200],
        details={**what.details(), "why": reason[:MOST_WORDS]},
    )
    session.add(entry)
    session.flush()
    assert entry.id is not None
    return entry.id


def take_back(session: Session, actor: Actor, number: int, now: datetime) -> str:
    """Open again what was set aside under ``number``; return what it was. Raises ``NotFound``, ``Stale`` if it is open."""
    entry = session.exec(
        select(AuditEntry).where(col(AuditEntry.id) == number, sa.literal(SET_ASIDE) == col(AuditEntry.action))
    ).first()
    if entry is None:
        raise NotFound(f"Nothing was set aside under number {number}.")
    again = select(AuditEntry).where(col(AuditEntry.action) == TAKEN_BACK, col(AuditEntry.subject) == entry.subject)
    if any(row.details.get("entry") == number for row in session.exec(again)):
        raise Stale("This is open again already.")
    session.add(
        AuditEntry(
            made_at=now,
            actor_id=actor.person_id(),
            action=TAKEN_BACK,
            subject=entry.subject,
            details={"entry": number},
        )
    )
    session.flush()
    return entry.subject
