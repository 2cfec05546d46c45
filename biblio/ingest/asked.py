"""What a harvest was asked for: which sources, which days, and which of them are taken though they look odd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from biblio.errors import RequestRefused

KNOWN = ("projects", "arxiv", "arxiv-oai", "arxiv-rss", "ads")
"""The names of the sources, in the order in which they are asked: projects first, so that papers meet them."""

BY_DAYS = ("arxiv", "ads")
"""The sources that can be asked for any span of days: those that fill holes."""

EARLIEST = date(1991, 1, 1)
"""arXiv began in 1991; nothing that is harvested by days is older."""

_TAKEN = ("sources", "since", "until", "accept", "begin_anew")

_ALIASES = {"registry": "projects"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run of the harvest was asked for. Without dates each source goes on where it stopped.

    With dates the days between them (both included) are asked for once more, beside the source's own place.
    ``accepted`` names sources that are taken though they break what the profile finds plausible, ``anew`` those that
    forget where they stopped and begin at the very beginning. ``is_chosen`` says that the sources were named, and not
    all taken because none was.
    """

    sources: tuple[str, ...] = KNOWN
    since: date | None = None
    until: date | None = None
    accepted: frozenset[str] = frozenset()
    anew: frozenset[str] = frozenset()
    is_chosen: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, Any], today: date) -> Asked:
        """Read a job's arguments. Raises ``RequestRefused`` naming the one that cannot be used."""
        if unknown := sorted(set(arguments) - set(_TAKEN)):
            raise RequestRefused(f"The harvest does not know {', '.join(unknown)}; it takes {', '.join(_TAKEN)}.")
        since, until = _day(arguments, "since"), _day(arguments, "until")
        if until is not None and since is None:
            raise RequestRefused("Say since which day as well: since=2026-11-01 until=2026-11-07.")
        if since is not None and (since > (until or today)):
            raise RequestRefused(f"The days are the wrong way round: since {since}, until {until or today}.")
        if (since is not None and since < EARLIEST) or (until is not None and until > today):
            raise RequestRefused(f"Days lie between {EARLIEST} and today ({today}).")
        anew = _names(arguments.get("begin_anew"))
        if anew and since is not None:
            raise RequestRefused("Who begins anew asks for everything: leave the days out, or leave begin_anew out.")
        named = _names(arguments.get("sources")) or anew
        if lost := [name for name in anew if name not in named]:
            raise RequestRefused(f"{', '.join(lost)} is to begin anew and is not asked: name it among the sources.")
        sources = named or (KNOWN if since is None else BY_DAYS)
        accepted = _names(arguments.get("accept"))
        if lost := [name for name in accepted if name not in sources]:
            raise RequestRefused(f"{', '.join(lost)} is to be taken and is not asked: name it among the sources.")
        return cls(
            tuple(n for n in KNOWN if n in sources),
            since,
            until,
            frozenset(accepted),
            frozenset(anew),
            is_chosen=bool(named),
        )


def _names(written: Any) -> tuple[str, ...]:
    """Return the sources a person named, by their names. Raises ``RequestRefused`` for one there is not."""
    listed = written.split(",") if isinstance(written, str) else list(written or ())
    names = [_ALIASES.get(name, name) for n in listed if (name := str(n).strip())]
    if wrong := [n for n in names if n not in KNOWN]:
        raise RequestRefused(f"There is no source {', '.join(wrong)[:80]}; there are: {', '.join(KNOWN)}.")
    return tuple(names)


def _day(arguments: Mapping[str, Any], name: str) -> date | None:
    value = arguments.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise RequestRefused(f"{name} is a day such as 2026-11-22, not {str(value)[:20]!r}.") from error
