"""Where a harvest goes on, and what that place is good for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from biblio.ingest import coverage
from biblio.ingest.jobs import HARVEST
from biblio.ingest.places import Tally, read_place
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.asked_for import AskedFor, ads_searches, outside_sets, parts_of, search_parts
from biblio.store.models import HarvestCursor, HarvestPage, JobRun
from biblio.store.words import Outcome
from demo.replay import ReplayServer
from harvesters.protocol import ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import serving

parts = st.frozensets(st.sampled_from("abcd"))
days = st.none() | st.dates(date(2010, 1, 1), date(2026, 1, 1))


@given(parts, days, parts, days)
def test_a_place_is_good_for_less_and_not_for_more(
    one: frozenset[str], of: Any, other: frozenset[str], to: Any
) -> None:
    """What is asked of fewer parts or later days was asked before; anything else was not. It survives storing."""
    asked, wanted = AskedFor(one, of), AskedFor(other, to)
    assert asked.covers(asked)
    assert AskedFor.read(asked.plain()) == asked
    is_later = of is None or (to is not None and to >= of)
    assert asked.covers(wanted) == (other <= one and is_later)


@given(st.lists(st.lists(st.booleans(), max_size=8), max_size=6))
def test_a_tally_is_that_of_all_pages_together(pages: list[list[bool]]) -> None:
    """Page by page, stored and read between pages, gives what one page of everything gives."""

    def parsed(having: list[bool]) -> ParsedPage:
        known = (HarvestedAuthor("Ada, Lovely"),)
        return ParsedPage(tuple(HarvestedRecord("ads", "k", authors=known if has else ()) for has in having))

    tally = Tally(from_beginning=True, whole=7)
    for page in pages:
        tally = Tally.read(tally.with_page(parsed(page), ("authors",)).plain())
    together = [has for page in pages for has in page]
    assert (tally.records, tally.whole) == (len(together), 7)
    assert tally.given.get("authors", (0, 0)) == (sum(together), len(together))


def test_a_search_is_known_by_its_name_and_text(runtime: Runtime) -> None:
    """A place names the search it lies in: another name is another part, as another text is."""
    parts = search_parts({"a": 'full:"X"'})
    assert parts == search_parts({"a": 'full:"X"'})
    assert parts.isdisjoint(search_parts({"b": 'full:"X"', "a": 'full:"Y"'}))
    harvest = runtime.profile.harvest
    assert len(parts_of(harvest)["ads"]) == len(ads_searches(harvest))
    assert list(ads_searches(harvest)) == sorted(ads_searches(harvest))


@pytest.mark.parametrize(
    ("sets", "outside"),
    [
        (("physics:astro-ph",), ["gr-qc", "cs.AI"]),
        (("physics:astro-ph:GA", "physics:gr-qc", "cs"), ["astro-ph.CO", "astro-ph"]),
        (("physics", "cs:cs:AI"), []),
    ],
)
def test_a_category_that_no_set_holds_is_known(runtime: Runtime, sets: tuple[str, ...], outside: list[str]) -> None:
    """Sets are groups, archives or categories; what lies in none of them is never given by OAI-PMH."""
    wanted = ("astro-ph.GA", "astro-ph.CO", "astro-ph", "gr-qc", "cs.AI")
    harvest = changed(runtime, arxiv_sets=sets, arxiv_categories=wanted).profile.harvest
    assert outside_sets(harvest) == outside
    assert parts_of(harvest)["arxiv-oai"] == {*sets, *outside}


def changed(runtime: Runtime, **facts: Any) -> Runtime:
    """The runtime after somebody changed what its profile asks for."""
    harvest = runtime.profile.harvest.model_copy(update=facts)
    return replace(runtime, profile=runtime.profile.model_copy(update={"harvest": harvest}))


def run(runtime: Runtime, **arguments: str) -> JobRun:
    """Run the harvest; it must succeed."""
    row = run_job(runtime, HARVEST, arguments=arguments)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    return row


def first_day_asked(session: Session, row: JobRun) -> date:
    """The first day that the pages of a run cover."""
    pages = session.exec(select(HarvestPage).where(HarvestPage.job_run_id == row.id))
    return min(page.window_from for page in pages if page.window_from is not None)


def fetched(runtime: Runtime, source: str) -> list[tuple[date, date]]:
    """The days of a calendar that count as fetched by today's profile."""
    since = date(runtime.profile.harvest.first_year, 1, 1)
    with runtime.store.reading() as session:
        listed = coverage.askings(session, wanted=parts_of(runtime.profile.harvest))
    return coverage.source_calendar(listed, source, since, runtime.clock.today()).spans


def test_a_new_category_is_asked_for_its_past(asking: Asking, served: ReplayServer) -> None:
    """No day counts as fetched for a category that was not asked for; the next harvest begins anew; fewer asks nothing."""
    runtime = changed(asking(served.url), arxiv_sets=(), arxiv_categories=("astro-ph.GA", "astro-ph.SR"))
    beginning = date(runtime.profile.harvest.first_year, 1, 1)
    run(runtime, sources="arxiv")
    assert fetched(runtime, "arxiv")[0][0] == beginning
    wider = changed(runtime, arxiv_categories=("astro-ph.GA", "astro-ph.SR", "astro-ph.CO"))
    assert fetched(wider, "arxiv") == []
    row = run(wider, sources="arxiv")
    assert any("asked for more than before" in note for note in row.counts["notes"])
    assert fetched(wider, "arxiv")[0][0] == beginning
    narrower = changed(runtime, arxiv_categories=("astro-ph.CO",))
    assert fetched(narrower, "arxiv") == fetched(wider, "arxiv")
    row = run(narrower, sources="arxiv")
    with runtime.store.reading() as session:
        assert first_day_asked(session, row) > runtime.clock.today() - timedelta(days=120)


def test_an_earlier_first_year_is_asked_for(asking: Asking, served: ReplayServer) -> None:
    """The years before what used to be the first are holes until the next harvest, which asks for them."""
    runtime = changed(asking(served.url), arxiv_sets=(), first_year=2022)
    run(runtime, sources="arxiv,ads")
    earlier = changed(runtime, first_year=2020)
    for source in ("arxiv", "ads"):
        assert fetched(earlier, source)[0][0] == date(2022, 1, 1)
    run(earlier, sources="arxiv,ads")
    for source in ("arxiv", "ads"):
        assert fetched(earlier, source)[0][0] == date(2020, 1, 1)


def test_a_new_search_of_ads_is_asked_for_its_past(asking: Asking, served: ReplayServer) -> None:
    """A search that the profile gained, or whose words changed, is asked from the first year on, with the others."""
    runtime = asking(served.url)
    run(runtime, sources="ads")
    assert fetched(runtime, "ads")
    wider = changed(runtime, ads_queries={**runtime.profile.harvest.ads_queries, "another": 'abs:"ALMA"'})
    assert fetched(wider, "ads") == []
    run(wider, sources="ads")
    assert fetched(wider, "ads") == fetched(runtime, "ads") != []


@pytest.mark.parametrize("name", ["arxiv", "ads"])
def test_a_person_may_begin_anew(asking: Asking, served: ReplayServer, name: str) -> None:
    """Who begins anew asks the whole past once more; where the service is out, the next run does it."""
    runtime = asking(served.url)
    run(runtime, sources=name)
    with runtime.store.reading() as session:
        place = read_place(session, name)
    with serving(lambda _path: (404, "text/plain", b"no such page")) as url:
        nowhere = replace(runtime, settings=runtime.settings.model_copy(update={f"{name}_url": url}))
        assert run_job(nowhere, HARVEST, arguments={"begin_anew": name}).outcome is Outcome.FAILED
    row = run(runtime, sources=name)
    with runtime.store.reading() as session:
        assert read_place(session, name).cursor == place.cursor
        pages = session.exec(
            select(HarvestPage).where(HarvestPage.job_run_id == row.id).order_by(col(HarvestPage.id))
        ).all()
    assert pages[0].window_from in (None, date(runtime.profile.harvest.first_year, 1, 1))
    assert row.counts.get("new", 0) == 0


def test_a_database_from_before_parts_were_kept_is_taken_at_its_word(asking: Asking, served: ReplayServer) -> None:
    """Old pages and places count as asked for what today's profile asks; a search that comes later begins anew."""
    runtime = asking(served.url)
    run(runtime, sources="ads")
    with runtime.store.writing() as session:
        session.execute(sa.update(HarvestPage).values(asked_for=None))
        session.execute(sa.update(HarvestCursor).values(asked_for=None, tally=None))
    run(runtime, sources="ads")
    assert fetched(runtime, "ads") != []
    wider = changed(runtime, ads_queries={**runtime.profile.harvest.ads_queries, "another": 'abs:"ALMA"'})
    assert fetched(wider, "ads") == []
    assert any("asked for more" in note for note in run(wider, sources="ads").counts["notes"])
