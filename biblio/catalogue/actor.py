"""Who does something: a person with a login, or the machine."""

from __future__ import annotations

from dataclasses import dataclass

from biblio.errors import NotAllowed
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
