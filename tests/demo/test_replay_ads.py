"""ADS as the demo replays it, asked by our own harvesters: lists, counts, quotas, and full texts that come late."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.replay import ReplayServer
from demo.replay_libraries import LIBRARY, PRIVATE, UNKNOWN_BIBCODE, WRITABLE
from harvesters.ads import AdsQuery, AdsSource
from harvesters.ads_lists import AdsBibcodes, expected_counts, library_bibcodes
from harvesters.errors import PageRefused, QuotaSpent
from harvesters.http import HttpLimits, PoliteSession, Spent
from harvesters.pace import LocalPace
from tests.demo.conftest import TODAY, Rows

SEARCHES = {"prefix": 'full:"ADS/JAO.ALMA"', "name": 'full:"Atacama Large Millimeter" OR abs:"ALMA"'}
QUICK = HttpLimits(attempts=2, wait_initial_s=0.0, wait_max_s=0.0)


def polite(**more: Any) -> PoliteSession:
    """A session that does not wait."""
    return PoliteSession("ads", LocalPace({}), contact="demo@example.org", limits=QUICK, **more)


def found(server: ReplayServer, until: date, **query: Any) -> set[str]:
    """The bibcodes one run of the searches gives."""
    source = AdsSource(polite(), AdsQuery(SEARCHES, until, **query), token="demo", base_url=f"{server.url}/ads/v1")
    return {record.key for page in source.pages({}) for record in source.parse(page).records}


@pytest.fixture
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server of this test's own, without faults."""
    with ReplayServer(observatory, with_faults=False) as running:
        yield running


def late_texts(observatory: Path) -> tuple[str, str]:
    """The bibcodes of the two papers whose full text comes late."""
    summary = json.loads((observatory / "summary.json").read_text("utf-8"))
    return summary["late_text"], summary["late_text_undated"]


def test_full_text_comes_eight_months_after_entry(server: ReplayServer, observatory: Path, rows: Rows) -> None:
    """Before that day neither body nor acknowledgement is found, from it on both are; the record was there all along."""
    documents = {document["bibcode"]: document for document in rows("papers/ads.jsonl")}
    for bibcode in late_texts(observatory):
        entered = date.fromisoformat(documents[bibcode]["entdate"])
        day = date.fromisoformat(documents[bibcode]["fulltext_on"])
        assert timedelta(240) < day - entered < timedelta(250)
        assert TODAY - timedelta(3 * 365) < entered
        for shown, is_searchable in ((day - timedelta(1), False), (day, True)):
            server.show(shown)
            for search in ('full:"ADS/JAO.ALMA"', 'ack:"ADS/JAO.ALMA"'):
                answer = requests.get(
                    f"{server.url}/ads/v1/search/query",
                    params={"q": f"{search} bibcode:{bibcode}", "fl": "*"},
                    headers={"Authorization": "Bearer demo"},
                    timeout=10,
                ).json()
                assert answer["response"]["numFound"] == is_searchable
            assert not any("fulltext_on" in document for document in answer["response"]["docs"])
            asked = AdsBibcodes(polite(), [bibcode], token="demo", base_url=f"{server.url}/ads/v1")
            assert [record.key for page in asked.pages({}) for record in asked.parse(page).records] == [bibcode]


def test_increments_find_a_dated_change_and_the_resweep_the_other(server: ReplayServer, observatory: Path) -> None:
    """Runs over three years miss the paper whose change ADS does not date; asking by entry finds it."""
    dated, undated = late_texts(observatory)
    begin = TODAY - timedelta(1_000)
    server.show(begin)
    known = found(server, begin)
    assert not known & {dated, undated}
    for days in range(40, 1_001, 40):
        day = begin + timedelta(days)
        server.show(day)
        known |= found(server, day, since=day - timedelta(50))
    assert dated in known
    assert undated not in known
    server.show(TODAY)
    missed = found(server, TODAY, entered_since=date(TODAY.year - 3, TODAY.month, 1)) - known
    assert missed == {undated}


def test_library_is_read_whole_with_its_changes(server: ReplayServer, rows: Rows) -> None:
    """Every paper of the bibgroup comes under its bibcode of today; the changes are told once, then they are made."""
    ours = [document for document in rows("papers/ads.jsonl") if document["bibgroup"]]
    library = library_bibcodes(polite(), LIBRARY, "demo", f"{server.url}/ads/v1")
    assert set(library.bibcodes) == {document["bibcode"] for document in ours} | {UNKNOWN_BIBCODE}
    old = {code: document["bibcode"] for document in ours for code in document["alternate_bibcode"]}
    assert library.updates
    assert library.updates.items() <= old.items()
    assert (library.duplicates_removed, library.unknown) == (1, (UNKNOWN_BIBCODE,))
    again = library_bibcodes(polite(), LIBRARY, "demo", f"{server.url}/ads/v1")
    assert (again.bibcodes, again.updates) == (library.bibcodes, {})


def test_other_libraries_are_told_apart(server: ReplayServer) -> None:
    """Somebody else's and one that is not there."""
    for library, reason in ((PRIVATE, "it is private"), ("kDemoLibraryOfNobody01", "there is none under this id")):
        with pytest.raises(PageRefused, match=reason):
            library_bibcodes(polite(), library, "demo", f"{server.url}/ads/v1")
    mine = requests.get(f"{server.url}/ads/v1/biblib/libraries", headers={"Authorization": "Bearer demo"}, timeout=10)
    assert [library["id"] for library in mine.json()["libraries"]] == [LIBRARY, WRITABLE]


def test_counts_per_journal_are_those_of_the_records(server: ReplayServer) -> None:
    """What ADS says it has, by journal and year, is what a harvest of the same searches holds."""
    base = f"{server.url}/ads/v1"
    counted = expected_counts(polite(), SEARCHES, 2011, TODAY.year, "demo", base)
    source = AdsSource(polite(), AdsQuery(SEARCHES, TODAY, first_year=2011), token="demo", base_url=base)
    held = {record.key: record for page in source.pages({}) for record in source.parse(page).records}
    parts = Counter((record.year, record.extra["bibstem"]) for record in held.values())
    assert {(year, stem): n for year, stems in counted.items() for stem, n in stems.items()} == parts
    assert len(parts) > 20


def test_known_papers_are_refreshed_under_the_quota(server: ReplayServer, rows: Rows) -> None:
    """The run stops before the quota does and says when it goes on; then it goes on with the next batch."""
    server.services.ads.daily_limits["search/bigquery"] = 6
    codes = [document["bibcode"] for document in rows("papers/ads.jsonl")]
    session = polite(quota_reserve=2)
    source = AdsBibcodes(session, codes, token="demo", base_url=f"{server.url}/ads/v1", batch=70)
    cursor: dict[str, object] = {}
    keys: list[str] = []

    def harvest(asked: AdsBibcodes) -> None:
        for page in asked.pages(dict(cursor)):
            keys.extend(record.key for record in asked.parse(page).records)
            cursor.clear()
            cursor.update(page.next_cursor)

    with pytest.raises(QuotaSpent, match="2 of 6 requests are left, and 2 are kept in reserve") as stopped:
        harvest(source)
    assert stopped.value.retry_after_s is not None
    assert 0 < stopped.value.retry_after_s <= 86_400
    assert cursor["batch"] == 4
    endpoint = "/ads/v1/search/bigquery"
    assert session.take_spent() == {endpoint: Spent(4)}
    late = polite(quota_reserve=2, known_quotas=session.quotas.values())  # another process on the same day
    with pytest.raises(QuotaSpent):
        harvest(AdsBibcodes(late, codes, token="demo", base_url=f"{server.url}/ads/v1", batch=70))
    assert server.services.ads.requests["search/bigquery"] == 4
    server.services.ads.requests.clear()  # the next day
    harvest(AdsBibcodes(polite(quota_reserve=2), codes, token="demo", base_url=f"{server.url}/ads/v1", batch=70))
    assert sorted(keys) == sorted(codes)
    assert cursor == {}


@pytest.mark.parametrize("has_headers", [True, False])
def test_spent_quota_of_one_endpoint_leaves_the_others(server: ReplayServer, has_headers: bool) -> None:
    """One endpoint answers 429; the next has all of its own left, with or without headers that say so."""
    server.services.ads.has_limit_headers = has_headers
    server.services.ads.daily_limits["search/query"] = 1
    token = {"Authorization": "Bearer demo"}
    answers = [
        requests.get(f"{server.url}/ads/v1/search/query", params={"q": "*:*"}, headers=token, timeout=10)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers.get("X-RateLimit-Remaining") == ("0" if has_headers else None)
    assert library_bibcodes(polite(), LIBRARY, "demo", f"{server.url}/ads/v1").bibcodes


def test_highlights_are_as_many_as_are_asked_for(server: ReplayServer) -> None:
    """One passage a field unless more are asked for, four at most."""
    for asked, most in ((None, 1), ("2", 2), ("9", 4)):
        more = {} if asked is None else {"hl.snippets": asked}
        answer = requests.get(
            f"{server.url}/ads/v1/search/query",
            params={"q": "full:the", "fl": "id", "rows": "50", "hl": "true", "hl.fl": "body", **more},
            headers={"Authorization": "Bearer demo"},
            timeout=10,
        ).json()
        assert max(len(fields.get("body", [])) for fields in answer["highlighting"].values()) == most


@pytest.mark.parametrize("search", ["facet.field=nonsense", "facet.field=bibstem_facet&facet.limit=x"])
def test_facets_of_nothing_are_refused(server: ReplayServer, search: str) -> None:
    """An unknown field or a number that is none is status 400, as at ADS."""
    answer = requests.get(
        f"{server.url}/ads/v1/search/query?q=*:*&facet=true&{search}",
        headers={"Authorization": "Bearer demo"},
        timeout=10,
    )
    assert answer.status_code == 400
