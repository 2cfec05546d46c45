"""Who does something: a person with a login, or the machine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from biblio.errors import NotAllowed, NotFound
from biblio.store.models import UserAccount
from biblio.store.words import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. The machine has no ``user_id`` and no role; it may propose, never decide."""

    user_id: int | None
    name: str
    role: Role | None = None
    library: str | None = None

    def person_id(self) -> int:
        """Return the person's id. Raises ``NotAllowed`` for the machine."""
        if self.user_id is None:
            raise NotAllowed("Only a person can decide this; the machine only proposes.")
        return self.user_id


MACHINE = Actor(user_id=None, name="biblio")
"""The machine itself: harvests, proposes, merges papers whose identifiers met; all of it can be undone."""


def person_called(session: Session, username: str, roles: Collection[Role], rule: str) -> Actor:
    """Return the person with this user name, for a command that acts in their name.

    Raises ``NotFound`` for nobody, and ``NotAllowed``, with ``rule`` as the reason, for somebody whose login is closed
    or whose role is none of ``roles``.
    """
    row = session.exec(select(UserAccount).where(col(UserAccount.username) == username)).first()
    if row is None:
        raise NotFound(f"There is no user {username!r}; add one with `biblio users add`.")
    if not row.is_active or row.role not in roles:
        raise NotAllowed(f"{username} is {rule}")
    return Actor(user_id=row.id, name=row.name, role=row.role, library=row.library)
