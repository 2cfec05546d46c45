"""Asking a second time about a project: only by leave of a named person who may give it, with a reason, for one asking.

Leave lifts the ground "asked before" when it is younger than the last asking. The first letter that tells of the next
asking uses it up; until then the person can take it back. All of it stays in the history.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AskingAgain, AuditEntry, Project
from biblio.store.words import Role
from survey.asking.asked_for import AT_ONCE
from survey.asking.due import due

MAY_GIVE_LEAVE = frozenset({Role.HEAD_LIBRARIAN, Role.MANAGER})
"""The roles of the action ``campaigns.ask_again``; commands check it here, pages by the table of permissions."""

REASON_MAX = 300


def give_leave(session: Session, runtime: Runtime, actor: Actor, code: str, reason: str) -> AskingAgain:
    """Let the project with this code be asked about once more.

    Raises ``NotFound``, ``NotAllowed`` for a person who may not, or ``RequestRefused`` when there is no reason, when
    the project was never asked about, or when leave was given already.
    """
    person = _allowed(actor)
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_MAX:
        raise RequestRefused(
            f"Say in at most {REASON_MAX} characters why {code} is asked about again; the reason stays in its history."
        )
    project = _project(session, code)
    if _live(session, project) is not None:
        raise RequestRefused(f"Leave to ask about {code} again was given already; it holds for one asking.")
    standing = due(session, runtime, projects=[project])[0]
    if standing.facts.asked_on is None:
        raise RequestRefused(f"{code} was never asked about: it needs no leave. Nothing was changed.")
    if standing.facts.is_drafted:
        raise RequestRefused(
            f"{code} stands on the list of a draft campaign already; discard the draft first. Nothing was changed."
        )
    row = AskingAgain(project_id=project, reason=reason, actor_id=person, made_at=runtime.clock.now())
    session.add(row)
    _note(session, runtime, actor, "asking again allowed", code, {"reason": reason})
    return row


def take_leave_back(session: Session, runtime: Runtime, actor: Actor, code: str) -> None:
    """End the leave that was given for a project. Raises ``NotFound``, ``NotAllowed``, ``RequestRefused``."""
    person = _allowed(actor)
    row = _live(session, _project(session, code))
    if row is None:
        raise RequestRefused(f"No leave to ask about {code} again is open: it was used, taken back, or never given.")
    row.ended_at, row.ended_by_id = runtime.clock.now(), person
    session.add(row)
    _note(session, runtime, actor, "asking again taken back", code, {})


def spend_leave(session: Session, project_ids: Collection[int], now: datetime) -> int:
    """End the leave of projects that a letter now tells of; return of how many. It stays in the history, ended by nobody."""
    ended = 0
    numbers = sorted(project_ids)
    for start in range(0, len(numbers), AT_ONCE):
        result = session.execute(
            sa.update(AskingAgain)
            .where(
                col(AskingAgain.project_id).in_(numbers[start : start + AT_ONCE]), col(AskingAgain.ended_at).is_(None)
            )
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )
        ended += int(result.rowcount)  # type: ignore[attr-defined]
    return ended


def has_leave(session: Session, project_id: int) -> bool:
    """Whether leave to ask about a project again is open."""
    return _live(session, project_id) is not None


def _allowed(actor: Actor) -> int:
    person = actor.person_id()
    if actor.role not in MAY_GIVE_LEAVE:
        roles = " or ".join(sorted(role.label for role in MAY_GIVE_LEAVE))
        raise NotAllowed(f"Only a {roles} can let a project be asked about again.")
    return person


def _project(session: Session, code: str) -> int:
    found = session.exec(select(Project.id).where(col(Project.code) == code)).first()
    if found is None:
        raise NotFound(f"There is no project {code!r} in the project list.")
    return found


def _live(session: Session, project_id: int) -> AskingAgain | None:
    return session.exec(
        select(AskingAgain).where(col(AskingAgain.project_id) == project_id, col(AskingAgain.ended_at).is_(None))
    ).first()


def _note(session: Session, runtime: Runtime, actor: Actor, action: str, code: str, details: dict[str, object]) -> None:
    session.add(
        AuditEntry(made_at=runtime.clock.now(), actor_id=actor.user_id, action=action, subject=code, details=details)
    )
    session.flush()
