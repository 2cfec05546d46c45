"""The replayed feed of announcements holds what came on its day, as arXiv's own does."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.replay import ReplayServer
from demo.replay_rss import announced_on
from harvesters.arxiv_rss import RssQuery, RssSource
from harvesters.errors import PageRefused
from harvesters.http import HttpLimits, PoliteSession
from harvesters.pace import LocalPace
from harvesters.records import HarvestedRecord
from tests.demo.conftest import Rows


def feed(server: ReplayServer, *archives: str) -> list[HarvestedRecord]:
    """What the product's own harvester reads in the feed of the day shown."""
    session = PoliteSession("arxiv", LocalPace({}), contact="tests@example.org", limits=HttpLimits(wait_initial_s=0.01))
    source = RssSource(session, RssQuery(archives, page_wait_s=0.0), base_url=f"{server.url}/arxiv/rss")
    (page,) = source.pages({})
    parsed = source.parse(page)
    assert (parsed.refusals, parsed.unread_fields) == ((), ())
    assert page.next_cursor == {"announced": server.services.arxiv.day.isoformat()}
    return list(parsed.records)


@pytest.fixture(scope="module")
def server(observatory: Path) -> Any:
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
