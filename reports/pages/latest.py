"""The report of a day, made once per state of the database and process, theme by theme as somebody looks.

Reading the facts of a large observatory takes a second or two and each theme a part of one; nothing is read twice, and
of many who ask at once one works while the others wait for it. At a busy desk something changes every few seconds: then
readers of a large report get the one of a moment ago, which says so, and nobody waits.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from sqlmodel import Session

from biblio.runtime import Runtime
from reports import building
from reports.definitions import INDICATORS
from reports.definitions.model import Indicator
from reports.document import Address, Figure, Report, Theme
from reports.facts.counted import Counted
from reports.facts.model import Facts
from reports.facts.reading import read_facts
from reports.filters import Chosen, filtered, without_second_readings
from reports.if_accepted import BESIDE
from reports.pages.fingerprint import Fingerprint, fingerprint
from reports.room import FACTS, ROOM
from reports.themes import THEMES, theme_of

KEEP_DAYS = 3
"""How many days' facts a process keeps, as far as there is room; those of a large observatory take a hundred megabytes."""

KEEP_PARTS = 12
"""How many filtered reports of one day a process keeps, as far as there is room (``reports.room``)."""

_FACTS, _COUNTED = 1_300, 2_500
"""Bytes, about, of a paper or project as read, and of a paper, project or link when all themes were counted (measured)."""

PATIENCE = 3_000
"""A report of no more projects and papers than this is made anew before it is shown: about a third of a second."""

EARLIER_S = 120.0
"""How long a report that takes longer may still be shown after something has changed, while it is counted anew."""

PICTURES = ("fraction", "speed", "papers")
"""The themes whose first picture stands on the first page."""

T = TypeVar("T")


@dataclass
class Standing:
    """When a report was read, and whether something has changed since, so that it is being counted anew."""

    read_at: datetime
    is_earlier: bool = False


class Live:
    """The report of a day as it is counted now, each theme when it is first asked for.

    It reads like a ``Report``; ``whole`` makes one of it. ``left_out`` papers are not counted, as a second reader has yet
    to judge them; 0 where all are counted.
    """

    def __init__(self, counted: Counted, asked: Chosen, standing: Standing, *, left_out: int = 0) -> None:
        self.counted = counted
        self.left_out = left_out
        self.asked = asked
        self.standing = standing
        self.headline = building.HEADLINE
        self._kept: dict[object, Any] = {}
        self._themes: dict[str, Theme] = {}
        self._lock = threading.RLock()

    @property
    def facts(self) -> Facts:
        """What was counted."""
        return self.counted.facts

    @property
    def as_of(self) -> date:
        """The day at whose end this was known."""
        return self.facts.as_of

    @property
    def complete_through(self) -> date | None:
        """The day up to which every source was harvested without a hole."""
        return self.facts.complete_through

    @property
    def observatory(self) -> str:
        """The observatory's name."""
        return self.counted.profile.observatory.name

    @property
    def undecided(self) -> Mapping[str, int]:
        """What waits at the desk, by band."""
        return self.facts.bibliography.undecided

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be read with all of its numbers."""
        return building.notes_of(self.facts)

    @property
    def definitions(self) -> Mapping[str, Indicator]:
        """What the figures mean."""
        return INDICATORS

    @property
    def contents(self) -> tuple[tuple[str, str, str], ...]:
        """Key, name and question of every theme, in the order of the pages."""
        return tuple((key, module.NAME, module.QUESTION) for key, module in THEMES.items())

    def theme(self, key: str) -> Theme:
        """Return one theme. Raises ``KeyError`` for a key there is not."""
        with self._lock:
            if key not in self._themes:
                self._themes[key] = theme_of(self.counted, key)
            return self._themes[key]

    def figure(self, at: Address) -> Figure:
        """Return the figure at an address. Raises ``KeyError``."""
        return self.theme(at.theme).table(at.table).figure(at.row, at.column)

    def kept(self, what: object, make: Callable[[], T]) -> T:
        """Return what follows from this report and was made before (a picture, the values to filter by), or make it."""
        if what not in self._kept:
            self._kept[what] = make()
        found: T = self._kept[what]
        return found

    def whole(self) -> Report:
        """Return the report with every theme, for files and snapshots."""
        return building.report_of(self.counted, tuple(self.theme(key) for key in THEMES))


@dataclass
class _Slot(Generic[T]):
    """A value that one thread makes while others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: T | None = None

    def get(self, make: Callable[[], T]) -> T:
        with self.lock:
            if self.value is None:
                self.value = make()
            return self.value


@dataclass
class _Day:
    """The facts of a day under one fingerprint, and the reports that were made of them.

    ``began`` and ``current`` are when reading began and when it was last found to be of now, in seconds of a clock that
    only runs forward.
    """

    seen: Fingerprint
    facts: Facts
    standing: Standing
    began: float
    current: float
    parts: OrderedDict[tuple[Chosen, bool], _Slot[Live]] = field(default_factory=OrderedDict)
    keeper: int = field(default_factory=ROOM.keeper)

    @property
    def is_large(self) -> bool:
        """Whether nobody should have to wait while it is made anew."""
        return len(self.facts.projects) + len(self.facts.papers) > PATIENCE

    def __post_init__(self) -> None:
        weakref.finalize(self, ROOM.leave, self.keeper).atexit = False


class Latest:
    """The reports of one database in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: OrderedDict[date, _Day] = OrderedDict()
        self._makers: dict[date, threading.Lock] = {}
        self.renewing: threading.Thread | None = None

    def live(
        self, runtime: Runtime, session: Session, as_of: date | None, asked: Chosen, *, is_blind: bool = False
    ) -> Live:
        """Return the report as known at the end of ``as_of`` (UTC; None: today), of the projects asked for.

        ``is_blind``: counted without the papers that a second reader has yet to judge.

        Where something changed a moment ago and counting takes long, it is the report of before, which says so, while
        another thread counts anew. Raises ``NotFound`` where no project has what is asked for.
        """
        today = runtime.clock.today()
        day = min(as_of or today, today)
        now = fingerprint(session)
        kept = self._current(day, now) or self._earlier(runtime, day) or self._made(runtime, session, day, now)
        return self._part(runtime, kept, asked, is_blind=is_blind)

    def _current(self, day: date, now: Fingerprint) -> _Day | None:
        """Return what is kept of a day, if it is of now."""
        with self._lock:
            kept = self._days.get(day)
            if kept is None or not kept.seen.is_of_now(now):
                return None
            kept.current, kept.standing.is_earlier = monotonic(), False
            self._days.move_to_end(day)
            return kept

    def _earlier(self, runtime: Runtime, day: date) -> _Day | None:
        """Return what is kept of a day and was of now until a moment ago, if it is large; it is made anew."""
        with self._lock:
            kept = self._days.get(day)
            if kept is None or not kept.is_large or monotonic() - kept.current > EARLIER_S:
                return None
            kept.standing.is_earlier = True
            if self.renewing is None or not self.renewing.is_alive():
                self.renewing = threading.Thread(target=self._renew, args=(runtime, day), name="report", daemon=True)
                self.renewing.start()
            return kept

    def _renew(self, runtime: Runtime, day: date) -> None:
        """Make a day anew, with what its first page shows, before anybody sees it."""
        try:
            with runtime.store.reading() as session:
                made = self._read(runtime, session, day)
            for is_blind in (False, True):
                whole = self._part(runtime, made, Chosen(), is_blind=is_blind)
                beside = (at.theme for at, _ in BESIDE.values())
                for key in dict.fromkeys([*(at.theme for at in whole.headline), *PICTURES, *beside]):
                    whole.theme(key)
            self._keep(day, made)
        except Exception as error:  # nobody waits for it: who looks next tries again, and is told
            structlog.get_logger().error("report not counted anew", day=str(day), error=type(error).__name__)

    def _made(self, runtime: Runtime, session: Session, day: date, now: Fingerprint) -> _Day:
        """Read the facts of a day, or wait for the thread that does and take what is of ``now`` or newer."""
        asked = monotonic()
        with self._lock:
            maker = self._makers.setdefault(day, threading.Lock())
        with maker:
            with self._lock:
                kept = self._days.get(day)
            if kept is None or (kept.began < asked and not kept.seen.is_of_now(now)):
                kept = self._read(runtime, session, day)
                self._keep(day, kept)
            return kept

    def _read(self, runtime: Runtime, session: Session, day: date) -> _Day:
        began, seen = monotonic(), fingerprint(session)
        facts = read_facts(session, runtime.profile, day, today=runtime.clock.today())
        return _Day(seen, facts, Standing(runtime.clock.now()), began, monotonic())

    def _keep(self, day: date, made: _Day) -> None:
        with self._lock:
            self._days[day] = made
            self._days.move_to_end(day)
            while len(self._days) > KEEP_DAYS:
                self._makers.pop(self._days.popitem(last=False)[0], None)
        mine, keeper = weakref.ref(self), made.keeper

        def let_go() -> None:
            reports = mine()
            if reports is not None:
                with reports._lock:
                    if day in reports._days and reports._days[day].keeper == keeper:  # not made anew meanwhile
                        del reports._days[day]

        ROOM.use(keeper, FACTS, _FACTS * (len(made.facts.papers) + len(made.facts.projects)), let_go)

    def _part(self, runtime: Runtime, kept: _Day, asked: Chosen, *, is_blind: bool) -> Live:
        hidden = len(kept.facts.bibliography.read_again.papers) if is_blind else 0
        key = asked, bool(hidden)
        with self._lock:
            part = kept.parts.setdefault(key, _Slot())
            kept.parts.move_to_end(key)
            while len(kept.parts) > KEEP_PARTS:
                kept.parts.popitem(last=False)

        def make() -> Live:
            all_facts = without_second_readings(kept.facts) if hidden else kept.facts
            facts = filtered(all_facts, runtime.profile, asked)
            return Live(Counted(facts, runtime.profile), asked, kept.standing, left_out=hidden)

        made = part.get(make)
        facts, mine, owner = made.facts, weakref.ref(self), weakref.ref(kept)
        size = _COUNTED * (len(facts.papers) + len(facts.projects) + len(facts.links))

        def let_go() -> None:
            reports, day = mine(), owner()
            if reports is not None and day is not None:
                with reports._lock:
                    day.parts.pop(key, None)

        ROOM.use(kept.keeper, key, size, let_go)
        return made


_latest: WeakKeyDictionary[sa.Engine, Latest] = WeakKeyDictionary()


def live_report(
    runtime: Runtime,
    session: Session,
    as_of: date | None = None,
    asked: Chosen | None = None,
    *,
    is_blind: bool = False,
) -> Live:
    """Return the report of a day, of all projects or those asked for; as ``Latest.live``, for this process."""
    mine = _latest.setdefault(runtime.store.engine, Latest())
    return mine.live(runtime, session, as_of, asked or Chosen(), is_blind=is_blind)


def counted_of(runtime: Runtime, session: Session, as_of: date | None = None, asked: Chosen | None = None) -> Counted:
    """Return what is counted of a day."""
    return live_report(runtime, session, as_of, asked).counted
