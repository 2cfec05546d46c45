"""The product with one step broken on purpose, each as somebody might have built it. Only tests ever run these.

Every leak replaces one function where the product looks it up; the adversary's code stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import flask
import pytest
import sqlalchemy as sa
from nacl.public import PrivateKey
from sqlmodel import Session

from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.models import Answer, Campaign, Comment, Invitation
from survey.box import ballots, release
from survey.box.ballots import SEALED_LENGTH, Opened, random_id
from survey.page import answering, views
from survey.questionnaire import Chosen, Filled
from survey.tokens import token_hash

log = get_logger(__name__)

Leak = Callable[[pytest.MonkeyPatch, Runtime], None]


class _Unshuffled:
    """Leaves everything where it is."""

    def shuffle(self, rows: list[Any]) -> None:
        """Do nothing."""


def kept_order(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """Released rows keep the order of the ballots, and their keys count up: what an autoincrement column would do."""
    numbers = count(1)
    patch.setattr(release, "SystemRandom", _Unshuffled)
    patch.setattr(release, "random_id", lambda: f"{next(numbers):032x}")


def unshuffled_release(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """Released rows have random keys but are written in the order of the ballots."""
    patch.setattr(release, "SystemRandom", _Unshuffled)


def hardly_shuffled(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """Of all released rows one in twenty stays where it was; keys count up."""
    dice = Random(11)

    class Hardly:
        def shuffle(self, rows: list[Any]) -> None:
            moving = [place for place in range(len(rows)) if dice.random() > 0.05]
            moved = [rows[place] for place in moving]
            dice.shuffle(moved)
            for place, row in zip(moving, moved, strict=True):
                rows[place] = row

    kept_order(patch, _runtime)
    once = iter([Hardly()])
    patch.setattr(release, "SystemRandom", lambda: next(once, _Unshuffled()))


def same_transaction(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """The answer is stored in clear in the transaction that marks the invitation used."""
    real = answering.submit

    def submit(session: Session, runtime: Runtime, token: str, filled: Filled) -> None:
        real(session, runtime, token, filled)
        campaign, stratum = session.execute(
            sa.select(Invitation.campaign_id, Invitation.stratum).where(  # type: ignore[call-overload]
                Invitation.token_hash == token_hash(token)
            )
        ).one()
        for each in filled.chosen:
            row = {"stratum": stratum, "question": each.question, "choice": each.choice, "word": each.word}
            session.add(Answer(id=random_id(), campaign_id=campaign, **row))
        session.flush()

    patch.setattr(answering, "submit", submit)
    patch.setattr(release, "_write", lambda *_: None)


def not_sealed(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """Ballots are padded to one length and have random keys, but are not encrypted."""

    def seal(_key: str, filled: Filled, stratum: str | None = None) -> bytes:
        chosen = [[each.question, each.choice, each.word] for each in filled.chosen]
        return (
            json.dumps({"stratum": stratum, "chosen": chosen, "texts": dict(filled.texts)})
            .encode()
            .ljust(SEALED_LENGTH)
        )

    def unseal(_private: PrivateKey, sealed: bytes) -> Opened:
        plain = json.loads(sealed)
        return Opened(Filled(tuple(Chosen(*each) for each in plain["chosen"]), plain["texts"]), plain["stratum"])

    patch.setattr(answering, "seal", seal)
    patch.setattr(release, "unseal", unseal)


def answer_timestamp(patch: pytest.MonkeyPatch, runtime: Runtime) -> None:
    """Released answers and comments, well shuffled, carry the moment at which they were given."""
    given: dict[bytes, str] = {}
    real_seal, real_unseal = ballots.seal, ballots.unseal
    with runtime.store.engine.begin() as connection:
        for table in ("answer", "comment"):
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN answered_at TEXT")

    class Timed(Filled):
        answered_at = ""

    def seal(key: str, filled: Filled, stratum: str | None = None) -> bytes:
        sealed = real_seal(key, filled, stratum)
        given[sealed] = runtime.clock.now().isoformat()
        return sealed

    def unseal(private: PrivateKey, sealed: bytes) -> Opened:
        opened = real_unseal(private, sealed)
        timed = Timed(opened.filled.chosen, opened.filled.texts)
        object.__setattr__(timed, "answered_at", given[bytes(sealed)])
        return Opened(timed, opened.stratum)

    def write(
        session: Session,
        _runtime: Runtime,
        campaign: Campaign,
        opened: Sequence[Opened],
        _names: Mapping[str, str | None],
    ) -> None:
        for each in opened:
            for table, rows in _rows_of(each):
                common = {"id": random_id(), "campaign_id": campaign.id}
                columns = [*table.__table__.columns, sa.column("answered_at")]
                with_time = sa.table(table.__tablename__, *(sa.column(c.name) for c in columns))
                for row in rows:
                    session.execute(
                        sa.insert(with_time).values(**common, **row, answered_at=each.filled.answered_at)  # type: ignore[attr-defined]
                    )

    patch.setattr(answering, "seal", seal)
    patch.setattr(release, "unseal", unseal)
    patch.setattr(release, "_write", write)


def _rows_of(opened: Opened) -> list[tuple[Any, list[dict[str, Any]]]]:
    (chosen,) = opened.filled.chosen
    return [
        (Answer, [{"question": chosen.question, "choice": chosen.choice, "word": chosen.word, "stratum": None}]),
        (Comment, [{"question": key, "words": words} for key, words in opened.filled.texts.items()]),
    ]


def _logged(share: float) -> Leak:
    dice = Random(13)

    def leak(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
        real = answering.submit

        def submit(session: Session, runtime: Runtime, token: str, filled: Filled) -> None:
            real(session, runtime, token, filled)
            if dice.random() < share:
                log.debug("stored", link=token, reason=filled.chosen[0].choice)

        patch.setattr(answering, "submit", submit)

    return leak


logged_token = _logged(1.0)
"""A line at the level DEBUG names the link with the answer."""

logged_at_times = _logged(0.05)
"""The same, of one answer in twenty, as a line about a rare case would."""


def conditional_thanks(patch: pytest.MonkeyPatch, _runtime: Runtime) -> None:
    """Where one is led after Submit depends on what was answered."""

    def redirect(address: str, code: int = 302) -> Any:
        return flask.redirect(f"{address}?for={flask.request.form['status']}", code)

    patch.setattr(views, "redirect", redirect)
