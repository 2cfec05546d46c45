"""What harvesting ADS promises, against a small server that answers as its search does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from harvesters.ads import AdsQuery, AdsSource
from harvesters.ads_records import FIELDS
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, Source
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


@pytest.mark.parametrize("count", [1, 49, 50, 51, 100, 120])
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
    assert (query["hl.snippets"], query["hl.maxAnalyzedChars"]) == ("4", "150000")
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
    assert session.quotas["/v1/search/query"].remaining == 4989


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
        (Reply(b'{"error": {"msg": "undefined field x"}}', 200, JSON), "refuses the query: undefined field x"),
        (Reply(b"<html>Maintenance</html>", 200, "text/html"), "is text/html, not JSON"),
        (Reply(changed()[:-10], 200, JSON), "broken or cut off"),
        (Reply(b'{"a":' * 100_000, 200, JSON), "broken or cut off"),
        (Reply(b"[]", 200, JSON), "no search result"),
        (Reply(changed(response={"docs": []}), 200, JSON), "does not say how many"),
        (Reply(changed(response={"numFound": True, "docs": []}), 200, JSON), "does not say how many"),
        (Reply(changed(response={"numFound": 1}), 200, JSON), "holds no records"),
        (Reply(changed(response={"numFound": 2**31, "docs": []}), 200, JSON), "does not say how many"),
        (Reply(changed(nextCursorMark="a\0b"), 200, JSON), "cannot be stored"),
        (Reply(changed(nextCursorMark="a" * 5_000), 200, JSON), "cannot be stored"),
        (Reply(changed(responseHeader={"partialResults": True}), 200, JSON), "only part of the result"),
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
        assert next(pages).next_cursor == {"search": "prefix", "mark": "50", "got": 50, "began": "2100-06-30"}
        assert next(pages).next_cursor == {"search": "prefix", "mark": "60", "got": 60, "began": "2100-06-30"}
        with pytest.raises(PageRefused, match="records from 61: ends after 60 of 80 records"):
            next(pages)


def test_fewer_rows_than_asked_for_are_no_missing_records() -> None:
    """ADS gives some users 200 rows at most and says so; pages get smaller, nothing else changes."""

    def clamped(asked: Asked) -> Reply:
        return answer(replace(asked, query=asked.query | {"rows": "20"}), [document(n) for n in range(50)])

    with serving(clamped) as server:
        harvester = source(server.url, searches={"any": "x"})
        pages = list(harvester.pages({}))
    parsed = [harvester.parse(page) for page in pages]
    assert [len(page.records) for page in parsed] == [page.expected for page in pages] == [20, 20, 10]
    assert [page.refusals for page in parsed if page.refusals] == []


def test_page_that_repeats_the_one_before_is_asked_for_again() -> None:
    """An order that does not hold once costs a request; one that never holds ends the run at that page."""
    spoiled: list[str] = []

    def shifted(asked: Asked) -> Reply:
        documents = [document(n) for n in range(120)]
        if asked.query["cursorMark"] == "50" and len(spoiled) < limit:
            spoiled.append("50")
            documents[50:53] = documents[47:50]
        return answer(asked, documents)

    limit = 1
    with serving(shifted) as server:
        assert keys(source(server.url, searches={"any": "x"})) == [document(n)["bibcode"] for n in range(120)]
        assert len(server.asked) == 4
        limit = 10
        pages = source(server.url, searches={"any": "x"}).pages({})
        assert next(pages).next_cursor == {"search": "any", "mark": "50", "got": 50, "began": "2100-06-30"}
        with pytest.raises(PageRefused, match="records from 51: repeats records of the page before"):
            next(pages)


def test_too_long_query_is_told_before_it_is_asked() -> None:
    """ADS takes a thousand characters."""
    with serving(library(1)) as server, pytest.raises(SourceStopped, match=r"search long has .* split it"):
        keys(source(server.url, searches={"long": "x " * 600}))


def test_one_odd_document_costs_itself_and_not_its_page() -> None:
    """The package falls over a document that is none; the others of the page are stored all the same."""

    def odd(asked: Asked) -> Reply:
        return answer(asked, [document(1), "no document", document(3)])  # type: ignore[list-item]

    with serving(odd) as server:
        harvester = source(server.url, searches={"any": "x"})
        (page,) = harvester.pages({})
    parsed = harvester.parse(page)
    assert [record.key for record in parsed.records] == [document(1)["bibcode"], document(3)["bibcode"]]
    assert [refusal.reason for refusal in parsed.refusals] == ["is no record"]


def test_resweep_asks_by_entry_alone_and_goes_on_from_every_page() -> None:
    """A record whose changes ADS did not date is found; a run killed on the way keeps the first day it began with."""
    searches = {"prefix": 'full:"ADS/X" -ack:"ADS/XY"', "name": "abs:rings"}
    with serving(library(120)) as server:
        sweep = source(server.url, searches=searches, entered_since=date(2097, 4, 1), first_year=2011)
        pages = list(sweep.pages({}))
        whole = [record.key for page in pages for record in sweep.parse(page).records]
        assert server.asked[0].query["q"] == '(full:"ADS/X" -ack:"ADS/XY") entdate:[2097-04-01 TO *] year:[2011 TO *]'
        for number, page in enumerate(pages[:-1], start=1):
            stored = [record.key for kept in pages[:number] for record in sweep.parse(kept).records]
            later = source(server.url, searches=searches, entered_since=date(2097, 5, 1), first_year=2011)
            assert stored + keys(later, dict(page.next_cursor)) == whole
    assert all("entdate:[2097-04-01 TO *]" in asked.query["q"] for asked in server.asked)
    assert not any("mtime" in asked.query["q"] for asked in server.asked)
    assert {page.window for page in pages} == {("2097-04-01", "2100-06-30")}
    assert [page.expected for page in pages] == 2 * [50, 50, 20]
    assert (pages[-1].is_last, pages[-1].next_cursor) == (True, {})


def test_increment_and_resweep_exclude_each_other() -> None:
    """Both at once would be neither."""
    with pytest.raises(ValueError, match="not both"):
        AdsQuery({"any": "x"}, TODAY, since=TODAY, entered_since=TODAY)


@pytest.mark.parametrize(
    "search",
    [
        'full:"ADS/X" -ack:"ADS/XY"',
        'ack:"a (b" OR title:(x y)',
        'abs:"X" NOT (full:"Y" OR ack:"Z")',
        '-title:erratum abs:"rings-and-gaps"',
        r'full:"a \" quote"',
    ],
)
def test_search_with_exclusions_stays_whole(search: str) -> None:
    """The days hold for the whole search, whatever is in it."""
    with serving(library(1)) as server:
        keys(source(server.url, searches={"any": search}, since=date(2100, 1, 1)))
    assert server.asked[0].query["q"].startswith(f"({search}) (entdate:[2100-01-01 TO *]")


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        ('full:"ADS/X', "do not pair"),
        ("full:x) OR (y", "do not pair"),
        ("(abs:x", "do not pair"),
        ('-ack:"ADS/X"', "nothing but exclusions"),
        ('NOT ack:"ADS/X" -title:(a b)', "nothing but exclusions"),
        (" ", "nothing but exclusions"),
    ],
)
def test_search_that_would_mean_something_else_is_told(search: str, reason: str) -> None:
    """What ADS would answer with too much or with nothing is not asked."""
    with serving(library(1)) as server, pytest.raises(SourceStopped, match=f"search any .*{reason}"):
        keys(source(server.url, searches={"any": search}))
    assert server.asked == []


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [({"began": "soon"}, "no day"), ({"since": "soon"}, "no day"), ({"search": "prefix", "got": "many"}, "counts")],
)
def test_broken_place_is_told(cursor: dict[str, object], reason: str) -> None:
    """A stored place that cannot be used says how to begin anew."""
    with serving(library(1)) as server, pytest.raises(SourceStopped, match=f"{reason}.*clear it to begin anew"):
        keys(source(server.url), cursor)


@pytest.mark.parametrize("token", ["s3cret\nX-Evil: 1", "s3cret\u2026", "two words", " "])
def test_token_that_cannot_be_sent_is_told_and_not_shown(token: str) -> None:
    """A token pasted with something else in it stops the source before anything is asked."""
    with serving(library(1)) as server, pytest.raises(SourceStopped, match="BIBLIO_ADS_TOKEN") as stopped:
        keys(source(server.url, token=token))
    assert "s3cret" not in str(stopped.value)
    assert "Evil" not in repr(source(server.url, token=token))
    assert server.asked == []


def test_a_run_that_took_weeks_promises_only_the_days_up_to_its_beginning() -> None:
    """A search that ended before an outage is asked again for the days of the outage: the next run begins before it."""
    searches = {"first": "x", "second": "y"}
    with serving(library(10)) as server:

        def run(until: date, cursor: dict[str, object]) -> list[Page]:
            session = PoliteSession("ads", LocalPace({}), contact="a@example.org", limits=QUICK)
            query = AdsQuery(searches, until, since=date(2100, 1, 1), rows=50)
            return list(AdsSource(session, query, token="t", base_url=f"{server.url}/v1").pages(cursor))

        halfway = dict(run(date(2100, 3, 1), {})[0].next_cursor)
        assert (halfway["search"], halfway["began"]) == ("second", "2100-03-01")
        last = run(TODAY, halfway)[-1]
    assert last.next_cursor == {"since": "2100-02-19"}
    assert last.window == ("2100-01-01", "2100-03-01")


def test_a_search_that_is_gone_begins_the_run_anew() -> None:
    """Searches changed halfway through a run are all asked, from the same day on."""
    with serving(library(10)) as server:
        harvester = source(server.url, searches={"new": "x"}, since=None)
        assert len(keys(harvester, {"search": "gone", "mark": "50", "got": 50, "since": "2100-02-01"})) == 10


class Silent:
    """A service in which one search finds nothing as often as it is told to, and the other 70 papers."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        if "ADS/X" in asked.query["q"] and self.times > 0:
            self.times -= 1
            return answer(asked, [])
        return answer(asked, [document(n) for n in range(70)])


def read(harvester: AdsSource, cursor: dict[str, object] | None = None) -> tuple[list[Page], str]:
    """The pages a harvest gives, and what it says when it does not end well."""
    pages = []
    try:
        for page in harvester.pages(cursor or {}):
            harvester.parse(page)
            pages.append(page)
    except PageRefused as refused:
        return pages, str(refused)
    return pages, ""


def test_nothing_at_all_is_asked_for_again() -> None:
    """An index that is being built anew finds nothing for a moment; that is no past."""
    with serving(Silent(2)) as server:
        pages, told = read(source(server.url))
    assert told == ""
    assert [page.promised for page in pages] == [70] * 4
    assert pages[-1].is_last


def test_a_search_without_a_past_is_told_and_keeps_no_other_waiting() -> None:
    """The others are read and stored; the run says which found nothing, and is not complete without it."""
    with serving(Silent(9)) as server:
        pages, told = read(source(server.url))
        assert "ADS search prefix, records from 1: ADS finds nothing at all for this search, asked 3 times" in told
        assert [(page.promised, page.is_last) for page in pages] == [(0, False), (70, False), (70, False)]
        assert pages[-1].next_cursor == {"since": "2100-06-20", "empty": ["prefix"], "open": ""}
        assert [page.ends_reading for page in pages] == [False, False, True]
        pages, told = read(source(server.url), dict(pages[0].next_cursor))
        assert told.startswith("ADS search prefix")
        assert pages[-1].next_cursor == {"since": "2100-06-20", "empty": ["prefix"], "open": ""}


def test_a_search_that_found_nothing_is_asked_for_all_its_past_again() -> None:
    """The next run, and each after it, asks that search without a day, the others for what is new."""
    silent = Silent(6)
    with serving(silent) as server:
        place = dict(read(source(server.url))[0][-1].next_cursor)
        again, told = read(source(server.url), place)
        assert told.startswith("ADS search prefix")
        del server.asked[:]
        pages, told = read(source(server.url), dict(again[-1].next_cursor))
        assert told == ""
        halfway = dict(pages[0].next_cursor)
        assert (halfway["search"], halfway["empty"]) == ("prefix", ["prefix"])
        assert read(source(server.url), halfway)[0][-1].next_cursor == pages[-1].next_cursor
    asked = [one.query["q"] for one in server.asked]
    assert [query for query in asked if "ADS/X" in query] == 3 * ['(full:"ADS/X")']
    assert all("entdate:[2100-06-20 TO *]" in query for query in asked if "rings" in query)
    assert pages[-1].next_cursor == {"since": "2100-06-20"}
    assert pages[-1].is_last
    assert {page.window for page in pages} == {None}  # with what the others gave before, all of the past is there


@pytest.mark.parametrize(("silent", "is_doubted"), [(99, True), (1, False)])
def test_a_long_span_without_anything_is_held_against_the_past(silent: int, is_doubted: bool) -> None:
    """After a pause of months a search that finds nothing is believed only if it finds something without days."""
    with serving(Silent(silent)) as server:
        pages, told = read(source(server.url), {"since": "2100-01-01"})
    assert ("finds nothing at all" in told) == is_doubted
    assert pages[-1].is_last != is_doubted
    if is_doubted:
        assert (pages[-1].next_cursor["empty"], pages[-1].next_cursor["open"]) == (["prefix"], "2100-01-01")


def test_an_increment_may_find_nothing() -> None:
    """Most days nothing is new; that costs one request."""
    with serving(library(0)) as server:
        pages, told = read(source(server.url), {"since": "2100-06-20"})
    assert told == ""
    assert len(server.asked) == 2
    assert pages[-1].is_last


def test_nothing_is_believed_of_a_search_that_a_person_accepts() -> None:
    """Afterwards it is asked for what is new like the others."""
    with serving(library(0)) as server:
        pages, told = read(source(server.url, accepts_nothing=True), {"since": "2100-06-01", "empty": ["name"]})
    assert told == ""
    assert pages[-1].next_cursor == {"since": "2100-06-20"}
    assert len(server.asked) == 2


@pytest.mark.parametrize("sweep", [{"entered_since": date(2097, 4, 1)}, {"is_once": True}])
def test_a_resweep_believes_nothing_when_two_runs_are_told_so(sweep: dict[str, Any]) -> None:
    """The second run asks that search alone; what one re-sweep left open a month ago is begun anew by the next."""
    with serving(Silent(99)) as server:
        first, told = read(source(server.url, **sweep))
        assert "the next run asks once more and then believes it" in told
        place = dict(first[-1].next_cursor)
        assert place["empty"] == ["prefix"]
        del server.asked[:]
        again, told = read(source(server.url, **sweep), place)
        assert {one.query["q"][:14] for one in server.asked} == {'(full:"ADS/X")'}
        assert (told, again[-1].is_last, again[-1].next_cursor) == ("", True, {})
        later, told = read(source(server.url, until=date(2100, 9, 30), **sweep), place)
    assert told.startswith("ADS search prefix")
    assert [page.promised for page in later] == [0, 70, 70]


@pytest.mark.parametrize("growing", [False, True])
def test_a_search_without_end_is_left(growing: bool) -> None:
    """Ever new marks with ever new records are no list; what came is stored, and the search is begun anew next time."""

    def endless(asked: Asked) -> Reply:
        mark = asked.query["cursorMark"]
        start = 0 if mark == "*" else int(mark)
        found = start + 500 if growing else 120
        docs = [document(start + n) for n in range(50)]
        return answer(asked, docs, found, response={"numFound": found, "docs": docs}, nextCursorMark=str(start + 50))

    with serving(endless) as server:
        pages, told = read(source(server.url, searches={"any": "x"}))
    assert ("promises 1550 records now, 500 before" if growing else "gives more records than the 120") in told
    assert pages[-1].next_cursor == {"search": "any", "mark": "*", "got": 0, "began": "2100-06-30"}
    assert not pages[-1].is_last
    assert len(server.asked) == len(pages) < 30
