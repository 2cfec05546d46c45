"""What following arXiv's changes over OAI-PMH promises, against a small server that answers so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from xml.sax.saxutils import escape

import pytest

from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import ParsedPage, Source
from tests.harvesters.servers import QUICK, Asked, Reply, serving

XML = "text/xml; charset=utf-8"


def raw(number: int, **more: str) -> str:
    """One record of a fictional paper with two versions."""
    fields = {
        "title": f"Rings\n of planet {number}",
        "authors": "A. Example and B. Beispiel",
        "categories": "astro-ph.EP",
    }
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in (fields | more).items())
    return (
        f"<record><header><identifier>oai:arXiv.org:2601.{number:05d}</identifier><datestamp>2026-01-09</datestamp></header>"
        f'<metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2601.{number:05d}</id>'
        '<version version="v1"><date>Mon, 5 Jan 2026 22:41:50 GMT</date><size>9kb</size></version>'
        '<version version="v2"><date>Fri, 9 Jan 2026 11:17:09 GMT</date></version>'
        f"{inner}</arXivRaw></metadata></record>"
    )


def answer(content: str, day: str = "2026-01-10") -> Reply:
    """An OAI-PMH answer."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>{day}T01:02:03Z</responseDate><request>x</request>{content}</OAI-PMH>"
    )
    return Reply(body.encode(), content_type=XML)


def error(code: str, words: str = "") -> Reply:
    """An OAI-PMH error."""
    return answer(f'<error code="{code}">{words}</error>')


def page_of(first: int, count: int, token: str | None) -> Reply:
    """A page of ``count`` records, with a token when more follow."""
    records = "".join(raw(number) for number in range(first, first + count))
    return answer(f"<ListRecords>{records}<resumptionToken>{token or ''}</resumptionToken></ListRecords>")


def archive(fault: Callable[[Asked, int], Reply | None] | None = None) -> Callable[[Asked], Reply]:
    """A service with seven changed papers, three a page; ``fault`` may replace an answer."""
    count = [0]

    def serve(asked: Asked) -> Reply:
        count[0] += 1
        if fault is not None and (reply := fault(asked, count[0])) is not None:
            return reply
        start = int(asked.query.get("resumptionToken", "0"))
        following = start + 3
        return page_of(start, min(3, 7 - start), str(following) if following < 7 else None)

    return serve


def source(url: str, today: date | None = None) -> OaiSource:
    """A source that does not wait."""
    session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
    return OaiSource(session, OaiQuery(date(2026, 1, 1), today=today, page_wait_s=0.0), base_url=f"{url}/oai")


def keys(harvester: OaiSource, cursor: dict[str, object] | None = None) -> list[str]:
    """Every key a harvest gives, in order."""
    return [record.key for page in harvester.pages(cursor or {}) for record in harvester.parse(page).records]


ALL = [f"2601.{number:05d}" for number in range(7)]


def test_all_changes_come_and_the_next_run_asks_from_the_servers_day() -> None:
    """Tokens are followed to the end; the place kept is the day of the first answer, and "until" is never sent."""
    with serving(archive()) as server:
        harvester = source(server.url)
        assert isinstance(harvester, Source)
        pages = list(harvester.pages({}))
        assert [record.key for page in pages for record in harvester.parse(page).records] == ALL
    assert [page.is_last for page in pages] == [False, False, True]
    assert pages[-1].next_cursor == {"from": "2026-01-10"}
    first = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "physics:astro-ph", "from": "2026-01-01"}
    assert server.asked[0].query == first
    assert server.asked[1].query == {"verb": "ListRecords", "resumptionToken": "3"}


def test_harvest_goes_on_from_every_cursor() -> None:
    """Whichever page was the last one stored, the rest follows and nothing twice."""
    with serving(archive()) as server:
        harvester = source(server.url)
        pages = list(harvester.pages({}))
        for number, page in enumerate(pages[:-1], start=1):
            stored = [record.key for kept in pages[:number] for record in harvester.parse(kept).records]
            rest = list(harvester.pages(page.next_cursor))
            assert stored + [record.key for kept in rest for record in harvester.parse(kept).records] == ALL
            assert rest[-1].next_cursor == {"from": "2026-01-10"}


def test_expired_token_begins_the_list_anew() -> None:
    """A token from yesterday is refused: everything of the list comes again, nothing is lost."""

    def expired(asked: Asked, count: int) -> Reply | None:
        return error("badResumptionToken", "expired") if asked.query.get("resumptionToken") == "old" else None

    with serving(archive(expired)) as server:
        assert keys(source(server.url), {"from": "2026-01-05", "until": "2026-01-09", "token": "old"}) == ALL
    assert server.asked[1].query["from"] == "2026-01-05"


def test_token_that_is_always_refused_ends_the_run() -> None:
    """A service that refuses its own tokens is not asked for ever."""

    def refuses(asked: Asked, count: int) -> Reply | None:
        return error("badResumptionToken") if "resumptionToken" in asked.query else None

    with serving(archive(refuses)) as server, pytest.raises(PageRefused, match="refused again"):
        keys(source(server.url))
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("code", ["badResumptionToken", "noRecordsMatch"])
def test_a_token_that_leads_nowhere_begins_the_list_anew(status: int, code: str) -> None:
    """Refused with a status of its own, or leading behind the end of a list that shrank: nothing is lost."""

    def nowhere(asked: Asked, count: int) -> Reply | None:
        return replace(error(code), status=status) if asked.query.get("resumptionToken") == "3" and count == 2 else None

    with serving(archive(nowhere)) as server:
        assert keys(source(server.url)) == [*ALL[:3], *ALL]


def test_a_token_that_has_expired_is_not_tried() -> None:
    """The service says when a token expires; on that day the list begins anew without asking."""
    stored: dict[str, object] = {"from": "2026-01-05", "until": "2026-01-09", "token": "3", "expires": "2026-01-10"}
    with serving(archive()) as server:
        assert keys(source(server.url, date(2026, 1, 10)), stored) == ALL
        assert keys(source(server.url, date(2026, 1, 9)), stored) == ALL[3:]
        assert keys(source(server.url), stored) == ALL[3:]
    assert server.asked[0].query["from"] == "2026-01-05"


@pytest.mark.parametrize("name", ["expirationDate", "expires"])
def test_the_token_is_kept_with_the_day_on_which_it_expires(name: str) -> None:
    """A cursor is plain JSON and holds what the next run needs, no more; arXiv has its own name for the day."""
    token = f'<resumptionToken {name}="2026-01-11T00:00:00Z">'
    dated = page_of(0, 3, "t").body.replace(b"<resumptionToken>", token.encode())
    with serving(lambda _: Reply(dated, content_type=XML)) as server:
        page = next(source(server.url).pages({}))
    assert page.next_cursor == {"from": "2026-01-01", "until": "2026-01-10", "token": "t", "expires": "2026-01-11"}
    assert (page.window, page.promised, page.expected) == (("2026-01-01", "2026-01-10"), None, None)


def test_a_token_that_leads_in_a_circle_ends_the_run() -> None:
    """A service that gives the same token for ever is not followed for ever."""
    numbers = iter(range(0, 99, 3))
    with serving(lambda _: page_of(next(numbers), 3, "same")) as server, pytest.raises(PageRefused, match="leads back"):
        keys(source(server.url))
    assert len(server.asked) == 2


def test_records_of_the_page_before_are_asked_for_again() -> None:
    """A page that repeats the one before may lack its own records: it is fetched once more."""
    with serving(archive(lambda _, count: page_of(1, 3, "6") if count == 2 else None)) as server:
        assert keys(source(server.url)) == ALL
    assert [asked.query.get("resumptionToken") for asked in server.asked] == [None, "3", "3", "6"]


def test_a_page_that_stays_displaced_begins_the_list_anew_and_then_ends_the_run() -> None:
    """What keeps repeating is neither taken for the truth nor asked for without end."""
    fault = lambda asked, _: page_of(1, 3, "6") if asked.query.get("resumptionToken") == "3" else None  # noqa: E731
    with (
        serving(archive(fault)) as server,
        pytest.raises(PageRefused, match=r"page 2: .*a second time again"),
    ):
        keys(source(server.url))
    assert len(server.asked) == 6


@pytest.mark.parametrize(("day", "ends"), [("2026-01-12", True), ("2026-01-11", False), ("9999-12-31", True)])
def test_a_server_whose_clock_runs_ahead_is_refused(day: str, ends: bool) -> None:
    """Days between its day and ours would never be asked for; one day ahead is another time zone."""
    reply = answer(f"<ListRecords>{raw(1)}</ListRecords>", day=day)
    with serving(lambda _: reply) as server:
        if not ends:
            assert keys(source(server.url, date(2026, 1, 10))) == ["2601.00001"]
            return
        with pytest.raises(PageRefused, match=f"the server writes {day}, and here it is 2026-01-10"):
            keys(source(server.url, date(2026, 1, 10)))


def test_a_server_whose_clock_is_behind_never_moves_the_place_back() -> None:
    """An answer out of a cache, or a clock that stands, costs nothing: the next run asks from the same day."""
    with serving(lambda _: answer(f"<ListRecords>{raw(1)}</ListRecords>", day="1970-01-01")) as server:
        (page,) = source(server.url).pages({"from": "2026-01-05"})
    assert page.next_cursor == {"from": "2026-01-05"}


def test_sizes_are_used_where_they_are_told() -> None:
    """The whole list's size is the promise; what its last page lacks is a refusal that people see."""
    sized = '<resumptionToken completeListSize="7" cursor="{}">{}</resumptionToken>'

    def serve(asked: Asked) -> Reply:
        start = int(asked.query.get("resumptionToken", "0"))
        records = "".join(raw(number) for number in range(start, min(start + 3, 6)))
        return answer(f"<ListRecords>{records}{sized.format(start, start + 3 if start < 3 else '')}</ListRecords>")

    with serving(serve) as server:
        harvester = source(server.url)
        pages = list(harvester.pages({}))
    assert [(page.promised, page.expected) for page in pages] == [(7, None), (7, 4)]
    (refusal,) = harvester.parse(pages[-1]).refusals
    assert refusal.reason == "1 of 4 promised records are missing"


def test_being_shut_out_stops_the_source_at_once() -> None:
    """After a 403 nobody asks again."""
    with serving(lambda _: Reply(status=403)) as server, pytest.raises(SourceStopped, match="status 403"):
        keys(source(server.url))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "cursor", [{"from": "soon"}, {"from": 3}, {"from": "2026-01-01", "token": 7}, {"from": "2026-01-01", "until": "x"}]
)
def test_unreadable_cursor_stops_the_source(cursor: dict[str, object]) -> None:
    """A broken place in the store is told, not guessed around."""
    with pytest.raises(SourceStopped, match="clear it to begin anew"):
        list(source("http://127.0.0.1:9").pages(cursor))


def test_nothing_new_is_an_empty_last_page() -> None:
    """ "noRecordsMatch" is the normal answer of a quiet day, and moves the place on."""
    with serving(lambda _: error("noRecordsMatch")) as server:
        harvester = source(server.url)
        (page,) = harvester.pages({"from": "2026-01-09"})
        assert harvester.parse(page) == ParsedPage()
    assert (page.is_last, page.next_cursor) == (True, {"from": "2026-01-10"})


@pytest.mark.parametrize(
    "fault",
    [
        Reply(b"<html>Rate exceeded</html>", content_type="text/html"),
        Reply(page_of(0, 3, None).body[:-40], content_type=XML),
        Reply(b"<rss/>", content_type=XML),
        answer("<ListRecords><resumptionToken>6</resumptionToken></ListRecords>"),
    ],
)
def test_bad_pages_are_asked_for_again(fault: Reply) -> None:
    """HTML, cut-off XML and other XML cost a retry."""
    with serving(archive(lambda _, count: fault if count == 2 else None)) as server:
        assert keys(source(server.url)) == ALL


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error("badArgument", "no such set"), r"badArgument \(no such set\)"),
        (Reply(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', content_type=XML), "declares a document type"),
        (answer(""), "no list of records"),
        (answer("<ListIdentifiers><header/></ListIdentifiers>"), "no list of records"),
        (answer(f"<ListRecords>{raw(1)}</ListRecords>", day="soon"), "no responseDate"),
        (answer("<ListRecords/>"), "the list of records is empty"),
        (Reply(b"gone", status=404), "status 404"),
    ],
)
def test_pages_that_stay_bad_are_refused_by_name(reply: Reply, reason: str) -> None:
    """The error names the list and the page."""
    with serving(lambda _: reply) as server, pytest.raises(PageRefused, match=f"since 2026-01-01, page 1: .*{reason}"):
        keys(source(server.url))
