"""The three doors by which arXiv tells of papers tell the same, and the daily ones what changed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from biblio.observatory import load
from demo.replay import ReplayServer
from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.http import HttpLimits, PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page
from harvesters.records import HarvestedRecord
from tests.demo.conftest import TODAY, Rows

FIRST = date(2011, 1, 1)


@pytest.fixture(scope="module")
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server of its own, whose day the tests may change."""
    with ReplayServer(observatory, with_faults=False) as running:
        yield running


def session() -> PoliteSession:
    """A session that does not make tests wait."""
    limits = HttpLimits(wait_initial_s=0.01, wait_max_s=0.02)
    return PoliteSession("arxiv", LocalPace({}), contact="tests@example.org", limits=limits)


def changes(server: ReplayServer, cursor: dict[str, object]) -> tuple[dict[str, HarvestedRecord], Page]:
    """What OAI-PMH tells from a cursor on, and its last page."""
    query = OaiQuery(FIRST, today=server.services.arxiv.day, page_wait_s=0.01)
    source = OaiSource(session(), query, base_url=f"{server.url}/arxiv/oai")
    pages = list(source.pages(cursor))
    parsed = [source.parse(page) for page in pages]
    assert [(page.refusals, page.unread_fields) for page in parsed if page.refusals or page.unread_fields] == []
    return {record.key: record for page in parsed for record in page.records}, pages[-1]


def test_the_list_of_changes_and_the_search_tell_the_same(server: ReplayServer) -> None:
    """Every preprint comes through both doors with the same facts."""
    server.show(TODAY)
    categories = tuple(load("alma").harvest.arxiv_categories)
    query = ArxivQuery(categories, FIRST, TODAY, page_size=200, window_days=3000, page_wait_s=0.01)
    api = ArxivSource(session(), query, base_url=f"{server.url}/arxiv")
    searched = {record.key: record for page in api.pages({}) for record in api.parse(page).records}
    listed, last = changes(server, {})
    assert last.next_cursor == {"from": TODAY.isoformat()}
    assert sorted(listed) == sorted(searched)
    for key, record in listed.items():
        for name in ("title", "abstract", "authors", "doi", "arxiv_version", "submitted_on", "updated_on", "categories",
                     "comment", "is_withdrawn", "year", "kind"):  # fmt: skip
            assert getattr(record, name) == getattr(searched[key], name), (key, name)
        assert record.extra["versions"].count(";") == (record.arxiv_version or 0) - 1


def test_a_later_run_is_told_what_changed_since_and_nothing_is_lost(server: ReplayServer, rows: Rows) -> None:
    """Runs on three days give together what one run on the last day gives."""
    known: dict[str, HarvestedRecord] = {}
    cursor: dict[str, object] = {}
    told = []
    for day in (date(2019, 6, 14), date(2019, 9, 3), TODAY):
        server.show(day)
        found, last = changes(server, cursor)
        known |= found
        told.append(set(found))
        cursor = dict(last.next_cursor)
    assert known == changes(server, {})[0]
    assert len(known) == len(rows("papers/arxiv.jsonl"))
    replaced = {r["id"] for r in rows("papers/arxiv.jsonl") if len(r["versions"]) > 1}
    assert all(told)
    assert told[0] & told[2] <= replaced
