"""Which sources a harvest asks, and for what: the profile says what, the settings say where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from biblio.errors import RequestRefused
from biblio.ingest.pace import StorePace, pauses
from biblio.runtime import Runtime
from harvesters.arxiv import ArxivQuery, ArxivSource, EprintService
from harvesters.http import PoliteSession
from harvesters.protocol import Source

KNOWN = ("projects", "arxiv", "ads")
"""The names of the sources, in the order in which they are asked: projects first, so that papers meet them."""


_ARXIV_PAGE = 1_000
_ARXIV_WINDOW_DAYS = 91
"""A quarter of all astro-ph holds some 5,000 papers, well below the 30,000 of one query; fifteen years are 300 pages."""
_ARXIV_OVERLAP_DAYS = 14
_ADS_RESERVE = 50
"""Requests of ADS's daily quota left for people who use the same token by hand."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run of the harvest was asked for. Without dates each source goes on where it stopped.

    With dates the days between them (both included) are asked for once more, beside the source's own place.
    """

    sources: tuple[str, ...] = KNOWN
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any], today: date) -> Asked:
        """Read a job's arguments. Raises ``RequestRefused`` naming the one that cannot be used."""
        unknown = set(arguments) - {"sources", "since", "until"}
        if unknown:
            raise RequestRefused(
                f"The harvest does not know {', '.join(sorted(unknown))}; it takes sources, since and until."
            )
        written = arguments.get("sources") or KNOWN
        names = [n.strip() for n in written.split(",")] if isinstance(written, str) else [str(n) for n in written]
        wrong = [n for n in names if n not in KNOWN]
        if wrong:
            raise RequestRefused(f"There is no source {', '.join(wrong)}; there are: {', '.join(KNOWN)}.")
        since, until = _day(arguments, "since"), _day(arguments, "until")
        if until is not None and since is None:
            raise RequestRefused("Say since which day as well: since=2026-11-01 until=2026-11-07.")
        if since is not None and (since > (until or today)):
            raise RequestRefused(f"The days are the wrong way round: since {since}, until {until or today}.")
        return cls(tuple(n for n in KNOWN if n in names), since, until)


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


@dataclass(frozen=True, slots=True)
class Planned:
    """One source, ready to be asked. ``cursor`` names its place; ``is_once``: it is forgotten when all is read.

    ``days`` is the span asked for, where the source is asked by days; ``fewest`` is how many records a run from the
    very beginning must hold (profile: ``harvest.minimum_records``).
    """

    source: Source
    session: PoliteSession
    cursor: str
    is_once: bool = False
    days: tuple[date, date] | None = None
    fewest: int | None = None


def plan(runtime: Runtime, asked: Asked) -> tuple[list[Planned], list[str]]:
    """Return the sources to ask, in order, and a sentence for each that is left out."""
    pace = store_pace(runtime)
    planned: list[Planned] = []
    left_out: list[str] = []
    for name in asked.sources:
        made = _MAKERS[name](runtime, asked, pace)
        if isinstance(made, str):
            left_out.append(made)
        else:
            planned.append(made)
    return planned, left_out


def store_pace(runtime: Runtime) -> StorePace:
    """Return the pace of this site. Raises ``StartRefused`` for one that arXiv would not stand."""
    return StorePace(runtime.store, pauses(runtime.settings))


def eprint_service(runtime: Runtime) -> EprintService:
    """Return arXiv's e-print service under this site's pace."""
    return EprintService(_session(runtime, "arxiv", store_pace(runtime)), base_url=runtime.settings.arxiv_url)


def _session(runtime: Runtime, service: str, pace: StorePace) -> PoliteSession:
    return PoliteSession(service, pace, contact=runtime.settings.contact_email)


def _arxiv(runtime: Runtime, asked: Asked, pace: StorePace) -> Planned | str:
    harvest = runtime.profile.harvest
    today = runtime.clock.today()
    since = asked.since or date(harvest.first_year, 1, 1)
    until = asked.until or today
    session = _session(runtime, "arxiv", pace)
    query = ArxivQuery(
        harvest.arxiv_categories,
        since,
        until,
        page_size=_ARXIV_PAGE,
        window_days=_ARXIV_WINDOW_DAYS,
        overlap_days=1 if asked.since else _ARXIV_OVERLAP_DAYS,
        page_wait_s=runtime.settings.arxiv_pace_s or 0.1,
    )
    return Planned(
        ArxivSource(session, query, base_url=runtime.settings.arxiv_url),
        session,
        cursor=_cursor("arxiv", asked, until),
        is_once=asked.since is not None,
        days=(since, until),
        fewest=None if asked.since else harvest.minimum_records.get("arxiv"),
    )


def _projects(runtime: Runtime, _asked: Asked, pace: StorePace) -> Planned | str:
    from harvesters.tap import TapSource, TapTable  # pyvo takes 2 s to import; only a harvest needs it

    tap = runtime.profile.tap
    if tap is None:
        return "Projects are left out: the profile names no TAP service; use `biblio projects import FILE`."
    session = _session(runtime, "tap", pace)
    table = TapTable(
        url=runtime.settings.tap_url or tap.url,
        table=tap.table,
        columns=tap.columns,
        observatory_as_pi=tap.observatory_as_pi,
    )
    fewest = runtime.profile.harvest.minimum_records.get("registry")
    return Planned(TapSource(session, table), session, cursor="registry", fewest=fewest)


def _ads(runtime: Runtime, asked: Asked, pace: StorePace) -> Planned | str:
    from harvesters.ads import AdsQuery, AdsSource

    settings, harvest = runtime.settings, runtime.profile.harvest
    if settings.ads_token is None:
        return (
            "ADS is left out: there is no token. Make one at https://ui.adsabs.harvard.edu/user/settings/token and set "
            "BIBLIO_ADS_TOKEN; the other sources are not affected."
        )
    searches = dict(harvest.ads_queries)
    if harvest.ads_bibgroup:
        searches["bibgroup"] = f'bibgroup:"{harvest.ads_bibgroup}"'
    session = PoliteSession("ads", pace, contact=settings.contact_email, quota_reserve=_ADS_RESERVE)
    until = asked.until or runtime.clock.today()
    query = AdsQuery(searches, until, since=asked.since, first_year=harvest.first_year)
    return Planned(
        AdsSource(session, query, token=settings.ads_token.get_secret_value(), base_url=settings.ads_url),
        session,
        cursor=_cursor("ads", asked, until),
        is_once=asked.since is not None,
        fewest=None if asked.since else harvest.minimum_records.get("ads"),
    )


def _cursor(name: str, asked: Asked, until: date) -> str:
    return name if asked.since is None else f"{name} {asked.since} {until}"


_MAKERS = {"projects": _projects, "arxiv": _arxiv, "ads": _ads}
