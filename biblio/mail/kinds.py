"""The kinds of letters there are: each feature says what its own are called, and how one looks without sending it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from biblio.runtime import Runtime
from biblio.store.models import OutboxMail

Preview = Callable[[Session, Runtime, OutboxMail], tuple[str, str]]
"""Returns subject and text of a letter as it stands now, without any link that belongs to one person."""


@dataclass(frozen=True, slots=True)
class LetterKind:
    """One kind of letter: its name in the outbox, what people call it, and its preview (None: its text is not shown)."""

    name: str
    words: str
    preview: Preview | None = None


def as_queued(_session: Session, _runtime: Runtime, mail: OutboxMail) -> tuple[str, str]:
    """Preview a letter whose text stands in the outbox."""
    return mail.subject, mail.body
