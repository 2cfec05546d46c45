"""What a source is: pages in, records out, and a cursor that says where to go on.

``Source.pages`` speaks to the network and yields raw pages; ``Source.parse`` turns one page into records and
touches neither network nor database, so any stored page can be parsed again later. The caller commits a page's
records together with ``Page.next_cursor``; a run killed between pages goes on from the last committed cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harvesters.records import HarvestedProject, HarvestedRecord, Refusal


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a service (or one slice of a file), kept as it came.

    ``place`` tells a person where it is from (address without secrets, or file and rows). ``promised`` is how many
    records the service says the whole query has; ``expected`` how many this page should hold. ``next_cursor`` is
    where to go on after this page is stored; ``is_last`` says that nothing follows. ``window`` names the span of
    days the query covers, as (first, last) ISO dates, for the coverage calendar. ``ends_reading``: nothing follows in this
    reading, though ``is_last`` does not say so because something of it is in doubt.
    """

    source: str
    place: str
    body: bytes
    content_type: str
    next_cursor: Mapping[str, object]
    is_last: bool
    promised: int | None = None
    expected: int | None = None
    window: tuple[str, str] | None = None
    ends_reading: bool = False


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """The records of one page and what had to be refused; ``seen`` = records + projects + refusals + ``ignored``.

    ``unread_fields`` names what the source gave that is neither read nor listed as ignored: news to report once a run.
    ``rows`` says of a file's page in which row (or line) each of ``records`` stands; of other pages it is empty.
    """

    records: tuple[HarvestedRecord, ...] = ()
    projects: tuple[HarvestedProject, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ignored: int = 0
    unread_fields: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def seen(self) -> int:
        """How many entries the page held, read or not."""
        return len(self.records) + len(self.projects) + len(self.refusals) + self.ignored


@runtime_checkable
class Source(Protocol):
    """One place papers or projects come from. ``name`` is short, stable and lower-case ("arxiv", "ads")."""

    name: str

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``SourceStopped`` when the source cannot be used any further."""

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` when the page as a whole is not what the service promises."""


class Pace(Protocol):
    """Keeps requests apart. ``with pace.turn("arxiv"):`` waits until it is this caller's turn and no one else's."""

    def turn(self, service: str) -> AbstractContextManager[None]:
        """Hold the one connection allowed to ``service``; leaving the block starts the pause before the next.

        Raises ``LeftAlone`` for a service that told us to keep away for longer than a run waits.
        """

    def defer(self, service: str, seconds: float) -> None:
        """Nobody may ask ``service`` again for ``seconds`` (it said ``Retry-After``)."""
