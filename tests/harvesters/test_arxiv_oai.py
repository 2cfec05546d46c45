"""What following arXiv's changes over OAI-PMH promises, against a small server that answers so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from xml.sax.saxutils import escape

import pytest

from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.arxiv_raw import authors_of
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedAuthor, HarvestedRecord
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


def source(url: str) -> OaiSource:
    """A source that does not wait."""
    session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
    return OaiSource(session, OaiQuery(date(2026, 1, 1), page_wait_s=0.0), base_url=f"{url}/oai")


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


def test_nothing_new_is_an_empty_last_page() -> None:
    """ "noRecordsMatch" is the normal answer of a quiet day, and moves the place on."""
    with serving(lambda _: error("noRecordsMatch")) as server:
        harvester = source(server.url)
        (page,) = harvester.pages({})
        assert harvester.parse(page) == ParsedPage()
    assert (page.is_last, page.next_cursor) == (True, {"from": "2026-01-10"})


@pytest.mark.parametrize(
    "fault",
    [
        Reply(b"<html>Rate exceeded</html>", content_type="text/html"),
        Reply(page_of(0, 3, None).body[:-40], content_type=XML),
        Reply(b"<rss/>", content_type=XML),
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
        (answer(f"<ListRecords>{raw(1)}</ListRecords>", day="soon"), "no responseDate"),
        (answer("<ListRecords/>"), "the list of records is empty"),
        (Reply(b"gone", status=404), "status 404"),
    ],
)
def test_pages_that_stay_bad_are_refused_by_name(reply: Reply, reason: str) -> None:
    """The error names the list and the page."""
    with serving(lambda _: reply) as server, pytest.raises(PageRefused, match=f"since 2026-01-01, page 1: .*{reason}"):
        keys(source(server.url))


def parse(*records: str) -> ParsedPage:
    """What a stored page of these records gives."""
    body = answer(f"<ListRecords>{''.join(records)}</ListRecords>").body
    return source("http://x").parse(Page("arxiv-oai", "page 1", body, XML, {}, True))


def test_record_holds_all_versions() -> None:
    """First and last day, number of versions, people, identifiers, further facts."""
    more = {"comments": "12 pages", "doi": "10.1000/a, 10.1000/b", "journal-ref": "Fict. J. 1", "abstract": " Gaps. "}
    (record,) = parse(raw(7, **more)).records
    assert record == HarvestedRecord(
        source="arxiv-oai",
        key="2601.00007",
        title="Rings of planet 7",
        abstract="Gaps.",
        authors=(HarvestedAuthor("A. Example"), HarvestedAuthor("B. Beispiel")),
        doi="10.1000/a",
        arxiv_id="2601.00007",
        arxiv_version=2,
        kind="eprint",
        year=2026,
        submitted_on=date(2026, 1, 5),
        updated_on=date(2026, 1, 9),
        categories=("astro-ph.EP",),
        comment="12 pages",
        extra={
            "journal_ref": "Fict. J. 1",
            "further_dois": "10.1000/b",
            "versions": "v1 2026-01-05; v2 2026-01-09",
        },
    )


def test_deleted_and_withdrawn_papers_are_marked() -> None:
    """A deleted record keeps its identifier; a withdrawn paper says so in its comment."""
    deleted = '<record><header status="deleted"><identifier>oai:arXiv.org:2601.00001</identifier></header></record>'
    gone, withdrawn = parse(deleted, raw(2, comments="This paper has been withdrawn.")).records
    assert (gone.key, gone.title, gone.is_withdrawn) == ("2601.00001", None, True)
    assert withdrawn.is_withdrawn


def test_bad_records_cost_themselves_and_news_are_reported() -> None:
    """A record of another archive, without title or with a wrong date is named; unknown fields are listed."""
    foreign = raw(1).replace("arXiv.org:2601.00001", "elsewhere.org:77")
    parsed = parse(foreign, raw(2, title=""), raw(3).replace("Mon, 5 Jan", "some day in"), raw(4, mood="good"))
    assert [record.key for record in parsed.records] == ["2601.00004"]
    assert [refusal.place for refusal in parsed.refusals] == [f"page 1 record {n}" for n in (1, 2, 3)]
    assert parsed.unread_fields == ("mood",)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("A. Example, B. Beispiel and C. Exemple", ["A. Example", "B. Beispiel", "C. Exemple"]),
        ("A. Example (1), B. Beispiel (1 and 2) ((1) Uni, Town, (2) Lab and Co)", ["A. Example", "B. Beispiel"]),
        ("D. van Third, Jr. and \\'E. Fourth", ["D. van Third, Jr.", "É. Fourth"]),
        ("Alexander Sandman", ["Alexander Sandman"]),
        ("", []),
    ],
)
def test_one_line_of_authors_is_split(written: str, names: list[str]) -> None:
    """Commas, "and", affiliations in brackets, TeX accents and suffixes are understood."""
    assert authors_of(written) == names
