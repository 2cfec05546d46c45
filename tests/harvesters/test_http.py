"""What being a polite guest promises, against a real server on loopback."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog

from harvesters.errors import LeftAlone, PageRefused, QuotaSpent, SourceStopped
from harvesters.http import HttpLimits, PoliteSession, Quota, Spent, place_of, retry_after_s
from harvesters.pace import LocalPace
from tests.harvesters.servers import QUICK, Asked, Reply, serving


class WatchedPace(LocalPace):
    """A pace that does not wait, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__({}, sleep=lambda _: None, monotonic=lambda: 0.0)
        self.turns = 0
        self.deferred: list[float] = []

    @contextmanager
    def turn(self, service: str) -> Iterator[None]:
        """Count the turn."""
        assert service == "arxiv"
        self.turns += 1
        yield

    def defer(self, service: str, seconds: float) -> None:
        """Remember the wait."""
        self.deferred.append(seconds)


def polite(pace: LocalPace | None = None, limits: HttpLimits = QUICK, reserve: int = 0, **quota: Any) -> PoliteSession:
    """A session for tests."""
    pace = pace or LocalPace({})
    return PoliteSession("arxiv", pace, contact="library@example.org", limits=limits, quota_reserve=reserve, **quota)


def test_every_request_says_who_asks() -> None:
    """The user agent carries an address the service can write to."""
    with serving(lambda _: Reply(b"ok")) as server, polite() as session:
        assert session.get(server.url).content == b"ok"
    assert server.asked[0].headers["User-Agent"].endswith("(mailto:library@example.org)")


@pytest.mark.parametrize(
    "fault", [Reply(status=500), Reply(status=503), Reply(status=429), Reply(drop=True), Reply(b"half", cut=10)]
)
def test_passing_faults_are_tried_again_each_in_its_own_turn(fault: Reply) -> None:
    """Server errors, resets and broken-off bodies cost a retry, and every retry waits its turn."""
    replies = [fault, fault, Reply(b"whole")]
    pace = WatchedPace()
    with serving(lambda _: replies.pop(0)) as server, polite(pace) as session:
        assert session.get(server.url).content == b"whole"
    assert pace.turns == 3


@pytest.mark.parametrize("fault", [Reply(status=502), Reply(drop=True)])
def test_lasting_faults_stop_the_source(fault: Reply) -> None:
    """After the last attempt the message names the address, the fault and what to do."""
    with (
        serving(lambda _: fault) as server,
        polite() as session,
        pytest.raises(SourceStopped, match=r"/api/query: .*tried 3 times.*run the harvest again") as stopped,
    ):
        session.get(f"{server.url}/api/query", params={"token": "hidden"})
    assert "hidden" not in str(stopped.value)
    assert len(server.asked) == 3


def test_refused_connection_stops_the_source() -> None:
    """A service that is not there is told apart from an empty one."""
    with serving(lambda _: Reply()) as server:
        pass
    with (
        polite() as session,
        pytest.raises(SourceStopped, match=r"cannot be reached \(connection refused\): is the network up"),
    ):
        session.get(server.url)


def test_a_host_that_there_is_not_is_told_from_an_answer_that_broke_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is for whoever wrote the address, the second passes."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with serving(lambda _: Reply(drop=True)) as server, polite() as session:
        with pytest.raises(SourceStopped, match="no whole answer"):
            session.get(server.url)
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(SourceStopped, match=r"cannot be reached \(no such host\)"):
            session.get("http://no-such-host.invalid/")


def test_retry_after_is_obeyed_for_everybody() -> None:
    """The wait the service asks for is handed to the pace, which all processes share."""
    replies = [Reply(status=503, headers={"Retry-After": "7"}), Reply(b"ok")]
    pace = WatchedPace()
    with serving(lambda _: replies.pop(0)) as server, polite(pace) as session:
        assert session.get(server.url).content == b"ok"
    assert pace.deferred == [7.0]


def test_long_retry_after_stops_the_source_until_then() -> None:
    """Nobody sleeps for an hour inside a run."""
    reply = Reply(status=429, headers={"Retry-After": "3600"})
    with (
        serving(lambda _: reply) as server,
        polite() as session,
        pytest.raises(SourceStopped, match="60 minutes") as stopped,
    ):
        session.get(server.url)
    assert stopped.value.retry_after_s == 3600
    assert len(server.asked) == 1


def test_a_long_wait_binds_every_door_of_the_service() -> None:
    """What one session is told holds for all of them; a service that asks for nothing is asked."""
    pace = LocalPace({})
    reply = Reply(status=503, headers={"Retry-After": "3600"})
    with serving(lambda _: reply) as server, polite(pace) as api, polite(pace) as oai:
        with pytest.raises(SourceStopped, match="60 minutes"):
            api.get(f"{server.url}/api")
        with pytest.raises(LeftAlone, match=r"arxiv told us not to ask.*left alone for 60 minutes"):
            oai.get(f"{server.url}/oai")
        with PoliteSession("tap", pace, contact="a@example.org", limits=QUICK) as tap, pytest.raises(SourceStopped):
            tap.get(f"{server.url}/tap")
    assert [asked.path for asked in server.asked] == ["/api", "/tap"]


def test_a_service_that_shuts_us_out_is_not_asked_at_another_door() -> None:
    """arXiv's 403 is for the one who asks; elsewhere it is about a token or an address, and others are asked."""
    pace = LocalPace({})
    with serving(lambda _: Reply(status=403)) as server, polite(pace) as api, polite(pace) as rss:
        assert api.get(f"{server.url}/api").status_code == 403
        with pytest.raises(LeftAlone, match="left alone for 1440 minutes"):
            rss.get(f"{server.url}/rss")
        with PoliteSession("ads", pace, contact="a@example.org", limits=QUICK) as ads:
            assert ads.get(server.url).status_code == 403
            assert ads.get(server.url).status_code == 403
    assert [asked.path for asked in server.asked] == ["/api", "/", "/"]


def test_one_endpoints_spent_quota_leaves_the_others_alone() -> None:
    """The ledger knows of it; the service is not left alone for it."""
    pace = WatchedPace()
    reply = Reply(status=429, headers=limits_of(5, 0) | {"Retry-After": "7000"})
    with serving(lambda _: reply) as server, polite(pace) as session, pytest.raises(QuotaSpent):
        session.get(f"{server.url}/bigquery")
    assert pace.deferred == []


def test_retry_after_may_be_a_date() -> None:
    """Both forms of the header are read, nonsense is not."""
    assert retry_after_s("120") == 120
    assert retry_after_s("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert retry_after_s("soon") is None
    assert retry_after_s("\xb2") is None
    assert retry_after_s("9" * 400) == 30 * 86_400
    assert retry_after_s("Fri, 31 Dec 9999 23:59:59 GMT") == 30 * 86_400
    assert retry_after_s(None) is None


def test_other_statuses_are_the_callers_to_judge() -> None:
    """A 404 is an answer, not a fault."""
    with serving(lambda _: Reply(b"gone", status=404)) as server, polite() as session:
        assert session.get(server.url).status_code == 404
    assert len(server.asked) == 1


def test_too_large_answer_is_refused() -> None:
    """A body beyond the limit is not taken into memory."""
    with (
        serving(lambda _: Reply(bytes(2 * 1024 * 1024))) as server,
        polite() as session,
        pytest.raises(PageRefused, match="larger than 1 MB"),
    ):
        session.get(server.url)


def test_redirects_stay_on_the_host() -> None:
    """The same host is followed, each hop in its own turn; another host is not asked at all."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/here":
            return Reply(status=302, headers={"Location": "/there"})
        if asked.path == "/away":
            return Reply(status=302, headers={"Location": "http://example.org/x"})
        if asked.path == "/nowhere":
            return Reply(status=302, headers={"Location": "http://[half"})
        if asked.path == "/port":
            return Reply(status=302, headers={"Location": "http://127.0.0.1:99999999/"})
        if asked.path == "/loop":
            return Reply(status=302, headers={"Location": "/loop"})
        return Reply(b"arrived")

    pace = WatchedPace()
    with serving(answer) as server, polite(pace) as session:
        assert session.get(f"{server.url}/here", params={"a": "b"}).content == b"arrived"
        assert pace.turns == 2
        with pytest.raises(PageRefused, match=r"another host \(http://example.org/x\)"):
            session.get(f"{server.url}/away")
        with pytest.raises(PageRefused, match="more than 3 times"):
            session.get(f"{server.url}/loop")
        for path in ("nowhere", "port"):
            with pytest.raises(PageRefused, match="no address"):
                session.get(f"{server.url}/{path}")


def test_quota_is_kept_per_endpoint_and_a_reserve_is_left() -> None:
    """The ledger holds what the headers said, and asking ends before the quota does."""
    reset = int(time.time()) + 7200

    def answer(asked: Asked) -> Reply:
        left = {"/search": "5", "/metrics": "400"}[asked.path]
        return Reply(
            headers={"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": left, "X-RateLimit-Reset": str(reset)}
        )

    with serving(answer) as server, polite(reserve=5) as session:
        session.get(f"{server.url}/search")
        session.get(f"{server.url}/metrics")
        assert session.quotas == {
            "/search": Quota("/search", 5000, 5, reset),
            "/metrics": Quota("/metrics", 5000, 400, reset),
        }
        session.get(f"{server.url}/metrics")
        with pytest.raises(QuotaSpent, match="5 of 5000 requests are left") as stopped:
            session.get(f"{server.url}/search")
    assert stopped.value.retry_after_s is not None
    assert stopped.value.retry_after_s > 7000
    assert [asked.path for asked in server.asked].count("/search") == 1


def test_spent_quota_stops_until_it_begins_anew() -> None:
    """A 429 of a spent quota says when to come back."""
    reset = str(int(time.time()) + 7200)
    reply = Reply(
        status=429, headers={"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    )
    with serving(lambda _: reply) as server, polite() as session, pytest.raises(QuotaSpent) as stopped:
        session.get(server.url)
    assert stopped.value.retry_after_s is not None
    assert stopped.value.retry_after_s > 7000


def test_no_secret_is_logged() -> None:
    """Neither headers nor query strings reach the log."""
    with structlog.testing.capture_logs() as logs, serving(lambda _: Reply(b"ok")) as server, polite() as session:
        session.headers["Authorization"] = "Bearer s3cret"
        session.get(f"{server.url}/x", params={"key": "s3cret"})
    (line,) = [entry for entry in logs if entry["event"] == "http_request"]
    assert line["status"] == 200
    assert line["bytes"] == 2
    assert "s3cret" not in repr(logs)


def test_place_shows_no_secret() -> None:
    """User, password and query are left out of addresses that people see."""
    assert place_of("https://u:p@example.org:8443/a/b?token=x#y") == "https://example.org:8443/a/b"
    assert place_of("https://example.org/a\x1b[2J\u202eb/ü") == "https://example.org/a%1B[2J%E2%80%AEb/ü"


def test_dripping_answer_is_left() -> None:
    """A server that sends its answer for ever is given up; the limit holds for the whole answer, not for each piece."""
    with (
        serving(lambda _: Reply(b"x" * 200_000)) as server,
        polite(limits=replace(QUICK, total_s=0.0)) as session,
        pytest.raises(SourceStopped, match="takes longer than 0 s"),
    ):
        session.get(server.url)


def test_an_answer_that_drips_is_left_before_it_fills_a_piece() -> None:
    """One byte after the other keeps every read within its time-out; the whole answer's limit ends it all the same."""
    patience = replace(QUICK, total_s=0.05, attempts=1)
    with (
        serving(lambda _: Reply(b"x" * 500, drip_s=0.01)) as server,
        polite(limits=patience) as session,
        pytest.raises(SourceStopped, match="takes longer"),
    ):
        session.get(server.url)
    assert len(server.dripped) < 500


@pytest.mark.parametrize("length", [500, 100_000])
def test_a_head_that_drips_is_left_as_a_body_is(length: int) -> None:
    """The whole answer's limit holds from its first byte on, not only from the end of the head."""
    patience = replace(QUICK, total_s=0.1, attempts=1)
    with (
        serving(lambda _: Reply(b"late", headers={"X-Long": "x" * length}, drip_head_s=0.01)) as server,
        polite(limits=patience) as session,
        pytest.raises(SourceStopped, match=r"takes longer than 0.1 s"),
    ):
        session.get(server.url)
    assert len(server.dripped) < 500


@pytest.mark.parametrize("replies", [[Reply(b"ok")], [Reply(b"half", cut=10), Reply(status=404), Reply(b"ok")]])
def test_no_connection_stays_open_between_two_requests(replies: list[Reply]) -> None:
    """Two sessions in turn never have two connections, even to a server that keeps them open whatever it is asked."""
    pace = LocalPace({})
    with serving(lambda asked: replies[len(server.asked) % len(replies)], keeps_open=True) as server:
        for _ in range(2):
            with polite(pace) as one, polite(pace) as other:
                for session in (one, other, one):
                    session.get(server.url)
                    assert server.all_closed()
    assert server.most_open == 1
    assert {asked.headers["Connection"] for asked in server.asked} == {"close"}


def test_see_other_is_fetched_without_the_posted_form() -> None:
    """A posted query whose answer lies elsewhere is fetched there, as TAP services may ask (RFC 9110, 15.4.4)."""

    def answer(asked: Asked) -> Reply:
        if asked.method == "POST":
            return Reply(status=303, headers={"Location": "/result"})
        return Reply(asked.method.encode() + asked.body)

    with serving(answer) as server, polite() as session:
        assert session.post(f"{server.url}/sync", data={"QUERY": "SELECT"}).content == b"GET"


LATER = int(time.time()) + 7200


def limits_of(limit: int | str, left: int | str, reset: int | str = LATER) -> dict[str, str]:
    """The three headers of a rate limit."""
    values = {"Limit": limit, "Remaining": left, "Reset": reset}
    return {f"X-RateLimit-{name}": str(value) for name, value in values.items()}


def test_new_process_knows_what_is_left() -> None:
    """What the store kept counts from the first request on: nothing is asked once only the reserve is left."""
    known = [Quota("/search", 5000, 50, LATER), Quota("/metrics", 5000, 51, LATER)]
    with serving(lambda _: Reply(b"ok")) as server, polite(reserve=50, known_quotas=known) as session:
        with pytest.raises(QuotaSpent, match="50 of 5000 requests are left, and 50 are kept") as stopped:
            session.get(f"{server.url}/search")
        session.get(f"{server.url}/metrics")
        with pytest.raises(QuotaSpent):
            session.get(f"{server.url}/metrics")
    assert stopped.value.retry_after_s is not None
    assert 0 < stopped.value.retry_after_s <= 7200
    assert [asked.path for asked in server.asked] == ["/metrics"]


def test_a_count_that_began_anew_is_full_again() -> None:
    """Yesterday's spent quota stops nobody today; without headers our own count goes on from its limit."""
    yesterday = int(time.time()) - 10
    with (
        serving(lambda _: Reply(b"ok")) as server,
        polite(reserve=50, known_quotas=[Quota("/search", 5000, 0, yesterday)]) as session,
    ):
        session.get(f"{server.url}/search")
    assert (session.quotas["/search"].limit, session.quotas["/search"].remaining) == (5000, 4999)
    assert (session.quotas["/search"].resets_at or 0) > time.time()


def test_missing_headers_are_made_up_for_by_our_own_count() -> None:
    """Each request takes one off what was last said, or off the limit assumed for a service that never says."""
    replies = [Reply(headers=limits_of(5000, 4990)), Reply(b"ok"), Reply(b"ok"), Reply(headers=limits_of(5000, 4980))]
    with serving(lambda _: replies.pop(0)) as server, polite() as session:
        left = []
        for _ in range(4):
            session.get(f"{server.url}/search")
            left.append(session.quotas["/search"].remaining)
    assert left == [4990, 4989, 4988, 4980]
    with serving(lambda _: Reply(b"ok")) as server, polite(default_limit=3, reserve=1) as session:
        session.get(f"{server.url}/search")
        session.get(f"{server.url}/search")
        with pytest.raises(QuotaSpent, match="1 of 3 requests are left, and 1 are kept"):
            session.get(f"{server.url}/search")
        session.get(f"{server.url}/metrics")


def test_small_quota_is_not_all_reserve() -> None:
    """Of an endpoint with fewer requests a day than the reserve, half can be spent."""
    known = [Quota("/bigquery", 4, 4, None)]
    with serving(lambda _: Reply(b"ok")) as server, polite(reserve=50, known_quotas=known) as session:
        session.get(f"{server.url}/bigquery")
        session.get(f"{server.url}/bigquery")
        with pytest.raises(QuotaSpent, match="2 of 4 requests are left, and 2 are kept"):
            session.get(f"{server.url}/bigquery")


def test_absurd_limits_are_not_believed() -> None:
    """Headers that no service can mean are as good as none."""
    replies = [Reply(headers=limits_of(*odd)) for odd in (("1e999", "nan"), ("-3", "many"), ("9" * 30, "-1"))]
    with serving(lambda _: replies.pop(0)) as server, polite() as session:
        for _ in range(3):
            session.get(f"{server.url}/search")
        assert session.quotas == {}
        replies.append(Reply(headers=limits_of(10, 5, "9" * 12)))
        session.get(f"{server.url}/search")
    assert session.quotas["/search"].remaining == 5
    assert (session.quotas["/search"].resets_at or 0) < time.time() + 86_401


def test_429_with_quota_left_is_another_endpoints() -> None:
    """The sentence says so, and the wait it asks for is kept."""
    reply = Reply(status=429, headers=limits_of(5000, 4990) | {"Retry-After": "7"})
    pace = WatchedPace()
    with (
        serving(lambda _: reply) as server,
        polite(pace) as session,
        pytest.raises(
            SourceStopped, match=r"answers 429, though 49\d\d requests are left here: another endpoint's limit"
        ),
    ):
        session.get(f"{server.url}/search")
    assert pace.deferred == [7.0, 7.0, 7.0]
    assert session.quotas["/search"].remaining == 4988


def test_requests_are_counted_by_endpoint_until_taken() -> None:
    """The ledger tells sent, refused and failed apart, retries included, and ids are no endpoints."""
    replies = [Reply(b"ok"), Reply(status=429), Reply(status=500), Reply(b"ok"), Reply(drop=True), Reply(b"ok")]
    with serving(lambda _: replies.pop(0)) as server, polite() as session:
        session.get(f"{server.url}/v1/search/query")
        session.get(f"{server.url}/v1/search/query")
        session.get(f"{server.url}/v1/biblib/libraries/xyz")
        expected = {"/v1/search/query": Spent(4, 1, 1), "/v1/biblib/libraries": Spent(2, 0, 1)}
        assert session.spent == expected
        assert session.take_spent() == expected
        assert session.take_spent() == {}


def test_a_request_is_kept_before_it_leaves() -> None:
    """Whoever writes the ledger down knows of each request, redirects and retries too, before the service does."""
    replies = [Reply(status=500), Reply(status=302, headers={"Location": "/v1/b"}), Reply(b"ok")]
    known: list[tuple[int, dict[str, Spent]]] = []
    with serving(lambda _: replies.pop(0)) as server, polite() as session:
        session.keep = lambda asked: known.append((len(server.asked), asked.take_spent()))
        session.get(f"{server.url}/v1/a")
    assert known == [(0, {"/v1/a": Spent(1)}), (1, {"/v1/a": Spent(1, 0, 1)}), (2, {"/v1/b": Spent(1)})]


@pytest.mark.parametrize("value", ["s3cret\n", "s3cret\u2026"])
def test_a_broken_token_is_shown_nowhere(value: str) -> None:
    """What requests prints of a header that cannot be sent stays out of the error and of the traceback under it."""
    with serving(lambda _: Reply(b"ok")) as server, polite() as session:
        session.headers["Authorization"] = f"Bearer {value}"
        with pytest.raises(SourceStopped, match="cannot be asked") as stopped:
            session.get(server.url)
    shown = "".join(traceback.format_exception(stopped.value)) + repr(session) + repr(stopped.value)
    assert "s3cret" not in shown
    assert server.asked == []


@pytest.mark.parametrize("contact", ["", " ", "a@example.org\r\nX-Evil: 1"])
def test_nobody_asks_without_an_address(contact: str) -> None:
    """A session that could not say who asks is not made."""
    with pytest.raises(ValueError, match="an address that the service can write to"):
        PoliteSession("arxiv", LocalPace({}), contact=contact)
