"""What reading arXiv's announcements of a day promises, against a small server that serves such a feed."""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

import pytest

from harvesters.arxiv_rss import MAX_ITEMS, RssQuery, RssSource
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.harvesters.servers import QUICK, Reply, serving

RSS = "application/rss+xml"
FRIDAY = "Fri, 20 Nov 2026 00:00:00 -0500"


def item(number: int, kind: str = "new", version: int = 1, **more: str) -> str:
    """One announcement of a fictional paper, as arXiv writes it."""
    name = f"2611.{number:05d}"
    inner = "".join(
        f"<{tag.replace('_', ':', 1)}>{escape(text)}</{tag.replace('_', ':', 1)}>" for tag, text in more.items()
    )
    creator = "" if "dc_creator" in more else "<dc:creator>Aino Example, Bo Beispiel</dc:creator>"
    return (
        f"<item><title>Rings\n of planet {number} &lt; 3</title><link>https://arxiv.org/abs/{name}</link>"
        f"<description>arXiv:{name}v{version} Announce Type: {kind} \nAbstract: Gaps &amp; rings\n at $a&lt;b$.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{name}v{version}</guid>'
        f"<category>astro-ph.EP</category><category>astro-ph.SR</category><pubDate>{FRIDAY}</pubDate>"
        f"<arxiv:announce_type>{kind}</arxiv:announce_type><dc:rights>http://example.org/licence</dc:rights>{inner}"
        f"{creator}</item>"
    )


def feed(*items: str, title: str = "astro-ph updates on arXiv.org", day: str | None = FRIDAY) -> bytes:
    """A whole feed."""
    published = "" if day is None else f"<pubDate>{day}</pubDate>"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
        f"<channel><title>{title}</title><link>http://rss.arxiv.org/rss/astro-ph</link><description>some words"
        f"</description>{published}<skipDays><day>Sunday</day></skipDays>{''.join(items)}</channel></rss>"
    ).encode()


def source(url: str, *archives: str) -> RssSource:
    """A source that does not wait."""
    session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
    return RssSource(session, RssQuery(archives or ("astro-ph",), page_wait_s=0.0), base_url=f"{url}/rss/")


def parse(body: bytes) -> ParsedPage:
    """What a stored feed gives; nobody is asked."""
    return source("http://127.0.0.1:9").parse(Page("arxiv-rss", "page 1", body, RSS, {}, True))


def test_todays_announcements_are_one_page_of_one_day() -> None:
    """One request; the place kept, and the days covered, are the day the feed says it is of."""
    with serving(lambda _: Reply(feed(item(1), item(2, "replace", 3)), content_type=RSS)) as server:
        harvester = source(server.url, "astro-ph", "gr-qc")
        assert isinstance(harvester, Source)
        (page,) = harvester.pages({"announced": "2026-11-19"})
        assert [(r.key, r.arxiv_version) for r in harvester.parse(page).records] == [
            ("2611.00001", 1),
            ("2611.00002", 3),
        ]
        (again,) = harvester.pages(page.next_cursor)
    assert again == page
    assert (page.next_cursor, page.is_last) == ({"announced": "2026-11-20"}, True)
    assert (page.window, page.place) == (
        ("2026-11-20", "2026-11-20"),
        "arXiv RSS astro-ph+gr-qc announced on 2026-11-20",
    )
    assert [asked.path for asked in server.asked] == ["/rss/astro-ph+gr-qc"] * 2


def test_record_holds_what_the_item_says_and_no_day_of_submission() -> None:
    """Title and abstract on one line, people, identifiers, version, kind and day of announcement."""
    more = {
        "dc_creator": "R. \\'Avila (Uni A, Town), Bo Beispiel",
        "arxiv_DOI": "10.1000/a 10.1000/b",
        "arxiv_journal_reference": "Fict. J. 1, 2",
    }
    parsed = parse(feed(item(7, "replace-cross", 2, **more)))
    assert parsed.unread_fields == ()
    assert parsed.records == (
        HarvestedRecord(
            source="arxiv-rss",
            key="2611.00007",
            title="Rings of planet 7 < 3",
            abstract="Gaps & rings at $a<b$.",
            authors=(HarvestedAuthor("R. Ávila"), HarvestedAuthor("Bo Beispiel")),
            doi="10.1000/a",
            arxiv_id="2611.00007",
            arxiv_version=2,
            kind="eprint",
            categories=("astro-ph.EP", "astro-ph.SR"),
            extra={
                "announce_type": "replace-cross",
                "announced_on": "2026-11-20",
                "journal_ref": "Fict. J. 1, 2",
                "further_dois": "10.1000/b",
            },
        ),
    )


def test_weekends_and_holidays_have_an_empty_feed() -> None:
    """Nothing announced is no error, and the day counts as asked for."""
    with serving(lambda _: Reply(feed(day="Sun, 22 Nov 2026 00:00:00 -0500"), content_type=RSS)) as server:
        harvester = source(server.url)
        (page,) = harvester.pages({})
        assert harvester.parse(page) == ParsedPage()
    assert page.next_cursor == {"announced": "2026-11-22"}


OTHERS = [
    (Reply(b"<html>Rate exceeded.</html>", content_type="text/html"), r'text/html, not XML \("Rate exceeded."\)'),
    (Reply(feed(item(1))[:-30], content_type=RSS), "broken or cut off"),
    (Reply(feed(title="News of astronomy"), content_type=RSS), 'no feed of arXiv.*"News of astronomy"'),
    (Reply(feed(day=None), content_type=RSS), "does not say of which day"),
    (Reply(feed(day="yesterday"), content_type=RSS), "does not say of which day"),
    (Reply(feed(day="Fri, 31 Dec 9999 23:59:59 -0500"), content_type=RSS), "does not say of which day"),
    (Reply(feed(day="Fri, 20 Nov 0000 00:00:00 -0500"), content_type=RSS), "does not say of which day"),
    (Reply(b'<!DOCTYPE rss [<!ENTITY a "b">]>' + feed()[38:], content_type=RSS), "declares a document type"),
    (Reply(b'<feed xmlns="http://www.w3.org/2005/Atom"/>', content_type=RSS), "no feed of arXiv"),
    (
        Reply(feed(title="Feed error for query: x"), status=400, content_type=RSS),
        "status 400: arXiv refuses.* some words",
    ),
    (Reply(feed(), status=404, content_type=RSS), ": status 404"),
    (Reply(b"", content_type=RSS), "broken or cut off"),
]


@pytest.mark.parametrize(("reply", "reason"), OTHERS)
def test_what_is_no_feed_is_asked_for_again_and_then_refused(reply: Reply, reason: str) -> None:
    """HTML, cut-off XML, errors and feeds of others cost a retry; if they stay, the error names the feed."""

    replies = [reply, reply, Reply(feed(item(1)), content_type=RSS)]
    with serving(lambda _: replies.pop(0)) as server:
        harvester = source(server.url)
        assert [len(harvester.parse(page).records) for page in harvester.pages({})] == [1]
    with serving(lambda _: reply) as server, pytest.raises(PageRefused, match=f"arXiv RSS astro-ph.*{reason}"):
        list(source(server.url).pages({}))
    assert len(server.asked) == 3


def test_a_feed_of_a_day_to_come_is_refused() -> None:
    """A feed cannot announce what comes the day after tomorrow; tomorrow is another time zone."""
    session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
    with serving(lambda _: Reply(feed(item(1)), content_type=RSS)) as server:
        for today, is_read in ((date(2026, 11, 19), True), (date(2026, 11, 18), False)):
            query = RssQuery(today=today, page_wait_s=0.0)
            pages = RssSource(session, query, base_url=server.url).pages({})
            if is_read:
                assert len(list(pages)) == 1
                continue
            with pytest.raises(PageRefused, match="the feed is of 2026-11-20, and here it is 2026-11-18"):
                list(pages)


def test_being_shut_out_stops_the_source_at_once() -> None:
    """After a 403 nobody asks again."""
    with serving(lambda _: Reply(status=403)) as server, pytest.raises(SourceStopped, match="status 403"):
        list(source(server.url).pages({}))
    assert len(server.asked) == 1


def test_bad_items_cost_themselves() -> None:
    """An item without identifier, title or readable date is named; its neighbours are read."""
    foreign = item(2).replace("oai:arXiv.org:2611.00002v1", "https://example.org/2")
    untitled = item(3).replace("<title>Rings\n of planet 3 &lt; 3</title>", "")
    undated = item(4).replace(FRIDAY, "some day")
    endless = item(5).replace(FRIDAY, "Fri, 31 Dec 9999 23:59:59 -0500")
    parsed = parse(feed(item(1), foreign, untitled, undated, endless, item(6)))
    assert [record.key for record in parsed.records] == ["2611.00001", "2611.00006"]
    assert [refusal.place for refusal in parsed.refusals] == [f"page 1 item {n}" for n in (2, 3, 4, 5)]


def test_news_is_named_and_costs_nothing() -> None:
    """A new field, a new kind of announcement or another form of the description is reported; the paper is kept."""
    other = item(2, "revived").replace("Announce Type: revived \nAbstract: ", "")
    parsed = parse(feed(item(1, arxiv_mood="good"), other))
    assert parsed.unread_fields == ("announce_type 'revived'", "arxiv_mood", "description in another form")
    assert [(record.key, record.abstract) for record in parsed.records][1:] == [("2611.00002", None)]


def test_a_full_feed_says_that_there_may_be_more() -> None:
    """At the limit of 2,000 items nothing is silent about those that found no room."""
    whole = parse(feed(*(item(number) for number in range(MAX_ITEMS))))
    assert [refusal.reason for refusal in whole.refusals] == [
        "holds 2000 items, as many as a feed can; OAI-PMH has the rest"
    ]
    assert len(whole.records) == MAX_ITEMS


def test_a_control_character_costs_itself() -> None:
    """One invisible character in an abstract does not cost the day."""
    (record,) = parse(feed(item(1)).replace(b"Gaps", b"Ga\x0bps")).records
    assert record.abstract == "Gaps & rings at $a<b$."


def test_withdrawn_papers_are_marked() -> None:
    """A replacement that says so of itself is a withdrawal."""
    (record,) = parse(feed(item(1, "replace", 2).replace("Gaps", "This paper has been withdrawn. Gaps"))).records
    assert record.is_withdrawn


@pytest.mark.parametrize("archives", [(), ("../admin",), ("astro-ph?x",), ("",)])
def test_archives_cannot_leave_the_service(archives: tuple[str, ...]) -> None:
    """What is no name of an archive is never put into an address."""
    with pytest.raises(ValueError, match="archives or categories"):
        RssQuery(archives)
