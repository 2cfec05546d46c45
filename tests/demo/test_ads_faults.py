"""Every door of ADS against every fault it can have: the end is that of a clean run, or a sentence and then that end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from demo.replay import ReplayServer
from demo.replay_faults import KINDS, Timing
from demo.replay_libraries import LIBRARY
from harvesters.ads import AdsQuery, AdsSource
from harvesters.ads_lists import AdsBibcodes, expected_counts, library_bibcodes
from harvesters.errors import HarvestError, PageRefused, SourceStopped
from harvesters.http import HttpLimits, PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Source
from harvesters.records import HarvestedRecord
from tests.demo.conftest import TODAY, Rows

SEARCHES = {"prefix": 'full:"ADS/JAO.ALMA"', "name": 'full:"Atacama Large Millimeter" OR abs:"ALMA"'}
IMPATIENT = HttpLimits(read_s=0.3, total_s=0.6, attempts=2, wait_initial_s=0.0, wait_max_s=0.0)
RUNS = 3
"""How many runs a harvest may need when one fault strikes: the one it strikes, and the one that goes on."""


@pytest.fixture(scope="module")
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server whose silences are short."""
    with ReplayServer(observatory, with_faults=False, timing=Timing(silence_s=1.0, drip_s=0.4)) as running:
        yield running


def polite() -> PoliteSession:
    """A session that does not wait, each run with one of its own."""
    return PoliteSession("ads", LocalPace({}, sleep=lambda _: None), contact="demo@example.org", limits=IMPATIENT)


def harvest(make: Callable[[], Source]) -> tuple[dict[str, HarvestedRecord], list[str]]:
    """What is stored after at most ``RUNS`` runs that each go on from the last stored page, and what went wrong."""
    cursor: dict[str, object] = {}
    records: dict[str, HarvestedRecord] = {}
    told: list[str] = []
    for _ in range(RUNS):
        source = make()
        try:
            for page in source.pages(dict(cursor)):
                parsed = source.parse(page)
                records |= {record.key: replace(record, snippets=()) for record in parsed.records}
                cursor = dict(page.next_cursor)
        except HarvestError as wrong:
            told.append(str(wrong))
            continue
        return records, told
    raise AssertionError(f"{RUNS} runs were not enough: {told}")


def searching(server: ReplayServer) -> Callable[[], Source]:
    """A harvest of the searches by pages of 120."""
    query = AdsQuery(SEARCHES, TODAY, rows=120)
    return lambda: AdsSource(polite(), query, token="demo", base_url=f"{server.url}/ads/v1")


def refreshing(server: ReplayServer, codes: list[str]) -> Callable[[], Source]:
    """The same papers by their bibcodes, 90 at a time."""
    return lambda: AdsBibcodes(polite(), codes, token="demo", base_url=f"{server.url}/ads/v1", batch=90)


@pytest.fixture(scope="module")
def clean(server: ReplayServer) -> dict[str, HarvestedRecord]:
    """What an undisturbed harvest of the searches gives."""
    server.set_faults([])
    records, told = harvest(searching(server))
    assert told == []
    assert len(records) > 300
    return records


@pytest.mark.parametrize("kind", KINDS["ads_search"])
def test_searches_end_as_undisturbed(server: ReplayServer, clean: dict[str, HarvestedRecord], kind: str) -> None:
    """Whatever happens to one page, all records are there in the end, and the sentence names the page or the door."""
    server.set_faults([{"service": "ads_search", "kind": kind, "request": 3}])
    records, told = harvest(searching(server))
    assert records == clean
    assert all("records from" in words or "/ads/v1/search/query" in words for words in told)


@pytest.mark.parametrize("request_number", [1, 3])
@pytest.mark.parametrize("kind", KINDS["ads_bigquery"])
def test_refreshes_end_as_undisturbed(server: ReplayServer, rows: Rows, kind: str, request_number: int) -> None:
    """The same for batches of bibcodes."""
    server.services.ads.requests.clear()
    codes = [document["bibcode"] for document in rows("papers/ads.jsonl")]
    server.set_faults([{"service": "ads_bigquery", "kind": kind, "request": request_number}])
    records, told = harvest(refreshing(server, codes))
    assert sorted(records) == sorted(codes)
    assert all("ADS bibcodes" in words or "/ads/v1/search/bigquery" in words for words in told)


def whole(ask: Callable[[], object]) -> object:
    """The answer of a door that either comes whole or not at all, asked again after a fault."""
    for _ in range(RUNS):
        try:
            return ask()
        except (PageRefused, SourceStopped):
            continue
    raise AssertionError(f"{RUNS} runs were not enough")


@pytest.mark.parametrize("request_number", [1, 3])
@pytest.mark.parametrize("kind", KINDS["ads_libraries"])
def test_libraries_come_whole_or_not_at_all(server: ReplayServer, kind: str, request_number: int) -> None:
    """No fault makes a library shorter."""
    server.services.ads.requests.clear()
    server.set_faults([])
    base = f"{server.url}/ads/v1"
    clean = library_bibcodes(polite(), LIBRARY, "demo", base).bibcodes
    server.set_faults([{"service": "ads_libraries", "kind": kind, "request": request_number}])
    found = whole(lambda: library_bibcodes(polite(), LIBRARY, "demo", base).bibcodes)
    assert found == clean
    assert len(clean) > 200


@pytest.mark.parametrize("kind", [k for k in KINDS["ads_search"] if k not in ("changed_total", "shrunk_total")])
def test_counts_come_right_or_not_at_all(server: ReplayServer, kind: str) -> None:
    """No fault changes what is expected; a wrong total of the service itself cannot be told from a right one."""
    server.set_faults([])
    base = f"{server.url}/ads/v1"
    clean = expected_counts(polite(), SEARCHES, 2020, 2022, "demo", base)
    server.set_faults([{"service": "ads_search", "kind": kind, "request": 2}])
    assert whole(lambda: expected_counts(polite(), SEARCHES, 2020, 2022, "demo", base)) == clean
