"""Single preprints by number: what is asked, what is believed, what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harvesters.arxiv_numbers import MOST, ArxivNumbers
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page
from tests.harvesters.servers import QUICK, Asked, Reply, serving
from tests.harvesters.test_arxiv import ATOM, JAN, entry, feed


def _pages(replies: Sequence[Reply], numbers: Sequence[str]) -> tuple[list[Page], list[Asked], ArxivNumbers]:
    """Ask for numbers of a server that gives these replies in turn, the last one for ever."""
    left = list(replies)
    with serving(lambda _: left.pop(0) if len(left) > 1 else left[0]) as server:
        session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
        source = ArxivNumbers(session, numbers, base_url=server.url)
        return list(source.pages({})), list(server.asked), source


def _reply(numbers: Sequence[int], total: int | None) -> Reply:
    return Reply(feed([entry(number, JAN) for number in numbers], total), content_type=ATOM)


def test_an_answer_gives_the_records_asked_for() -> None:
    """One request for several numbers, each once; the page can be read again without asking."""
    pages, asked, source = _pages([_reply([1, 2], 2)], ["2601.00001", "2601.00002", "2601.00001"])
    assert len(asked) == len(pages) == 1
    assert asked[0].query == {"id_list": "2601.00001,2601.00002", "max_results": "2"}
    parsed = source.parse(pages[0])
    assert len(parsed.records) == 2
    assert parsed.refusals == ()


def test_nothing_found_is_asked_for_once_more() -> None:
    """One bad minute of the index is not taken for "there is no such paper"; the second answer is."""
    pages, asked, source = _pages([_reply([], 0), _reply([1], 1)], ["2601.00001"])
    assert (len(asked), len(source.parse(pages[0]).records)) == (2, 1)
    pages, asked, source = _pages([_reply([], 0)], ["2601.00001"])
    assert (len(asked), len(source.parse(pages[0]).records)) == (2, 0)


def test_a_promise_that_is_not_kept_is_a_refusal() -> None:
    """Entries that arXiv counts and does not give are named as missing."""
    pages, _, source = _pages([_reply([1], 3)], ["2601.00001"])
    assert "2 of 3 promised entries are missing" in source.parse(pages[0]).refusals[0].reason


def test_many_numbers_are_several_pages() -> None:
    """An address stays short enough for a server to take."""
    numbers = [f"2601.{number:05}" for number in range(1, MOST + 2)]
    pages, asked, _ = _pages([_reply([1], 1)], numbers)
    assert [page.is_last for page in pages] == [False, True]
    assert max(len(one.query["id_list"]) for one in asked) < 2_000


def test_what_is_no_answer_is_refused() -> None:
    """HTML, other statuses and a locked door are errors with a sentence, never "no such paper"."""
    with pytest.raises(PageRefused):
        _pages([Reply(b"<html>Rate exceeded.</html>", content_type="text/html")], ["2601.00001"])
    with pytest.raises(PageRefused, match="status 400"):
        _pages([Reply(b"", status=400)], ["2601.00001"])
    with pytest.raises(SourceStopped, match="refuses to answer us"):
        _pages([Reply(b"", status=403)], ["2601.00001"])
    with pytest.raises(ValueError, match="no arXiv number"):
        _pages([_reply([1], 1)], ["2601.00001 OR all:x"])
