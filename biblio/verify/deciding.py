"""The desk's way of storing decisions, for features that let people decide about papers elsewhere (``Feature.deciding``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling
from biblio.errors import Stale
from biblio.feature import Deciding
from biblio.runtime import Runtime
from biblio.store.models import Decision
from biblio.verify import refusals, service
from biblio.verify.sharing.claims import Claimed


def judge(
    session: Session, actor: Actor, rulings: Sequence[Ruling], wired: Runtime, aware: Collection[int]
) -> list[Decision]:
    """Store verdicts, all or none. Raises as ``service.judge_together`` does; ``aware`` are claims as in ``Seen``."""
    return service.judge_together(session, actor, rulings, _today(wired), service.Seen(claims=frozenset(aware)))


def take_back(session: Session, actor: Actor, decision_ids: Sequence[int], wired: Runtime) -> list[Decision]:
    """Undo decisions, all or none. Raises as ``service.take_back`` does."""
    return service.take_back(session, actor, decision_ids, _today(wired))


def ask(stale: Stale, action: str, back: str) -> ResponseReturnValue | None:
    """Return the page that asks once more where somebody else works on the paper; None where there is nothing to ask."""
    return refusals.claimed_page(stale, action, back) if isinstance(stale, Claimed) else None


def _today(wired: Runtime) -> service.Today:
    return service.Today(wired.profile, wired.clock.now(), wired.settings.second_reading_share)


deciding = Deciding(judge=judge, take_back=take_back, ask=ask, aware=refusals.aware_of)
