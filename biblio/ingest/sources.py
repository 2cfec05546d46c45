"""Which sources a harvest asks, and for what: the profile says what, the settings say where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from biblio.ingest import absorb, limits
from biblio.ingest.asked import Asked
from biblio.ingest.by_hand import command_of
from biblio.ingest.pace import StorePace, keeping, pauses
from biblio.ingest.places import read_place
from biblio.observatory.profile import Harvest, Plausible
from biblio.runtime import Runtime
from biblio.store.asked_for import AskedFor, ads_searches, outside_sets, parts_of, search_parts
from biblio.store.models import ProjectRevision
from harvesters.arxiv import ArxivQuery, ArxivSource, EprintService
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.arxiv_rss import RssQuery, RssSource
from harvesters.http import PoliteSession
from harvesters.protocol import Source

_ARXIV_PAGE = 1_000
_ARXIV_WINDOW_DAYS = 91
"""A quarter of all astro-ph holds some 5,000 papers, well below the 30,000 of one query; fifteen years are 300 pages."""
_ARXIV_OVERLAP_DAYS = 14
"""A paper appears some days after its submission (weekends, holidays, moderation)."""
_ADS_RESERVE = 50
"""Requests of ADS's daily quota left for people who use the same token by hand."""
ADS_DAILY = 5_000
"""Requests a day ADS gives a token per endpoint (its API's README); counted by us where an answer does not say."""
ADS_LEFT_OUT = (
    "ADS is left out: there is no token. Make one at https://ui.adsabs.harvard.edu/user/settings/token and set "
    "BIBLIO_ADS_TOKEN; the other sources are not affected."
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One source, ready to be asked. ``cursor`` names its place; ``is_once``: it is forgotten when all is read.

    ``name`` is what a person calls it (``asked.KNOWN``), ``days`` the span asked for where the source is asked by days,
    ``known`` how many records it ever gave where it gives all of them at every run, ``words`` what will be asked.
    ``asked_for`` is what its place belongs to, ``accepting`` the command that takes it though it is not plausible.
    """

    name: str
    source: Source
    session: PoliteSession
    cursor: str
    is_once: bool = False
    days: tuple[date, date] | None = None
    plausible: Plausible = field(default_factory=Plausible)
    known: int | None = None
    words: str = ""
    asked_for: AskedFor | None = None
    accepting: str = ""


def plan(runtime: Runtime, asked: Asked) -> tuple[list[Planned], list[str]]:
    """Return the sources to ask, in order, and a sentence for each that is left out.

    Raises ``StartRefused`` for a pace that arXiv would not stand or a profile that cannot be used.
    """
    pace = store_pace(runtime)
    planned: list[Planned] = []
    left_out: list[str] = []
    for name in asked.sources:
        is_wanted = asked.is_chosen or asked.since is not None or name in asked.accepted
        if name == "arxiv" and not is_wanted and _is_filled(runtime):
            continue
        made = _MAKERS[name](runtime, asked, pace)
        if isinstance(made, str):
            left_out.append(made)
        else:
            planned += [replace(one, accepting=_accepting(one.name, asked)) for one in made]
    return planned, left_out


def _accepting(name: str, asked: Asked) -> str:
    """Return the command that asks the same once more and takes it."""
    return command_of("harvest", {"sources": name, "accept": name, "since": asked.since, "until": asked.until})


def _is_filled(runtime: Runtime) -> bool:
    """Whether the API has given the past to its end; from then on OAI-PMH says each day what is new or changed."""
    harvest = runtime.profile.harvest
    if not harvest.arxiv_sets or outside_sets(harvest):
        return False
    with runtime.store.reading() as session:
        place = read_place(session, "arxiv")
    return "day" in place.cursor and place.is_good_for(_past(harvest, "arxiv"))


def _past(harvest: Harvest, source: str) -> AskedFor:
    """Return what a source is asked for by its own place: all its parts, from the profile's first year on."""
    return AskedFor(parts_of(harvest)[source], date(harvest.first_year, 1, 1))


def store_pace(runtime: Runtime) -> StorePace:
    """Return the pace of this site. Raises ``StartRefused`` for one that arXiv would not stand."""
    return StorePace(runtime.store, pauses(runtime.settings))


def eprint_service(runtime: Runtime) -> EprintService:
    """Return arXiv's e-print service under this site's pace."""
    return EprintService(polite_session(runtime, "arxiv"), base_url=runtime.settings.arxiv_url)


def polite_session(runtime: Runtime, service: str, pace: StorePace | None = None) -> PoliteSession:
    """Return a session for one service, under this site's pace, that knows what is left of today's requests.

    Each request is in the ledger before it leaves.
    """
    pace = pace or store_pace(runtime)
    contact = runtime.settings.contact_email
    if service == "ads":
        with runtime.store.reading() as session:
            known = absorb.known_quotas(session, service)
        polite = PoliteSession(
            service, pace, contact=contact, quota_reserve=_ADS_RESERVE, known_quotas=known, default_limit=ADS_DAILY
        )
    else:
        polite = PoliteSession(service, pace, contact=contact)
    polite.keep = keeping(runtime)
    return polite


def plausible(runtime: Runtime, name: str) -> Plausible:
    """Return what a source can plausibly give. Raises ``StartRefused`` for a profile that names unknown fields."""
    found = runtime.profile.harvest.plausible.get(name, Plausible())
    limits.check_fields(found, name)
    return found


def _projects(runtime: Runtime, _asked: Asked, pace: StorePace) -> list[Planned] | str:
    from harvesters.tap import TapSource, TapTable  # pyvo takes 2 s to import; only a harvest needs it

    tap = runtime.profile.tap
    if tap is None:
        return "Projects are left out: the profile names no TAP service; use `biblio projects import FILE`."
    session = polite_session(runtime, "tap", pace)
    table = TapTable(
        url=runtime.settings.tap_url or tap.url,
        table=tap.table,
        columns=tap.columns,
        facets=runtime.profile.facet_keys,
        observatory_as_pi=tap.observatory_as_pi,
        mode=tap.mode,
        page_rows=tap.page_rows,
        counts=tap.counts,
    )
    source = TapSource(session, table)
    return [
        Planned(
            "projects",
            source,
            session,
            cursor="registry",
            plausible=plausible(runtime, "registry"),
            known=_known_projects(runtime, source.name),
            words=f"every project and observation unit of {table.table} at {table.url}",
        )
    ]


def _known_projects(runtime: Runtime, source: str) -> int:
    """Return how many projects this source has ever described."""
    with runtime.store.reading() as session:
        return session.exec(
            select(sa.func.count(sa.distinct(col(ProjectRevision.project_id)))).where(
                col(ProjectRevision.source) == source
            )
        ).one()


def _arxiv(runtime: Runtime, asked: Asked, pace: StorePace) -> list[Planned] | str:
    harvest = runtime.profile.harvest
    since = asked.since or date(harvest.first_year, 1, 1)
    until = asked.until or runtime.clock.today()
    session = polite_session(runtime, "arxiv", pace)
    query = ArxivQuery(
        harvest.arxiv_categories,
        since,
        until,
        page_size=_ARXIV_PAGE,
        window_days=_ARXIV_WINDOW_DAYS,
        overlap_days=1 if asked.since else _ARXIV_OVERLAP_DAYS,
        page_wait_s=runtime.settings.arxiv_pace_s or 0.1,
    )
    return [
        Planned(
            "arxiv",
            ArxivSource(session, query, base_url=runtime.settings.arxiv_url),
            session,
            cursor=_cursor("arxiv", asked, until),
            is_once=asked.since is not None,
            days=(since, until),
            plausible=plausible(runtime, "arxiv"),
            asked_for=AskedFor(parts_of(harvest)["arxiv"], since),
            words=f"preprints of {', '.join(harvest.arxiv_categories)} submitted from {since} to {until}",
        )
    ]


def _oai(runtime: Runtime, asked: Asked, pace: StorePace) -> list[Planned] | str:
    harvest = runtime.profile.harvest
    if not harvest.arxiv_sets:
        return "arXiv's OAI-PMH is left out: the profile names no sets (harvest.arxiv_sets)."
    session = polite_session(runtime, "arxiv", pace)
    today = runtime.clock.today()
    since = asked.since or _first_oai_day(runtime)
    planned = []
    for name in harvest.arxiv_sets:
        query = OaiQuery(since, set_spec=name, today=today, page_wait_s=runtime.settings.arxiv_pace_s or 0.1)
        planned.append(
            Planned(
                "arxiv-oai",
                OaiSource(session, query, base_url=runtime.settings.arxiv_oai_url),
                session,
                cursor=f"arxiv-oai {name}" + (f" {asked.since}" if asked.since else ""),
                is_once=asked.since is not None,
                plausible=plausible(runtime, "arxiv-oai"),
                asked_for=AskedFor(frozenset({name})),
                words=f"what arXiv changed in {name} since {since}, or since the last answer",
            )
        )
    return planned


def _first_oai_day(runtime: Runtime) -> date:
    """Return the day from which OAI-PMH is asked where it has no place yet: before that, the API has all."""
    with runtime.store.reading() as session:
        filled = read_place(session, "arxiv").cursor.get("day")
    recent = runtime.clock.today() - timedelta(days=_ARXIV_OVERLAP_DAYS)
    return min(recent, date.fromisoformat(str(filled))) if filled else recent


def _rss(runtime: Runtime, _asked: Asked, pace: StorePace) -> list[Planned] | str:
    feeds = runtime.profile.harvest.arxiv_feeds
    if not feeds:
        return "arXiv's announcements are left out: the profile names no feeds (harvest.arxiv_feeds)."
    session = polite_session(runtime, "arxiv", pace)
    query = RssQuery(feeds, today=runtime.clock.today(), page_wait_s=runtime.settings.arxiv_pace_s or 0.1)
    source = RssSource(session, query, base_url=runtime.settings.arxiv_rss_url)
    return [
        Planned(
            "arxiv-rss",
            source,
            session,
            cursor="arxiv-rss",
            plausible=plausible(runtime, "arxiv-rss"),
            words=f"what arXiv announces today in {', '.join(feeds)}",
        )
    ]


def _ads(runtime: Runtime, asked: Asked, pace: StorePace) -> list[Planned] | str:
    from harvesters.ads import AdsQuery, AdsSource

    settings, harvest = runtime.settings, runtime.profile.harvest
    if settings.ads_token is None:
        return ADS_LEFT_OUT
    session = polite_session(runtime, "ads", pace)
    until = asked.until or runtime.clock.today()
    searches = ads_searches(harvest)
    query = AdsQuery(
        searches,
        until,
        since=asked.since,
        first_year=harvest.first_year,
        accepts_nothing="ads" in asked.accepted,
    )
    return [
        Planned(
            "ads",
            AdsSource(session, query, token=settings.ads_token.get_secret_value(), base_url=settings.ads_url),
            session,
            cursor=_cursor("ads", asked, until),
            is_once=asked.since is not None,
            plausible=plausible(runtime, "ads"),
            asked_for=_past(harvest, "ads") if asked.since is None else AskedFor(parts_of(harvest)["ads"], asked.since),
            words=f"what entered ADS or changed there, by the searches {', '.join(searches)}",
        )
    ]


def _cursor(name: str, asked: Asked, until: date) -> str:
    return name if asked.since is None else f"{name} {asked.since} {until}"


_MAKERS = {"projects": _projects, "arxiv": _arxiv, "arxiv-oai": _oai, "arxiv-rss": _rss, "ads": _ads}


def plan_resweep(runtime: Runtime, years: Sequence[int] = ()) -> list[Planned] | str:
    """Return the searches of ADS asked anew, without looking at what changed when; or why they cannot be asked.

    Without ``years`` everything that entered within the profile's ``resweep_years``; else what was published in them.
    """
    from harvesters.ads import AdsQuery, AdsSource

    settings, harvest = runtime.settings, runtime.profile.harvest
    if settings.ads_token is None:
        return ADS_LEFT_OUT
    today = runtime.clock.today()
    session = polite_session(runtime, "ads")
    searches = ads_searches(harvest)
    first: date | None = None
    if years:
        searches = {f"{name} {year}": f"({text}) year:{year}" for year in years for name, text in searches.items()}
        query = AdsQuery(searches, today, first_year=harvest.first_year, is_once=True)
        words = f"papers of {', '.join(map(str, years))}"
    else:
        first = date(today.year - harvest.resweep_years, today.month, 1)
        query = AdsQuery(searches, today, first_year=harvest.first_year, entered_since=first)
        words = f"papers that entered since {first}"
    source = AdsSource(session, query, token=settings.ads_token.get_secret_value(), base_url=settings.ads_url)
    return [
        Planned(
            "ads",
            source,
            session,
            cursor="ads-resweep" + "".join(f" {year}" for year in years),
            is_once=True,
            plausible=plausible(runtime, "ads"),
            words=words,
            asked_for=AskedFor(search_parts(searches), first),
            accepting=command_of("resweep", {"accept": "ads", "year": ",".join(map(str, years))}),
        )
    ]


def plan_refresh(runtime: Runtime, bibcodes: Sequence[str]) -> list[Planned] | str:
    """Return the records of known bibcodes asked for by number, or why they cannot be asked."""
    from harvesters.ads_lists import AdsBibcodes

    settings = runtime.settings
    if settings.ads_token is None:
        return ADS_LEFT_OUT
    session = polite_session(runtime, "ads")
    source = AdsBibcodes(session, bibcodes, token=settings.ads_token.get_secret_value(), base_url=settings.ads_url)
    return [
        Planned(
            "ads",
            source,
            session,
            cursor="ads-refresh",
            is_once=True,
            plausible=plausible(runtime, "ads").model_copy(update={"maximum": None}),
            words=f"the records of {len(bibcodes)} known bibcodes",
            accepting=command_of("refresh", {"accept": "ads"}),
        )
    ]
