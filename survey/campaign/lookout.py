"""What a new campaign would do, judged once per change: pages show it again at no cost until something is stored.

Judging a large project list takes seconds. Where a person decides, what is shown is always of now; the list of campaigns
may show what was counted before, and then says when that was.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.runtime import Runtime
from biblio.store.changes import Changes
from biblio.store.models import Project
from survey.campaign.previewing import Preview, preview, sample_letter

LARGE = 20_000
"""Projects from which on the list of campaigns does not judge them at every look: it would take half a second."""

SHOWN = 25
"""Projects named on the page of a new campaign; the others are a click away."""

_KEPT = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """A preview without its single standings but the first, the letter to the first person, and when it was counted."""

    ahead: Preview
    letter: tuple[str, str] | None
    counted_at: datetime
    is_current: bool = True
    """Whether nothing was stored since."""


_Asked = tuple[date, str | None]
"""A day, and what answers are also counted by."""


class Lookout:
    """Keeps what was judged of one database in one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._changes = Changes(runtime.store.engine)
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Asked, tuple[str, Seen]] = OrderedDict()

    def now(self, session: Session, as_of: date | None = None, stratify_by: str | None = None) -> Seen:
        """Return what a campaign made now would do; judged only if something was stored since it last was."""
        asked, mark = (as_of or self._runtime.clock.today(), stratify_by), self._changes.mark()
        known = self._known(asked)
        if known is not None and known[0] == mark:
            return known[1]
        ahead = preview(session, self._runtime, *asked)
        letter = sample_letter(self._runtime, ahead)
        few = replace(ahead, standings=(), asked=ahead.asked[:SHOWN])
        seen = Seen(few, letter, self._runtime.clock.now())
        with self._lock:
            self._kept[asked] = (mark if self._changes.mark() == mark else "", seen)
            self._kept.move_to_end(asked)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return seen

    def lately(self, session: Session) -> Seen | None:
        """Return the same of today for a page on which nobody decides.

        Of a large list it may be what was counted before, or None where nothing was counted today.
        """
        if session.execute(sa.select(sa.func.count(col(Project.id)))).scalar_one() < LARGE:
            return self.now(session)
        known = self._known((self._runtime.clock.today(), None))
        if known is None:
            return None
        return known[1] if known[0] == self._changes.mark() else replace(known[1], is_current=False)

    def _known(self, asked: _Asked) -> tuple[str, Seen] | None:
        with self._lock:
            return self._kept.get(asked)
