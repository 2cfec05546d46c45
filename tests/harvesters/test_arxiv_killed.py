"""However often a harvest of arXiv is killed, and whatever bytes it meets, it ends as an undisturbed one would.

A kill is a run that stops after some pages: the last of them stored with its cursor, or lost with it. The next run knows
only the stored cursor, as JSON gives it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.arxiv_rss import RssQuery, RssSource
from harvesters.errors import HarvestError, PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, Source
from tests.harvesters import test_arxiv, test_arxiv_oai, test_arxiv_rss
from tests.harvesters.servers import QUICK, Asked, Reply, serving
from tests.harvesters.test_hostile import damaged

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
DAY = date(2026, 1, 1)
KILLS = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=8)
"""For each run that is killed: after how many pages, and whether the last of them was stored."""


@dataclass
class Store:
    """What survives a kill: the records by key, and the cursor as JSON."""

    cursor: str = "{}"
    records: dict[str, object] = field(default_factory=dict)

    def run(self, source: Source, kill: tuple[int, bool] | None = None) -> None:
        """Harvest from the stored cursor on; a killed run ends after some pages, the last perhaps not stored."""
        pages = source.pages(json.loads(self.cursor))
        taken = list(pages if kill is None else islice(pages, kill[0]))
        for page in taken if kill is None or kill[1] else taken[:-1]:
            self.records.update((record.key, record) for record in source.parse(page).records)
            self.cursor = json.dumps(dict(page.next_cursor), allow_nan=False)
            assert json.loads(self.cursor) == page.next_cursor


def session() -> PoliteSession:
    """A session that does not wait."""
    return PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)


@SETTINGS
@given(per_day=st.integers(0, 4), page_size=st.integers(1, 5), window_days=st.integers(1, 4), kills=KILLS)
def test_the_api_is_read_whole_however_often_it_is_killed(
    per_day: int, page_size: int, window_days: int, kills: Sequence[tuple[int, bool]]
) -> None:
    """Windows, pages and kills of any size give every paper, and the same place to go on from."""
    query = ArxivQuery(
        ("astro-ph.EP",), DAY, DAY + timedelta(days=4), page_size, window_days, overlap_days=2, page_wait_s=0.0
    )
    with serving(test_arxiv.Archive(per_day)) as server:
        source = ArxivSource(session(), query, base_url=server.url)
        killed, whole = Store(), Store()
        for kill in kills:
            killed.run(source, kill)
        killed.run(source)
        whole.run(source)
    assert (killed.records, killed.cursor) == (whole.records, whole.cursor)
    assert len(whole.records) == 5 * per_day


@dataclass
class Changes:
    """A service with ``count`` changed papers, ``size`` a page; ``expire`` refuses every token given before."""

    count: int
    size: int
    generation: int = 0

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request; something has changed long ago."""
        if asked.query["verb"] == "ListIdentifiers":
            header = "<header><identifier>oai:arXiv.org:2501.00001</identifier></header>"
            return test_arxiv_oai.answer(f"<ListIdentifiers>{header}</ListIdentifiers>")
        generation, _, start = asked.query.get("resumptionToken", f"{self.generation}.0").partition(".")
        if int(generation) != self.generation:
            return test_arxiv_oai.error("badResumptionToken")
        first = int(start)
        if first >= self.count:
            return test_arxiv_oai.error("noRecordsMatch")
        following = first + self.size
        token = f"{self.generation}.{following}" if following < self.count else None
        return test_arxiv_oai.page_of(first, min(self.size, self.count - first), token)

    def expire(self) -> None:
        """Let a day pass."""
        self.generation += 1


@SETTINGS
@given(
    count=st.integers(0, 12),
    size=st.integers(1, 5),
    kills=st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans())),
)
def test_oai_is_read_whole_however_often_it_is_killed(
    count: int, size: int, kills: Sequence[tuple[int, bool, bool]]
) -> None:
    """Kills, and tokens that expire between the runs, cost requests, never a record or the place."""
    changes = Changes(count, size)
    with serving(changes) as server:
        source = OaiSource(session(), OaiQuery(DAY, today=date(2026, 1, 10), page_wait_s=0.0), base_url=server.url)
        killed, whole = Store(), Store()
        for after, is_stored, expires in kills:
            killed.run(source, (after, is_stored))
            if expires:
                changes.expire()
        killed.run(source)
        whole.run(source)
    assert killed.records == whole.records
    assert json.loads(killed.cursor) == json.loads(whole.cursor) == {"from": "2026-01-10"}
    assert len(whole.records) == count


HONEST: Mapping[str, tuple[Source, bytes]] = {
    "arxiv": (
        ArxivSource(session(), ArxivQuery(("astro-ph.EP",), DAY, DAY)),
        test_arxiv.feed([test_arxiv.entry(7, DAY, comment="12 pages", doi="10.1000/x")], 1),
    ),
    "arxiv-oai": (OaiSource(session(), OaiQuery(DAY)), test_arxiv_oai.page_of(1, 2, "token").body),
    "arxiv-rss": (
        RssSource(session(), RssQuery()),
        test_arxiv_rss.feed(test_arxiv_rss.item(1), test_arxiv_rss.item(2, "replace", 2)),
    ),
}
ODD_WORDS = st.sampled_from(
    ["9" * 5000, "²", "٣", "-1", "v", "\x85", "é", "Î±", "0001-01-01T00:00:00+23:59", "\\'", "$"]
)


@pytest.mark.parametrize("name", sorted(HONEST))
@SETTINGS
@given(data=st.data())
def test_no_bytes_raise_anything_but_a_refusal(name: str, data: st.DataObject) -> None:
    """Damaged pages, other words in any place, and bytes of any kind are read or refused by name."""
    source, body = HONEST[name]
    bodies = st.one_of(st.binary(max_size=200), damaged(body), other_words(body.decode()))
    page = Page(name, "page 1", data.draw(bodies), "", {}, True, expected=2)
    try:
        told = [refusal.place for refusal in source.parse(page).refusals]
    except PageRefused as refused:
        told = [str(refused)]
    assert all(place.startswith("page 1") for place in told)


@st.composite
def other_words(draw: st.DrawFn, body: str) -> bytes:
    """The page with one text or attribute replaced by an odd word: whole XML that says nonsense."""
    places = [n for n in range(len(body)) if body[n] in '">' and n + 1 < len(body)]
    start = draw(st.sampled_from(places)) + 1
    end = min((p for p in (body.find("<", start), body.find('"', start)) if p >= 0), default=start)
    return (body[:start] + draw(ODD_WORDS) + body[end:]).encode()


@pytest.mark.parametrize("name", sorted(HONEST))
@SETTINGS
@given(cursor=st.dictionaries(
    st.sampled_from(["from", "until", "token", "expires", "first", "last", "start", "promised", "restarts", "day", "announced"]),
    st.one_of(st.none(), st.integers(), st.text(max_size=12), st.just("2026-01-01"), st.lists(st.integers(), max_size=2)),
))  # fmt: skip
def test_no_stored_cursor_raises_anything_but_a_sentence(name: str, cursor: dict[str, object]) -> None:
    """Whatever lies in the store as a place, a run begins somewhere or says that it cannot be read."""
    kind = {"arxiv": ArxivSource, "arxiv-oai": OaiSource, "arxiv-rss": RssSource}[name]
    query = {
        "arxiv": ArxivQuery(("astro-ph.EP",), DAY, DAY, page_wait_s=0.0, page_attempts=1),
        "arxiv-oai": OaiQuery(DAY, today=DAY, page_wait_s=0.0, page_attempts=1),
        "arxiv-rss": RssQuery(page_wait_s=0.0, page_attempts=1),
    }[name]
    with serving(lambda _: Reply(HONEST[name][1], content_type="text/xml")) as server:
        source = kind(session(), query, base_url=server.url)
        try:
            told = "".join(page.place for page in islice(source.pages(cursor), 3))
        except HarvestError as refused:
            told = str(refused)
    assert told.startswith("arXiv")
