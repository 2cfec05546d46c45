"""What arXiv's "nothing" is worth: it is believed when arXiv's other answers agree with it, and never marks days as read
that were not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from harvesters.errors import PageRefused
from harvesters.protocol import Page
from tests.harvesters.servers import Asked, Reply, serving
from tests.harvesters.test_arxiv import ATOM, JAN, entry, feed, keys, source

NOTHING = Reply(feed([], 0), content_type=ATOM)
MONTH = 28


def span(asked: Asked) -> tuple[date, date]:
    """The days a query asks for."""
    found = re.search(r"submittedDate:\[(\d{8})0000 TO (\d{8})2359\]", asked.query["search_query"])
    assert found is not None
    return date.fromisoformat(found[1]), date.fromisoformat(found[2])


class Days:
    """A fictional arXiv with one paper on each of ``days``; queries that ``is_silent`` picks are told of none."""

    def __init__(self, *days: date, is_silent: Callable[[Asked], bool] = lambda _: False) -> None:
        self.days = days
        self.is_silent = is_silent

    def __call__(self, asked: Asked) -> Reply:
        """Answer one query."""
        first, last = span(asked)
        papers = [entry(number, day) for number, day in enumerate(self.days) if first <= day <= last]
        start = int(asked.query["start"])
        if self.is_silent(asked):
            return NOTHING
        return Reply(feed(papers[start : start + int(asked.query["max_results"])], len(papers)), content_type=ATOM)


def windows(url: str, **query: object) -> list[tuple[str, str] | None]:
    """The spans that a harvest of three windows of four weeks marks as read."""
    settings = {"until": JAN + timedelta(days=3 * MONTH - 1), "window_days": MONTH}
    return [page.window for page in source(url, **(settings | query)).pages({})]


WHOLE = [("2026-01-01", "2026-01-28"), ("2026-01-29", "2026-02-25"), ("2026-02-26", "2026-03-25")]


@pytest.mark.parametrize("days", [
    pytest.param((date(2026, 1, 5), date(2026, 3, 5)), id="between papers"),
    pytest.param((date(2026, 1, 5),), id="behind the last paper"),
    pytest.param((date(2026, 3, 5),), id="before the first paper"),
    pytest.param((date(2011, 3, 5),), id="long after the last paper"),
    pytest.param((date(2026, 5, 5),), id="the category came later"),
])  # fmt: skip
def test_an_empty_window_of_a_small_category_is_believed(days: tuple[date, ...]) -> None:
    """However long the days without a paper, they are read when arXiv's counts before and after agree."""
    with serving(Days(*days)) as server:
        assert windows(server.url) == WHOLE


def test_nothing_said_of_a_window_that_has_papers_is_no_answer() -> None:
    """The query for one window stays empty: its days are not marked as read, and the error says how many are due."""
    second = date(2026, 1, 29)
    silent = Days(date(2026, 1, 5), second, second, is_silent=lambda asked: span(asked)[0] == second)
    given: list[Page] = []
    with serving(silent) as server:
        pages = source(server.url, until=JAN + timedelta(days=3 * MONTH), window_days=MONTH).pages({})
        with pytest.raises(
            PageRefused, match=r"2026-01-29 to 2026-02-25, entries from 0: .*nothing.* 28 days.* counts 2 more"
        ):
            for page in pages:
                given.append(page)  # noqa: PERF402 - what came before the error counts
        assert [page.window for page in given] == WHOLE[:1]
        silent.is_silent = lambda _: False
        assert windows(server.url, since=second) == WHOLE[1:]


def test_an_index_that_finds_nothing_at_all_is_no_answer() -> None:
    """All questions are answered "nothing", from the first on: not one window is taken for read."""
    with (
        serving(lambda _: NOTHING) as server,
        pytest.raises(PageRefused, match=r"not one paper .*misspelt"),
    ):
        windows(server.url)


def test_an_index_that_goes_out_on_the_way_is_no_answer() -> None:
    """Nothing from some window on, and nothing before it either, where papers came a minute ago."""
    fails = [0]

    def goes_out(asked: Asked) -> bool:
        fails[0] += span(asked)[0] == date(2026, 1, 29)
        return fails[0] > 0 and span(asked)[1] < date(2026, 3, 1)

    with (
        serving(Days(date(2026, 1, 5), date(2026, 2, 5), date(2026, 3, 5), is_silent=goes_out)) as server,
        pytest.raises(PageRefused, match=r"2026-01-29 to 2026-02-25.*papers came of days before"),
    ):
        windows(server.url)


def test_a_passing_silence_costs_requests_only() -> None:
    """Nothing, twice, then the counts that prove it wrong: the third answer is the true one."""
    count = [0]

    def silent(asked: Asked) -> bool:
        count[0] += span(asked)[0] == JAN
        return span(asked)[0] == JAN and count[0] <= 2

    with serving(Days(date(2026, 1, 5), is_silent=silent)) as server:
        assert keys(source(server.url, until=date(2026, 1, 6), window_days=9)) == ["2601.00000"]


def test_a_search_for_words_may_find_nothing() -> None:
    """A clause that no paper fits is no fault of the index, as long as the categories have papers."""

    def fits_nothing(asked: Asked) -> bool:
        return "all:unheard" in asked.query["search_query"]

    with serving(Days(JAN, is_silent=fits_nothing)) as server:
        assert windows(server.url, terms="all:unheard") == WHOLE
