"""What harvesting ADS promises, against a small server that answers as its search does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from harvesters.ads import FIELDS, AdsQuery, AdsSource
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedAuthor
from tests.harvesters.servers import QUICK, Asked, Reply, serving

JSON = "application/json; charset=utf-8"
TODAY = date(2100, 6, 30)
LIMITS = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Reset": "4102444800"}


def document(number: int) -> dict[str, Any]:
    """A fictional paper as ADS describes it."""
    return {"id": str(number), "bibcode": f"2100Fict.{number:04d}....1E", "title": [f"Paper {number}"]}


def answer(asked: Asked, documents: list[dict[str, Any]], found: int | None = None, **more: Any) -> Reply:
    """A search answer in Solr's shape; the mark is the number of records given so far."""
    rows, mark = int(asked.query["rows"]), asked.query["cursorMark"]
    start = 0 if mark == "*" else int(mark)
    docs = documents[start : start + rows]
    value = {
        "responseHeader": {"status": 0, "QTime": 1, "params": {**asked.query, "rows": str(rows)}},
        "response": {"numFound": len(documents) if found is None else found, "start": 0, "docs": docs},
        "nextCursorMark": str(start + len(docs)) if docs else mark,
    } | more
    return Reply(json.dumps(value).encode(), content_type=JSON, headers=LIMITS)


def library(count: int) -> Callable[[Asked], Reply]:
    """A service in which every search finds the same ``count`` papers."""
    return lambda asked: answer(asked, [document(n) for n in range(count)])


def source(url: str, token: str | None = "s3cret", **query: Any) -> AdsSource:
    """A source with two searches that does not wait."""
    session = PoliteSession("ads", LocalPace({}), contact="library@example.org", limits=QUICK)
    settings: dict[str, Any] = {
        "searches": {"prefix": 'full:"ADS/X"', "name": "abs:rings"},
        "until": TODAY,
        "rows": 50,
    } | query
    return AdsSource(session, AdsQuery(**settings), token=token, base_url=f"{url}/v1")


def keys(harvester: AdsSource, cursor: dict[str, object] | None = None) -> list[str]:
    """Every key a harvest gives, in order."""
    return [record.key for page in harvester.pages(cursor or {}) for record in harvester.parse(page).records]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 120])
def test_every_record_of_every_search_comes(count: int) -> None:
    """The package's silent end at 50 records is not ours: pages go on to the end of each search."""
    with serving(library(count)) as server:
        harvester = source(server.url)
        found = keys(harvester)
        assert isinstance(harvester, Source)
    assert found == 2 * [document(n)["bibcode"] for n in range(count)]


def test_each_page_is_one_request_with_our_fields_and_token() -> None:
    """No hidden request per attribute; fields, rows and highlights are named, the size of passages never is."""
    with serving(library(120)) as server:
        keys(source(server.url, searches={"prefix": 'full:"ADS/X"'}, first_year=2011))
    assert len(server.asked) == 3
    query = server.asked[0].query
    assert query["q"] == '(full:"ADS/X") year:[2011 TO *]'
    assert query["fl"] == ",".join(("id", *FIELDS))
    assert (query["rows"], query["hl"], query["sort"]) == ("50", "true", "id asc")
    assert sorted(query["hl.fl"].split(",")) == ["abstract", "ack", "body", "title"]
    assert "hl.fragsize" not in query
    assert server.asked[0].headers["Authorization"] == "Bearer s3cret"
    assert "mailto:library@example.org" in server.asked[0].headers["User-Agent"]


def test_pages_say_what_they_cover_and_the_quota_is_kept() -> None:
    """Each page has its counts; the ledger holds what ADS says is left."""
    with serving(library(70)) as server:
        session = PoliteSession("ads", LocalPace({}), contact="a@example.org", limits=QUICK)
        query = AdsQuery({"prefix": "x"}, TODAY, since=date(2100, 6, 1), rows=50)
        first, last = AdsSource(session, query, token="t", base_url=f"{server.url}/v1").pages({})
    assert (first.promised, first.expected, last.expected) == (70, 50, 20)
    assert first.window == ("2100-06-01", "2100-06-30")
    assert first.place == "ADS search prefix, records from 1"
    assert not first.is_last
    assert last.is_last
    assert last.next_cursor == {"since": "2100-06-20"}
    assert session.quotas["/v1/search/query"].remaining == 4990


def test_incremental_run_asks_for_new_and_changed_records() -> None:
    """A record whose full text came months after its entry is found by the text's own date."""
    with serving(library(1)) as server:
        keys(source(server.url), {"since": "2100-06-20"})
    for asked in server.asked:
        assert "entdate:[2100-06-20 TO *]" in asked.query["q"]
        assert "fulltext_mtime:[2100-06-20T00:00:00Z TO *]" in asked.query["q"]
        assert "metadata_mtime:[2100-06-20T00:00:00Z TO *]" in asked.query["q"]


def test_harvest_goes_on_from_every_cursor() -> None:
    """Whichever page was the last one stored, the rest follows and nothing twice, with the same "since"."""
    with serving(library(120)) as server:
        harvester = source(server.url, since=date(2100, 1, 1))
        pages = list(harvester.pages({}))
        whole = [record.key for page in pages for record in harvester.parse(page).records]
        for number, page in enumerate(pages[:-1], start=1):
            stored = [record.key for kept in pages[:number] for record in harvester.parse(kept).records]
            resumed = source(server.url)
            assert stored + keys(resumed, dict(page.next_cursor)) == whole
    assert all("entdate:[2100-01-01 TO *]" in asked.query["q"] for asked in server.asked)


def test_without_a_token_the_source_stops_with_advice() -> None:
    """No token, no request: a sentence says what to do and that the others go on."""
    with (
        serving(library(1)) as server,
        pytest.raises(SourceStopped, match="BIBLIO_ADS_TOKEN; the other sources are not affected"),
    ):
        keys(source(server.url, token=None))
    assert server.asked == []


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_stops_the_source(status: int) -> None:
    """A token ADS does not accept is told as such, and never shown."""
    reply = Reply(b'{"error": "Unauthorized"}', status=status, content_type=JSON)
    with (
        serving(lambda _: reply) as server,
        pytest.raises(SourceStopped, match=r"does not accept the token .*Unauthorized") as stopped,
    ):
        keys(source(server.url))
    assert "s3cret" not in str(stopped.value)


GOOD = {"responseHeader": {"params": {"rows": 50}}, "response": {"numFound": 1, "docs": [document(1)]}}


def changed(**more: Any) -> bytes:
    """A good answer with some of it changed."""
    return json.dumps(GOOD | more).encode()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b'{"error": {"msg": "undefined field x", "code": 400}}', 400, JSON), "status 400: undefined field x"),
        (Reply(b'{"error": {"msg": "undefined field x"}}', 200, JSON), "no search result|undefined field x"),
        (Reply(b"<html>Maintenance</html>", 200, "text/html"), "no search result"),
        (Reply(changed()[:-10], 200, JSON), "no search result"),
        (Reply(changed(response={"docs": []}), 200, JSON), "no search result"),
        (Reply(changed(response={"numFound": 3, "docs": [document(1)]}), 200, JSON), "ends after 1 of 3 records"),
    ],
)
def test_bad_answers_are_refused_by_search_and_page(reply: Reply, reason: str) -> None:
    """JSON errors with either status, HTML, cut-off answers and missing records name the page."""
    with (
        serving(lambda _: reply) as server,
        pytest.raises(PageRefused, match=f"ADS search prefix, records from 1: .*({reason})"),
    ):
        keys(source(server.url))


def test_search_that_ends_too_early_goes_on_from_there() -> None:
    """What came before the hole is stored; the error names the page after it."""

    def cut(asked: Asked) -> Reply:
        return answer(asked, [document(n) for n in range(60)], found=80)

    with serving(cut) as server:
        pages = source(server.url).pages({})
        assert next(pages).next_cursor == {"search": "prefix", "mark": "50", "got": 50}
        assert next(pages).next_cursor == {"search": "prefix", "mark": "60", "got": 60}
        with pytest.raises(PageRefused, match="records from 61: ends after 60 of 80 records"):
            next(pages)


def test_too_long_query_is_told_before_it_is_asked() -> None:
    """ADS takes a thousand characters."""
    with serving(library(1)) as server, pytest.raises(SourceStopped, match=r"search long has .* split it"):
        keys(source(server.url, searches={"long": "x " * 600}))


def parse(*documents: Any, **more: Any) -> ParsedPage:
    """What a stored page of these documents gives."""
    body = json.dumps({"response": {"numFound": len(documents), "docs": list(documents)}} | more).encode()
    return source("http://x").parse(Page("ads", "page 1", body, JSON, {}, True))


def test_record_holds_what_the_document_says() -> None:
    """Identifiers, people, kind, refereed, a date known to the month, and the passages found."""
    full = {
        "id": "77",
        "bibcode": "2100Fict.0001....1E",
        "alternate_bibcode": ["2100arXiv210100001E"],
        "identifier": ["2100Fict.0001....1E", "10.1000/a", "arXiv:2101.00001", "10.48550/arXiv.2101.00001"],
        "title": ["CO<SUB>2</SUB> &amp; dust at z &gt; 3"],
        "abstract": "Rings.<P />Gaps.",
        "author": ["Example, Aino", "Beispiel, Bo"],
        "aff": ["Uni X; Lab Y", "-"],
        "orcid_pub": ["0000-0000-0000-0000", "-"],
        "doctype": "article",
        "property": ["ARTICLE", "REFEREED"],
        "pub": "Fictional Journal",
        "volume": "1",
        "page": ["L1"],
        "year": "2100",
        "pubdate": "2100-03-00",
        "citation_count": 7,
        "bibgroup": ["X", "Y/Z"],
    }
    highlighting = {"77": {"body": ["the <em>ADS/X</em>#1"], "ack": ["of data <em>ADS/X</em>#2"], "title": []}}
    (record,) = parse(full, highlighting=highlighting).records
    assert (record.key, record.doi, record.arxiv_id) == ("2100Fict.0001....1E", "10.1000/a", "2101.00001")
    assert record.alternate_bibcodes == ("2100arXiv210100001E",)
    assert (record.title, record.abstract) == ("CO2 & dust at z > 3", "Rings. Gaps.")
    assert record.authors == (
        HarvestedAuthor("Example, Aino", "Uni X; Lab Y", "0000-0000-0000-0000"),
        HarvestedAuthor("Beispiel, Bo"),
    )
    assert (record.kind, record.is_refereed, record.citation_count) == ("article", True, 7)
    assert (record.published_on, record.published_precision) == (date(2100, 3, 1), "month")
    assert (record.journal, record.volume, record.page, record.year) == ("Fictional Journal", "1", "L1", 2100)
    assert record.snippets == (("ack", "of data ADS/X#2"), ("body", "the ADS/X#1"))
    assert record.extra["bibgroups"] == "X; Y/Z"


@pytest.mark.parametrize(
    ("properties", "refereed"), [(["REFEREED"], True), (["NOT REFEREED"], False), (["ARTICLE"], None), (None, None)]
)
def test_refereed_is_what_ads_says_and_unknown_otherwise(properties: list[str] | None, refereed: bool | None) -> None:
    """ "NOT REFEREED" is not taken for refereed, silence for neither."""
    (record,) = parse(document(1) | {"property": properties}).records
    assert record.is_refereed is refereed


@pytest.mark.parametrize(
    ("pubdate", "day", "precision"),
    [
        ("2100-00-00", date(2100, 1, 1), "year"),
        ("2100-11-00", date(2100, 11, 1), "month"),
        ("2100-11-22", date(2100, 11, 22), "day"),
    ],
)
def test_dates_are_known_as_far_as_they_are_written(pubdate: str, day: date, precision: str) -> None:
    """A zero is not a first of January."""
    (record,) = parse(document(1) | {"pubdate": pubdate}).records
    assert (record.published_on, record.published_precision) == (day, precision)


def test_unknown_sorts_and_fields_are_reported() -> None:
    """A new document type is no article, and news in the answer is named."""
    parsed = parse(document(1) | {"doctype": "podcast", "mood": "good"})
    assert parsed.records[0].kind is None
    assert parsed.unread_fields == ("doctype:podcast", "mood")


def test_bad_records_cost_themselves() -> None:
    """A record that cannot be read is named with its place and bibcode; the others are read."""
    parsed = parse(
        {"title": ["no bibcode"]},
        document(2) | {"pubdate": "soon"},
        document(3) | {"author": [5]},
        "no record",
        document(5) | {"citation_count": "many"},
        document(6),
        document(7) | {"title": ["NUL \0 in a title"]},
        document(8) | {"abstract": "half a character \ud800"},
    )
    assert [record.key for record in parsed.records] == [document(6)["bibcode"]]
    assert [refusal.place for refusal in parsed.refusals] == [f"page 1 record {n}" for n in (1, 2, 3, 4, 5, 7, 8)]
    assert parsed.refusals[1].key == document(2)["bibcode"]
