"""When a list of arXiv's OAI-PMH is not to be believed: nothing where much was, tokens that lead nowhere or in a circle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from harvesters.arxiv_oai import LONGEST_TOKEN, OaiQuery, OaiSource
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from tests.harvesters.servers import QUICK, Asked, Reply, serving
from tests.harvesters.test_arxiv_oai import ALL, answer, archive, error, keys, page_of, source

MONDAY = date(2026, 1, 12)


def headers(count: int) -> Reply:
    """A page of headers, as ListIdentifiers gives it."""
    header = "<header><identifier>oai:arXiv.org:2601.{:05d}</identifier><datestamp>2025-12-09</datestamp></header>"
    return answer(f"<ListIdentifiers>{''.join(map(header.format, range(count)))}</ListIdentifiers>", str(MONDAY))


class Quiet:
    """A service without a change since any day; ``before`` of its papers changed in any span that ends, ``ever`` in all."""

    def __init__(self, before: int, ever: int) -> None:
        self.before, self.ever = before, ever
        self.asked: list[tuple[str, str | None, str | None]] = []

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        verb, first, until = asked.query["verb"], asked.query.get("from"), asked.query.get("until")
        self.asked.append((verb, first, until))
        count = 0 if verb == "ListRecords" else self.before if until else self.ever
        nothing = answer('<error code="noRecordsMatch"/>', str(MONDAY))
        return headers(count) if count else nothing


def harvest(quiet: Quiet, days: int) -> dict[str, object]:
    """The place after a run that asks for the changes of the last ``days`` days."""
    with serving(quiet) as server:
        (page,) = source(server.url).pages({"from": (MONDAY - timedelta(days=days)).isoformat()})
    return dict(page.next_cursor)


@pytest.mark.parametrize(("days", "times"), [(0, 1), (3, 1), (4, 1), (5, 2), (6, 2)])
def test_nothing_in_three_working_days_is_asked_for_twice(days: int, times: int) -> None:
    """On a Monday the changes since Friday may be none; those since Wednesday are asked for again."""
    quiet = Quiet(before=900, ever=900)
    assert harvest(quiet, days) == {"from": "2026-01-12"}
    assert [verb for verb, _, _ in quiet.asked] == ["ListRecords"] * times


@pytest.mark.parametrize(("before", "ever", "asked"), [(19, 0, 1), (1, 900, 1), (0, 900, 2)])
def test_nothing_in_a_week_is_believed_of_a_quiet_set(before: int, ever: int, asked: int) -> None:
    """A set that changes little, as its days before show, may be silent for a week; so may one that was silent before."""
    quiet = Quiet(before, ever)
    assert harvest(quiet, 7) == {"from": "2026-01-12"}
    spans = [("ListIdentifiers", "2025-12-29", "2026-01-04"), ("ListIdentifiers", None, None)]
    assert quiet.asked[2:] == spans[:asked]


@pytest.mark.parametrize(
    ("before", "ever", "reason"),
    [
        (20, 900, "20 or more papers changed in the 7 days before"),
        (0, 0, "names no paper of physics:astro-ph ever.*misspelt"),
    ],
)
def test_nothing_in_a_week_is_not_believed_of_a_busy_set(before: int, ever: int, reason: str) -> None:
    """The place does not move where the set was busy a week ago, or where the service finds nothing whatever is asked."""
    quiet = Quiet(before, ever)
    with pytest.raises(PageRefused, match=f"since 2026-01-05, page 1: .*nothing.*{reason}"):
        harvest(quiet, 7)


def test_a_passing_silence_costs_one_request() -> None:
    """What is nothing once and a list the next time is a list."""
    with serving(archive(lambda _, count: error("noRecordsMatch") if count == 1 else None)) as server:
        assert keys(source(server.url)) == ALL


STORED: dict[str, object] = {"from": "2026-01-05", "until": "2026-01-09", "token": "3"}


def test_a_token_of_an_earlier_day_is_not_tried() -> None:
    """Tokens end with their day (UTC): where the service did not say when, the next day begins the list anew."""
    with serving(archive()) as server:
        assert keys(source(server.url, date(2026, 1, 10)), STORED) == ALL
        assert keys(source(server.url, date(2026, 1, 9)), STORED) == ALL[3:]
    assert "resumptionToken" not in server.asked[0].query


BAD_ANSWERS = [
    Reply(b"<html>Bad request</html>", content_type="text/html"),
    Reply(b"<html>Bad request</html>", status=400, content_type="text/html"),
    Reply(b"gone", status=410),
    error("badArgument", "unknown token"),
]


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=["html", "400", "410", "another error"])
def test_a_token_answered_by_no_page_begins_the_list_anew(bad: Reply) -> None:
    """A stored token that the service no longer knows costs the list once more, and no run for ever."""
    with serving(archive(lambda asked, _: bad if asked.query.get("resumptionToken") == "old" else None)) as server:
        assert keys(source(server.url), STORED | {"token": "old"}) == ALL


def refusing_tokens(bad: Reply) -> Callable[[Asked], Reply]:
    """A service that answers no token at all."""
    return archive(lambda asked, _: bad if "resumptionToken" in asked.query else None)


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=["html", "400", "410", "another error"])
def test_tokens_that_are_never_answered_end_the_run_and_are_forgotten(bad: Reply) -> None:
    """After one beginning anew the run ends with a reason, and the next run begins at the day, not at a token."""
    cursors: list[dict[str, object]] = []
    with serving(refusing_tokens(bad)) as server:
        with pytest.raises(PageRefused, match=r"page 2: .* again\. What came is stored; the next run begins"):
            for page in source(server.url).pages({}):
                cursors.append(dict(page.next_cursor))  # noqa: PERF401 - what came before the error counts
        assert "token" in cursors[0]
        assert cursors[1:] == [{"from": "2026-01-01"}]


def test_a_token_as_long_as_a_page_is_refused() -> None:
    """It would go into every request and into the store; an honest one has some hundred signs."""
    with (
        serving(lambda _: page_of(0, 3, "t" * (LONGEST_TOKEN + 1))) as server,
        pytest.raises(PageRefused, match=r"page 1: .*token of 4,?097 signs"),
    ):
        keys(source(server.url))
    with serving(archive()) as server:
        assert keys(source(server.url), STORED | {"token": "t" * (LONGEST_TOKEN + 1)}) == ALL


def test_a_list_that_goes_round_with_fresh_tokens_is_left() -> None:
    """Pages that bring only papers met before in the list are given a few times, then the run ends."""
    count = [0]

    def round_and_round(asked: Asked) -> Reply:
        count[0] += 1
        return page_of(3 * (count[0] % 5), 3, f"fresh {count[0]}")

    given = []
    with serving(round_and_round) as server:
        session = PoliteSession("arxiv", LocalPace({}), contact="library@example.org", limits=QUICK)
        query = OaiQuery(date(2026, 1, 1), page_wait_s=0.0)
        with pytest.raises(PageRefused, match="goes round in a circle"):
            for page in OaiSource(session, query, base_url=server.url).pages({}):
                given.append(page)  # noqa: PERF402 - what came before the error counts
    assert 5 <= len(given) <= 10
