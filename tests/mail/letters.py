"""Makes letters for tests, sends them, and reads the outbox. Everybody here is fictional."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import col, select

from biblio import mail
from biblio.runtime import Runtime
from biblio.store.models import OutboxMail

KIND = "test"


def queue(runtime: Runtime, count: int = 1, *, start: int = 0, **changes: str) -> None:
    """Queue ``count`` letters to fictional people."""
    for number in range(start, start + count):
        letter = mail.Letter(
            key=f"letter-{number}",
            kind=KIND,
            recipient=f"Ines Person{number}",
            email=f"ines{number}@example.org",
            subject="A question",
            body="Dear Ines,\nhow are you?\n",
        )
        with runtime.store.writing() as session:
            mail.queue(session, runtime.settings, replace(letter, **changes), now=runtime.clock.now())  # type: ignore[arg-type]


def send(runtime: Runtime, limit: int | None = None) -> mail.SendCounts:
    """Send what waits, as it stands."""
    return mail.send_waiting(runtime, KIND, mail.as_it_stands, limit=limit)


def rows(runtime: Runtime) -> list[OutboxMail]:
    """Return the outbox in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(OutboxMail).order_by(col(OutboxMail.id))))


def states(runtime: Runtime) -> list[str]:
    """Return the states of all letters in order."""
    return [row.state.value for row in rows(runtime)]
