"""The replayed feed of announcements holds what came on its day, as arXiv's own does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from demo.replay import ReplayServer
from demo.replay_faults import KINDS, Timing
from demo.replay_rss import announced_on
from harvesters.arxiv_rss import RssQuery, RssSource
from harvesters.errors import HarvestError, PageRefused
from harvesters.http import HttpLimits, PoliteSession
from harvesters.pace import LocalPace
from harvesters.records import HarvestedRecord
from tests.demo.conftest import Rows

QUICK = HttpLimits(connect_s=2, read_s=0.5, total_s=0.8, attempts=2, wait_initial_s=0.01, wait_max_s=0.02)


def feed(server: ReplayServer, *archives: str) -> list[HarvestedRecord]:
    """What the product's own harvester reads in the feed of the day shown."""
    session = PoliteSession("arxiv", LocalPace({}), contact="tests@example.org", limits=QUICK)
    source = RssSource(session, RssQuery(archives, page_wait_s=0.0), base_url=f"{server.url}/arxiv/rss")
    (page,) = source.pages({})
    parsed = source.parse(page)
    assert (parsed.refusals, parsed.unread_fields) == ((), ())
    assert page.next_cursor == {"announced": server.services.arxiv.day.isoformat()}
    return list(parsed.records)


@pytest.fixture(scope="module")
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server of its own, whose day the tests may change."""
    with ReplayServer(observatory, with_faults=False) as running:
        yield running


def test_every_version_is_announced_once(server: ReplayServer, rows: Rows) -> None:
    """Day by day through a month, the feeds hold every first version and every replacement of that time."""
    first, last = date(2019, 3, 1), date(2019, 3, 31)
    found: Counter[tuple[str, str]] = Counter()
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        server.show(day)
        announced = feed(server, "astro-ph")
        assert not (announced and day.weekday() > 4)
        found.update((record.key, record.extra["announce_type"]) for record in announced)
    expected = Counter(
        (record["id"], "new" if version["version"] == 1 else "replace")
        for record in rows("papers/arxiv.jsonl")
        for version in record["versions"]
        if first <= announced_on(version["date"]) <= last
    )
    assert found == expected
    assert {kind for _, kind in found} == {"new", "replace"}


def test_items_carry_the_facts(server: ReplayServer, rows: Rows) -> None:
    """Version, title, people, identifiers and abstract come through as they were written."""
    facts = next(r for r in rows("papers/arxiv.jsonl") if r["doi"] and r["journal_ref"] and len(r["versions"]) == 2)
    day = announced_on(facts["versions"][1]["date"])
    server.show(day)
    (record,) = [record for record in feed(server, "astro-ph") if record.key == facts["id"]]
    assert (record.arxiv_version, record.title, record.doi) == (2, facts["title"], facts["doi"])
    assert (record.abstract, record.extra["journal_ref"]) == (facts["abstract"], facts["journal_ref"])
    assert [author.name for author in record.authors] == facts["authors"]
    assert record.extra["announced_on"] == day.isoformat()


def test_what_is_primary_elsewhere_is_a_cross_listing(server: ReplayServer, rows: Rows) -> None:
    """A paper is new in its first category, and cross-listed in the others."""
    facts = next(r for r in rows("papers/arxiv.jsonl") if len(r["categories"]) > 1)
    server.show(announced_on(facts["versions"][0]["date"]))
    for category, kind in zip(facts["categories"][:2], ("new", "cross"), strict=True):
        (record,) = [record for record in feed(server, category) if record.key == facts["id"]]
        assert record.extra["announce_type"] == kind


def test_unknown_archives_are_a_feed_of_errors(server: ReplayServer) -> None:
    """arXiv answers 400 with a feed, which is never taken for a day without announcements."""
    assert requests.get(f"{server.url}/arxiv/rss/alchemy", timeout=10).status_code == 400
    with pytest.raises(PageRefused, match="status 400: arXiv refuses the feed: Bad archive 'alchemy'"):
        feed(server, "astro-ph", "alchemy")


@pytest.fixture(scope="module")
def busy(observatory: Path, rows: Rows) -> Iterator[tuple[ReplayServer, int]]:
    """A server on a day with announcements, that is silent and slow for as long as a test has patience; how many."""
    days = Counter(announced_on(version["date"]) for r in rows("papers/arxiv.jsonl") for version in r["versions"])
    with ReplayServer(observatory, with_faults=False, timing=Timing(silence_s=60, drip_s=0.01)) as running:
        running.show(max(days, key=lambda day: (days[day], day)))
        yield running, len(feed(running, "astro-ph"))


@pytest.mark.parametrize("times", [1, "always"])
@pytest.mark.parametrize("kind", KINDS["arxiv_rss"])
def test_no_fault_costs_an_announcement(busy: tuple[ReplayServer, int], kind: str, times: object) -> None:
    """Every fault of the door costs requests or ends in an error that names the feed; asked again, all is there."""
    server, count = busy
    server.set_faults([{"service": "arxiv_rss", "kind": kind, "times": times}])
    error = ""
    try:
        told = len(feed(server, "astro-ph"))
    except HarvestError as refused:
        error = str(refused)
        struck = server.services.faults.struck
        server.set_faults([])
        told = len(feed(server, "astro-ph"))
        assert struck
    assert told == count > 1
    assert not error or re.search(r"arXiv RSS astro-ph|/arxiv/rss/astro-ph", error)
