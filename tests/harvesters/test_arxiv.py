"""What harvesting arXiv promises, against a small server that pages as arXiv does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from xml.sax.saxutils import escape

import pytest

from harvesters import arxiv
from harvesters.arxiv import ArxivQuery, ArxivSource, EprintService
from harvesters.errors import PageRefused, RecordRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, Source
from harvesters.records import HarvestedAuthor
from tests.harvesters.servers import QUICK, Asked, Reply, serving

ATOM = "application/atom+xml; charset=utf-8"
JAN = date(2026, 1, 1)
LONG_AGO = date(2011, 3, 5)


def entry(number: int, day: date, **more: str) -> str:
    """One Atom entry of a fictional paper."""
    inner = "".join(f"<arxiv:{name}>{escape(value)}</arxiv:{name}>" for name, value in more.items())
    return (
        f"<entry><id>http://arxiv.org/abs/{day:%y%m}.{number:05d}v2</id><title>Rings of\n  planet {number} &lt; 3</title>"
        f"<updated>{day}T10:00:00Z</updated><published>{day}T09:00:00Z</published><summary>Gaps &amp; rings.</summary>"
        f'<category term="astro-ph.EP"/><category term="astro-ph.SR"/>{inner}<arxiv:primary_category term="astro-ph.EP"/>'
        "<author><name>Aino Example</name></author><author><name>Bo Beispiel</name></author></entry>"
    )


def feed(entries: list[str], total: int | str | None) -> bytes:
    """A feed as arXiv writes it."""
    count = "" if total is None else f"<opensearch:totalResults>{total}</opensearch:totalResults>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
        'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom"><title>Query</title>'
        f"{count}{''.join(entries)}</feed>"
    ).encode()


class Archive:
    """A fictional arXiv with ``per_day`` papers each day around the new year 2026, and one long before.

    ``fault`` may replace an answer.
    """

    def __init__(self, per_day: int, fault: Callable[[Asked, int], Reply | None] | None = None) -> None:
        self.per_day = per_day
        self.fault = fault
        self.count = 0

    def __call__(self, asked: Asked) -> Reply:
        """Answer one query."""
        self.count += 1
        if self.fault is not None and (reply := self.fault(asked, self.count)) is not None:
            return reply
        span = re.search(r"submittedDate:\[(\d{8})0000 TO (\d{8})2359\]", asked.query["search_query"])
        assert span is not None
        asked_from, asked_to = date.fromisoformat(span[1]), date.fromisoformat(span[2])
        first, last = max(asked_from, date(2025, 12, 1)), min(asked_to, date(2026, 1, 31))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        papers = [(LONG_AGO, 1)] if asked_from <= LONG_AGO <= asked_to else []
        papers += [(day, day.day * 100 + n) for day in days for n in range(self.per_day)]
        start, rows = int(asked.query["start"]), int(asked.query["max_results"])
        chosen = [entry(number, day) for day, number in papers[start : start + rows]]
        return Reply(feed(chosen, len(papers)), content_type=ATOM)


def source(url: str, **query: object) -> ArxivSource:
    """A source of four days in windows of two, five entries a page, that does not wait."""
    session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
    settings: dict[str, object] = {
        "since": JAN,
        "until": JAN + timedelta(days=3),
        "page_size": 5,
        "window_days": 2,
        "page_wait_s": 0.0,
    }
    return ArxivSource(session, ArxivQuery(("astro-ph.EP", "astro-ph.GA"), **(settings | query)), base_url=url)  # type: ignore[arg-type]


def keys(harvester: ArxivSource, cursor: dict[str, object] | None = None) -> list[str]:
    """Every key a harvest gives, in order."""
    return [record.key for page in harvester.pages(cursor or {}) for record in harvester.parse(page).records]


def test_all_papers_of_all_windows_come_once() -> None:
    """Windows and pages together give every paper exactly once, oldest first."""
    with serving(Archive(4)) as server:
        harvester = source(server.url)
        found = keys(harvester)
        assert isinstance(harvester, Source)
    assert found == [f"2601.{day * 100 + n:05d}" for day in (1, 2, 3, 4) for n in range(4)]
    query = server.asked[0].query
    assert query["search_query"].startswith("(cat:astro-ph.EP OR cat:astro-ph.GA) AND submittedDate:")
    assert (query["sortBy"], query["sortOrder"], len(server.asked)) == ("submittedDate", "ascending", 4)


def test_pages_say_what_they_cover_and_where_to_go_on() -> None:
    """Each page names its window and counts, and the last sends the next run back by the overlap."""
    with serving(Archive(4)) as server:
        first, *_, last = source(server.url, overlap_days=2).pages({})
    assert (first.window, first.promised, first.expected) == (("2026-01-01", "2026-01-02"), 8, 5)
    assert not first.is_last
    assert last.is_last
    assert last.next_cursor == {"day": "2026-01-03"}
    assert last.expected == 3


def test_harvest_goes_on_from_every_cursor() -> None:
    """Whichever page was the last one stored, the rest follows and nothing twice."""
    with serving(Archive(4)) as server:
        harvester = source(server.url)
        whole = keys(harvester)
        pages = list(harvester.pages({}))
        for number, page in enumerate(pages[:-1], start=1):
            stored = [record.key for kept in pages[:number] for record in harvester.parse(kept).records]
            assert stored + keys(harvester, dict(page.next_cursor)) == whole


def test_windows_that_promise_too_much_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query above the service's limit is split by itself, and nothing is lost."""
    monkeypatch.setattr(arxiv, "MAX_WINDOW", 10)
    with serving(Archive(4)) as server:
        found = keys(source(server.url, window_days=4))
    assert len(found) == len(set(found)) == 16


def test_single_day_that_promises_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be split is told, not cut off."""
    monkeypatch.setattr(arxiv, "MAX_WINDOW", 3)
    with serving(Archive(4)) as server, pytest.raises(PageRefused, match="one day promises 4 entries"):
        keys(source(server.url))


HTML = Reply(b"<html><body>Rate exceeded.</body></html>", content_type="text/html")


@pytest.mark.parametrize(
    "fault",
    [
        HTML,
        Reply(feed([], 8), content_type=ATOM),
        Reply(feed([entry(100, JAN)], 8), content_type=ATOM),
        Reply(feed([entry(100, JAN)], 8)[:-30], content_type=ATOM),
        Reply(b"Rate exceeded.", content_type=ATOM),
        Reply(feed([], None), content_type=ATOM),
        Reply(b"", content_type=ATOM),
    ],
    ids=["html", "empty", "short", "truncated", "words", "no total", "nothing"],
)
def test_bad_pages_are_asked_for_again(fault: Reply) -> None:
    """A page that is no whole feed, or holds less than promised, is asked for again."""
    with serving(Archive(4, lambda _, count: fault if count in (2, 3) else None)) as server:
        assert len(keys(source(server.url))) == 16


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (HTML, r"text/html, not XML \(\"Rate exceeded.\"\)"),
        (Reply(feed([], 8), content_type=ATOM), "holds 0 entries where 3 are promised"),
        (Reply(b"no", status=400), "status 400"),
    ],
)
def test_pages_that_stay_bad_are_refused_by_name(fault: Reply, reason: str) -> None:
    """After the last attempt the error names the page; the pages before it were given."""
    with serving(Archive(4, lambda asked, _: fault if asked.query["start"] == "5" else None)) as server:
        pages = source(server.url).pages({})
        assert next(pages).next_cursor["start"] == 5
        with pytest.raises(PageRefused, match=f"2026-01-01 to 2026-01-02, entries from 5: .*{reason}"):
            next(pages)


def test_page_that_stays_short_is_given_and_its_hole_reported() -> None:
    """What came is kept, and what is missing is a refusal that people see."""
    short = Reply(feed([entry(100, JAN)], 8), content_type=ATOM)
    with serving(Archive(4, lambda asked, _: short if asked.query["start"] == "5" else None)) as server:
        harvester = source(server.url, until=JAN + timedelta(days=1))
        _, page = harvester.pages({})
        parsed = harvester.parse(page)
    assert len(parsed.records) == 1
    assert [refusal.reason for refusal in parsed.refusals] == ["2 of 3 promised entries are missing"]


def test_window_begins_anew_when_its_total_changes() -> None:
    """Papers move between pages when the total changes; the window is read again so that none falls between."""
    archive = Archive(4)

    def grow(asked: Asked, count: int) -> None:
        if count == 2:
            archive.per_day = 5

    archive.fault = grow
    with serving(archive) as server:
        found = keys(source(server.url, until=JAN + timedelta(days=1)))
    assert sorted(set(found)) == [f"2601.{day * 100 + n:05d}" for day in (1, 2) for n in range(5)]


def test_a_window_that_never_holds_still_ends_in_an_error_and_begins_anew_next_time() -> None:
    """A total that changes at every look could hide a paper: what came is kept, and the next run reads all again."""
    archive = Archive(4)

    def grow(asked: Asked, count: int) -> None:
        archive.per_day += count % 2 == 0

    archive.fault = grow
    with serving(archive) as server:
        harvester = source(server.url, until=JAN + timedelta(days=1))
        given: list[Page] = []
        with pytest.raises(PageRefused, match=r"2026-01-01 to 2026-01-02, entries from 5: .* changes while it is read"):
            for page in harvester.pages({}):
                given.append(page)  # noqa: PERF402 - what came before the error counts
        archive.fault = None
        assert given[-1].next_cursor == {
            "first": "2026-01-01",
            "last": "2026-01-02",
            "start": 0,
            "promised": None,
            "restarts": 0,
            "doubts": 0,
        }
        found = keys(harvester, dict(given[-1].next_cursor))
    assert sorted(set(found)) == [f"2601.{day * 100 + n:05d}" for day in (1, 2) for n in range(archive.per_day)]


def displaced(times: int) -> Callable[[Asked, int], Reply | None]:
    """An archive whose second page holds entries of the first in place of its own, ``times`` times."""
    left = [times]

    def fault(asked: Asked, count: int) -> Reply | None:
        if asked.query["start"] != "5" or "[20260101" not in asked.query["search_query"] or not left[0]:
            return None
        left[0] -= 1
        return Reply(
            feed([entry(100, JAN), entry(101, JAN), entry(203, JAN + timedelta(days=1))], 8), content_type=ATOM
        )

    return fault


def test_entries_that_moved_between_pages_are_found_again() -> None:
    """Ties in the order can change from page to page: an entry that came twice means that another did not come."""
    with serving(Archive(4, displaced(1))) as server:
        found = keys(source(server.url, until=JAN + timedelta(days=1)))
    assert sorted(set(found)) == [f"2601.{day * 100 + n:05d}" for day in (1, 2) for n in range(4)]


def test_entries_that_never_come_end_a_run_and_are_then_reported() -> None:
    """Read three times in vain, the window is left to the next run; there the hole is told, and the rest is read."""
    with serving(Archive(4, displaced(99))) as server:
        harvester = source(server.url)
        given: list[Page] = []
        with pytest.raises(PageRefused, match=r"entries from 5: .*2 of 8 entries never came, others twice"):
            for page in harvester.pages({}):
                given.append(page)  # noqa: PERF402 - what came before the error counts
        parsed = [harvester.parse(page) for page in harvester.pages(given[-1].next_cursor)]
    assert len(given) == 6
    assert [r.reason for page in parsed for r in page.refusals] == ["2 of 5 promised entries are missing"]
    assert {record.key for page in parsed for record in page.records} >= {f"2601.{n:05d}" for n in (300, 403)}


def test_a_total_that_is_told_too_small_hides_nothing() -> None:
    """A window that seems to end with a full page is looked behind."""
    short = Reply(
        feed([entry(100 + n, JAN) for n in range(4)] + [entry(200, JAN + timedelta(days=1))], 5), content_type=ATOM
    )
    with serving(Archive(4, lambda _, count: short if count == 1 else None)) as server:
        assert len(set(keys(source(server.url)))) == 16


def test_a_window_without_papers_is_asked_for_twice() -> None:
    """ "Nothing at all" is believed when it is said twice and the counts before and after agree."""
    nothing = Reply(feed([], 0), content_type=ATOM)
    with serving(Archive(4, lambda _, count: nothing if count == 1 else None)) as server:
        assert len(keys(source(server.url))) == 16
    with serving(Archive(0)) as server:
        assert keys(source(server.url)) == []
    assert [asked.query["max_results"] for asked in server.asked] == ["5", "5", "1", "1"] * 2


@pytest.mark.parametrize("status", [200, 400])
def test_error_feed_is_no_paper(status: int) -> None:
    """arXiv's error entry is told in its own words, whatever the status."""
    body = feed(
        ["<entry><id>http://arxiv.org/api/errors#x</id><title>Error</title><summary>bad query</summary></entry>"], 1
    )
    with (
        serving(lambda _: Reply(body, status=status, content_type=ATOM)) as server,
        pytest.raises(PageRefused, match="arXiv refuses the query: bad query"),
    ):
        list(source(server.url).pages({}))


def page(*entries: str) -> Page:
    """A page as it would lie in the store."""
    return Page("arxiv", "page 1", feed(list(entries), len(entries)), ATOM, {}, True)


def test_record_holds_what_the_entry_says() -> None:
    """Title and abstract on one line, identifiers without version, dates, categories, further facts."""
    more = {"comment": "12 pages", "doi": "10.1000/a 10.1000/b", "journal_ref": "Fict. J. 1, 2"}
    (record,) = source("http://x").parse(page(entry(7, JAN, **more))).records
    assert (record.key, record.arxiv_id, record.arxiv_version) == ("2601.00007", "2601.00007", 2)
    assert record.title == "Rings of planet 7 < 3"
    assert record.abstract == "Gaps & rings."
    assert record.authors == (HarvestedAuthor("Aino Example"), HarvestedAuthor("Bo Beispiel"))
    assert (record.submitted_on, record.updated_on, record.year, record.kind) == (JAN, JAN, 2026, "eprint")
    assert record.categories == ("astro-ph.EP", "astro-ph.SR")
    assert (record.doi, record.comment, record.is_withdrawn) == ("10.1000/a", "12 pages", False)
    assert record.extra == {
        "journal_ref": "Fict. J. 1, 2",
        "primary_category": "astro-ph.EP",
        "further_dois": "10.1000/b",
    }


@pytest.mark.parametrize(
    ("comment", "withdrawn"),
    [
        ("This paper has been withdrawn by the author", True),
        ("Withdrawn due to an error in eq. 3", True),
        ("12 pages; replaces an earlier, withdrawn version", False),
    ],
)
def test_withdrawn_papers_are_marked(comment: str, withdrawn: bool) -> None:
    """Only a paper that says so of itself is withdrawn."""
    (record,) = source("http://x").parse(page(entry(7, JAN, comment=comment))).records
    assert record.is_withdrawn is withdrawn


def test_unreadable_entry_is_refused_and_its_neighbours_read() -> None:
    """One bad entry costs itself."""
    bad = entry(8, JAN).replace("/abs/2601.00008v2", "/abs/nonsense")
    undated = entry(9, JAN).replace("2026-01-01T09", "yesterday")
    parsed = source("http://x").parse(page(entry(7, JAN), bad, undated, entry(10, JAN)))
    assert [record.key for record in parsed.records] == ["2601.00007", "2601.00010"]
    assert [refusal.place for refusal in parsed.refusals] == ["page 1 entry 2", "page 1 entry 3"]


def test_old_identifiers_are_read() -> None:
    """Identifiers from before 2007 keep their archive."""
    old = entry(7, JAN).replace("/abs/2601.00007v2", "/abs/astro-ph/0601001v1")
    (record,) = source("http://x").parse(page(old)).records
    assert (record.key, record.arxiv_version) == ("astro-ph/0601001", 1)


def test_news_in_the_entries_is_reported() -> None:
    """A field nobody reads is named, so that it is not lost unseen."""
    assert source("http://x").parse(page(entry(7, JAN, reviewed="yes"))).unread_fields == ("arxiv_reviewed",)


BOMB = b'<!DOCTYPE feed [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + feed([], 0)[38:].replace(
    b"Query", b"&b;"
)
BAD_NAME = feed([], 0).replace(b"UTF-8", b"U\xff-8")


@pytest.mark.parametrize("body", [b"", b" ", b"http://127.0.0.1:9/feed", b"<feed/>", BOMB, BAD_NAME])
def test_stored_page_that_is_no_feed_is_refused(body: bytes) -> None:
    """Whatever lies in the store, parsing asks nobody and refuses what is no feed."""
    with pytest.raises(PageRefused, match="page 1"):
        source("http://x").parse(Page("arxiv", "page 1", body, ATOM, {}, True))


def test_unreadable_cursor_stops_the_source() -> None:
    """A broken place in the store is told, not guessed around."""
    with pytest.raises(SourceStopped, match="clear it to begin anew"):
        list(source("http://x").pages({"first": "soon", "last": "later"}))


def eprints(url: str) -> EprintService:
    """An e-print service that does not wait."""
    return EprintService(PoliteSession("arxiv", LocalPace({}), contact="a@example.org", limits=QUICK), base_url=url)


def test_eprint_is_fetched_by_identifier_and_version() -> None:
    """The bytes come as arXiv gave them, at the version asked for."""
    reply = Reply(b"\x1f\x8bsource", content_type="application/gzip")
    with serving(lambda _: reply) as server:
        assert eprints(server.url).fetch("2601.00007", 2) == (b"\x1f\x8bsource", "application/gzip")
        eprints(server.url).fetch("astro-ph/0601001")
    assert [asked.path for asked in server.asked] == ["/e-print/2601.00007v2", "/e-print/astro-ph/0601001"]


WITHDRAWN = Reply(b"<html>This paper has been withdrawn</html>", content_type="text/html")


@pytest.mark.parametrize(
    ("reply", "reason"), [(Reply(status=404), "no source"), (WITHDRAWN, "a page came"), (Reply(b""), "is empty")]
)
def test_missing_eprint_refuses_this_paper_only(reply: Reply, reason: str) -> None:
    """A paper without source is named; the next can be asked for."""
    with serving(lambda _: reply) as server, pytest.raises(RecordRefused, match=rf"2601\.00007.*{reason}"):
        eprints(server.url).fetch("2601.00007")


@pytest.mark.parametrize(("reply", "reason"), [(Reply(status=403), "status 403"), (HTML, "asked too often")])
def test_being_shut_out_stops_the_source_and_blames_no_paper(reply: Reply, reason: str) -> None:
    """A refusal of us is not a refusal of the paper, which can be fetched another day; nobody asks twice after a 403."""
    with serving(lambda _: reply) as server:
        with pytest.raises(SourceStopped, match=reason):
            eprints(server.url).fetch("2601.00007")
        if reply.status == 403:
            with pytest.raises(SourceStopped, match=reason):
                list(source(server.url).pages({}))
            assert len(server.asked) == 2


@pytest.mark.parametrize("name", ["../admin", "x/abs/2601.00007", "2601.00007?x", "2601.00007\n"])
def test_eprint_names_cannot_leave_the_service(name: str) -> None:
    """What is no arXiv identifier is never put into an address."""
    with pytest.raises(RecordRefused, match="no arXiv identifier"):
        eprints("http://127.0.0.1:9").fetch(name)
