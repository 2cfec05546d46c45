"""Changing a library of ADS: what is sent, what the answers mean, and what is told of the token (nothing)."""

from __future__ import annotations

import json

import pytest

from harvesters.ads_documents import DOCUMENTS_A_DAY, MAX_BIBCODES, Changed, NotWritable, change_library
from harvesters.errors import HarvestError, PageRefused, SourceStopped
from harvesters.http import PoliteSession, Quota
from harvesters.pace import LocalPace
from tests.harvesters.servers import QUICK, Asked, Reply, serving

JSON = "application/json; charset=utf-8"
LIBRARY = "kZ3fictionalLibrary_01"
TOKEN = "s3cretT0ken"
CODES = ["2100Fict.0001....1E", "2100Fict.0002....1E"]


def polite() -> PoliteSession:
    """A session that does not wait."""
    return PoliteSession("ads", LocalPace({}), contact="library@example.org", limits=QUICK)


def answering(value: object, status: int = 200, content_type: str = JSON) -> Reply:
    """An answer with this JSON."""
    return Reply(json.dumps(value).encode(), status, content_type)


def test_bibcodes_are_sent_as_the_service_takes_them() -> None:
    """One POST of action and bibcodes to the library's documents, with the token; the number is what ADS says."""
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        return answering({"number_added" if b'"add"' in one.body else "number_removed": 2})

    with serving(answer) as server:
        session = polite()
        added = change_library(session, LIBRARY, "add", CODES, token=TOKEN, base_url=f"{server.url}/v1")
        removed = change_library(session, f"{server.url}/user/libraries/{LIBRARY}/", "remove", CODES[:1], token=TOKEN, base_url=f"{server.url}/v1")  # fmt: skip
    assert (added, removed) == (Changed(2), Changed(2))
    assert [(one.method, one.path) for one in asked] == [("POST", f"/v1/biblib/documents/{LIBRARY}")] * 2
    assert json.loads(asked[0].body) == {"bibcode": CODES, "action": "add"}
    assert json.loads(asked[1].body) == {"bibcode": CODES[:1], "action": "remove"}
    assert asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked[0].headers["Content-Type"] == "application/json"
    assert session.quotas["/v1/biblib/documents"].limit == DOCUMENTS_A_DAY


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"number_added": 1, "invalid_bibcodes": CODES[1:]}, 200),
        ({"error": "No specified identifiers were able to be added.", "invalid_identifiers": CODES[1:]}, 400),
    ],
)
def test_bibcodes_that_ads_does_not_know_are_named(value: dict[str, object], status: int) -> None:
    """Whether some or all were refused: which ones is known, and nothing is raised."""
    with serving(lambda _: answering(value, status)) as server:
        done = change_library(polite(), LIBRARY, "add", CODES, token=TOKEN, base_url=server.url)
    assert done.refused == (CODES[1],)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "ADS does not take this id"),
        (403, "the right to write"),
        (404, "there is none under this id"),
        (410, "there is none under this id"),
    ],
)
def test_a_library_that_cannot_be_written_says_why(status: int, words: str) -> None:
    """No right, no library and a wrong id are told apart, with what ADS says of it."""
    service = serving(lambda _: answering({"error": "Its own words"}, status))
    with service as server, pytest.raises(NotWritable, match=words) as wrong:
        change_library(polite(), LIBRARY, "add", CODES, token=TOKEN, base_url=server.url)
    assert "Its own words" in str(wrong.value)
    assert TOKEN not in str(wrong.value)


@pytest.mark.parametrize(
    "reply",
    [
        answering({}),
        answering({"number_added": "two"}),
        answering({"number_added": -1}),
        answering({"number_removed": 2}),
        answering([1]),
        Reply(b'{"number_added": 2', 200, JSON),
        Reply(b"<html>", 200, "text/html"),
        Reply(b"", 418, JSON),
    ],
)
def test_an_answer_that_says_nothing_is_refused(reply: Reply) -> None:
    """Nobody may take for done what the service did not say is done."""
    with serving(lambda _: reply) as server, pytest.raises(PageRefused, match=LIBRARY):
        change_library(polite(), LIBRARY, "add", CODES, token=TOKEN, base_url=server.url)


def test_a_token_that_is_refused_stops_and_is_not_shown() -> None:
    """Status 401 says how to make a new token; the old one stands in no message."""
    service = serving(lambda _: answering({"error": "Unauthorized"}, 401))
    with service as server, pytest.raises(SourceStopped, match="does not accept the token") as wrong:
        change_library(polite(), LIBRARY, "add", CODES, token=TOKEN, base_url=server.url)
    assert TOKEN not in repr(wrong.value)
    with pytest.raises(SourceStopped, match="no token"):
        change_library(polite(), LIBRARY, "add", CODES, token=None, base_url="http://127.0.0.1:9")


def test_a_lost_answer_is_asked_for_again() -> None:
    """Adding is idempotent, so a broken answer is followed by the same request."""
    asked: list[bytes] = []

    def answer(one: Asked) -> Reply:
        asked.append(one.body)
        return Reply(b"", 503, JSON) if len(asked) == 1 else answering({"number_added": 0})

    with serving(answer) as server:
        assert change_library(polite(), LIBRARY, "add", CODES, token=TOKEN, base_url=server.url).number == 0
    assert asked[0] == asked[1]


def test_a_spent_quota_stops_before_asking() -> None:
    """With no request left today nothing is sent."""
    spent = [Quota("/v1/biblib/documents", 1_000, 0, None)]
    session = PoliteSession("ads", LocalPace({}), contact="a@example.org", limits=QUICK, known_quotas=spent)
    with pytest.raises(SourceStopped, match="begins anew"):
        change_library(session, LIBRARY, "add", CODES, token=TOKEN, base_url="http://127.0.0.1:9/v1")
    assert session.requests_made == 0


@pytest.mark.parametrize("codes", [[], ["2100Fict.0001....1E"] * (MAX_BIBCODES + 1)])
def test_batches_have_a_size(codes: list[str]) -> None:
    """None and too many are the caller's mistake."""
    with pytest.raises(ValueError, match="at once"):
        change_library(polite(), LIBRARY, "add", codes, token=TOKEN)


def test_what_is_no_library_is_told_before_asking() -> None:
    """A name with a blank is no id."""
    with pytest.raises(HarvestError, match="is no ADS library"):
        change_library(polite(), "my library", "add", CODES, token=TOKEN, base_url="http://127.0.0.1:9")
