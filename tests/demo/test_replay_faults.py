"""Faults that can be switched: by code, over HTTP and on the command line, each door only those it can have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import feedparser
import pytest
import requests

from demo.large import Size, write
from demo.replay import ReplayServer, main
from demo.replay_faults import DOORS, KINDS, Fault, Timing, door_of

QUERY = {"search_query": "all:field", "max_results": "5", "sortBy": "submittedDate", "sortOrder": "ascending"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayServer]:
    """A server for a small folder, without faults."""
    folder = tmp_path_factory.mktemp("small")
    write(folder, Size(papers=20, projects=5), today=date(2026, 11, 20))
    with ReplayServer(folder, with_faults=False, timing=Timing(silence_s=5, drip_s=0.0001)) as server:
        yield server


def ask(server: ReplayServer, start: int = 0) -> requests.Response:
    """One page of a query."""
    return requests.get(f"{server.url}/arxiv/api/query", params=QUERY | {"start": str(start)}, timeout=2)


def ids(answer: requests.Response) -> list[str]:
    """The identifiers of a page."""
    return [entry.id for entry in feedparser.parse(answer.content).entries]


def test_faults_are_set_and_seen_over_http(served: ReplayServer) -> None:
    """A posted list waits, strikes at its answer as often as told, and is shown; an empty one is peace."""
    address = f"{served.url}/replay/faults"
    fault = {"service": "arxiv_api", "kind": "unavailable_wait", "request": 2, "times": 2}
    told = requests.post(address, data=json.dumps([fault]), timeout=5).json()
    assert told == {"waiting": [{**fault, "struck": 0}], "struck": []}
    answers = [ask(served) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert requests.get(address, timeout=5).json() == {"waiting": [], "struck": ["arxiv_api: unavailable_wait"] * 2}
    assert requests.post(address, data="[]", timeout=5).json() == {"waiting": [], "struck": []}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"service": "eprint", "kind": "expired_token"}, "eprint cannot have the fault 'expired_token'"),
        ({"service": "gopher", "kind": "html"}, "no door 'gopher'"),
        ({"service": "tap", "kind": "html", "request": 0}, "request is a number from 1 on or every"),
        ({"service": "tap", "kind": "html", "times": "often"}, "times is a number from 1 on or always"),
        ({"service": "tap", "kind": "html", "colour": "red"}, "no colour"),
        (["html"], "an object with service and kind"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(served: ReplayServer, fault: object, words: str) -> None:
    """Refused by code and over HTTP alike, and what waited before goes on waiting."""
    served.set_faults([{"service": "tap", "kind": "reset"}])
    with pytest.raises(ValueError, match=words):
        served.set_faults([fault])
    answer = requests.post(f"{served.url}/replay/faults", data=json.dumps([fault]), timeout=5)
    assert (answer.status_code, words in answer.text) == (400, True)
    assert [each["kind"] for each in served.services.faults.told()["waiting"]] == ["reset"]
    served.set_faults([])


def test_a_fault_is_written_in_one_word_on_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """KIND@DOOR, its answer and how often; a wrong one ends the program with its sentence."""
    assert Fault.parse("html@tap").told() == {
        "service": "tap", "kind": "html", "request": 1, "times": 1, "struck": 0
    }  # fmt: skip
    assert (Fault.parse("reset@tap:3:2").request, Fault.parse("reset@tap:3:2").times) == (3, 2)
    assert Fault.parse("reset@tap:every").times is None
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--fault", "expired_token@tap"])
    assert "tap cannot have the fault" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["time_out", "reset", "reset_head", "short_body"])
def test_broken_connections_are_broken(served: ReplayServer, kind: str) -> None:
    """Silence, resets and bodies that end too early reach the client as what they are, and the next answer is whole."""
    served.set_faults([{"service": "arxiv_api", "kind": kind}])
    with pytest.raises(requests.RequestException):
        requests.get(f"{served.url}/arxiv/api/query", params=QUERY, timeout=0.3)
    assert len(ids(ask(served))) == 5


def test_a_wrong_charset_stands_in_the_head_only(served: ReplayServer) -> None:
    """The bytes are UTF-8 as ever; a drip brings them all, in the end."""
    clean = ask(served).content
    kinds = ["wrong_charset", "wrong_charset_16", "drip"]
    served.set_faults([{"service": "arxiv_api", "kind": kind, "request": n} for n, kind in enumerate(kinds, start=1)])
    answers = [ask(served) for _ in kinds]
    assert [answer.headers["Content-Type"].partition("=")[2] for answer in answers] == ["iso-8859-1", "utf-16", "utf-8"]
    assert [answer.content for answer in answers] == [clean] * 3


def test_pages_that_do_not_hold_still(served: ReplayServer) -> None:
    """Duplicate: the page before comes along; reordered: two pages change records and lose none; displaced: some lost."""
    pages = [ids(ask(served, start)) for start in (0, 5, 10)]
    served.set_faults([{"service": "arxiv_api", "kind": "duplicate"}])
    assert [ids(ask(served)), ids(ask(served, 5))] == [pages[0], pages[0][-3:] + pages[1]]
    served.set_faults([{"service": "arxiv_api", "kind": "reordered"}])
    mixed = [ids(ask(served, start)) for start in (0, 5, 10)]
    assert mixed[0] != pages[0]
    assert sorted(mixed[0] + mixed[1]) == sorted(pages[0] + pages[1])
    assert mixed[2] == pages[2]
    served.set_faults([{"service": "arxiv_api", "kind": "displaced"}])
    assert [ids(ask(served)), ids(ask(served, 5))] == [pages[0], pages[0][-3:] + pages[1][3:]]


def test_every_door_has_its_kinds() -> None:
    """All doors stand in the table, and an address belongs to the door it looks like."""
    assert set(KINDS) == set(DOORS)
    assert (door_of("/arxiv/e-print/2601.90001v2"), door_of("/arxiv/apix"), door_of("/replay/day")) == (
        "eprint",
        None,
        None,
    )
