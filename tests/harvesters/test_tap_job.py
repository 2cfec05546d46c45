"""What handing a query over to a TAP service promises, against a small server that speaks UWS."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qs

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.tap_job import run_job
from tests.harvesters.servers import Asked, Reply, Served, serving
from tests.harvesters.test_tap import ROWS, VOTABLE, WHOLE, registry, source, units_of, votable

TOO_LONG = Reply(votable([], "ERROR", "the query timed out; use async"), status=400, content_type=VOTABLE)
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def job_xml(phase: str, result: str = "", message: str = "") -> bytes:
    """A UWS job description."""
    results = f'<uws:result id="result" xlink:href="{result}"/>' if result else ""
    summary = (
        f'<uws:errorSummary type="fatal"><uws:message>{message}</uws:message></uws:errorSummary>' if message else ""
    )
    return (
        f'<?xml version="1.0"?><uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" {XLINK} version="1.1">'
        f"<uws:jobId>1</uws:jobId><uws:phase>{phase}</uws:phase><uws:results>{results}</uws:results>{summary}</uws:job>"
    ).encode()


@dataclass
class Worker:
    """An archive over ``ROWS`` that works on queries by itself, through these phases, and keeps what it was asked."""

    phases: tuple[str, ...] = ("QUEUED", "EXECUTING", "COMPLETED")
    message: str = ""
    result: str = "/tap/async/1/results/result"
    sync: Reply | None = TOO_LONG
    described: bytes | None = None
    deleted: int = 0
    made: int = 0
    looks: int = 0
    query: bytes = b""
    url: str = ""

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        door = asked.path.removeprefix("/tap/")
        if door == "sync":
            counting = "COUNT(" in parse_qs(asked.body.decode())["QUERY"][0]
            return registry(ROWS)(asked) if self.sync is None or counting else self.sync
        if door == "async":
            self.query, self.made, self.looks = asked.body, self.made + 1, 0
            return Reply(status=303, headers={"Location": "/tap/async/1"})
        if door == "async/1/phase":
            return Reply(status=303, headers={"Location": "/tap/async/1"})
        if door == "async/1/results/result":
            return registry(ROWS)(Asked("POST", "/tap/sync", {}, {}, self.query))
        return self._described(asked)

    def _described(self, asked: Asked) -> Reply:
        if asked.method == "DELETE":
            self.deleted += 1
            return Reply()
        if self.described is not None:
            return Reply(self.described, content_type="text/xml")
        phase = self.phases[min(self.looks // 2, len(self.phases) - 1)]
        self.looks += 1
        done = f"{self.url}{self.result}" if phase == "COMPLETED" and self.result.startswith("/") else self.result
        return Reply(job_xml(phase, done if phase == "COMPLETED" else "", self.message), content_type="text/xml")


@contextmanager
def working(worker: Worker) -> Iterator[Served]:
    """Run the archive."""
    with serving(worker.answer) as server:
        worker.url = server.url
        yield server


def test_a_query_that_takes_too_long_is_handed_over() -> None:
    """Sync is tried first; then every query is a job, and every job is deleted."""
    worker = Worker()
    with working(worker) as server:
        assert units_of(source(server.url, page_rows=7, poll_s=0.0)) == WHOLE
    tried = [asked for asked in server.asked if asked.path == "/tap/sync" and b"COUNT" not in asked.body]
    assert len(tried) == 1
    assert worker.made == worker.deleted == 4  # three pages, and the end asked for once more


@pytest.mark.parametrize("sync", [Reply(status=413), Reply(status=408), Reply(status=504)])
def test_statuses_that_mean_too_long_hand_over_too(sync: Reply) -> None:
    """A gateway that gives up is the same news as the service's own words."""
    with working(Worker(sync=sync)) as server:
        assert units_of(source(server.url, poll_s=0.0)) == WHOLE


def test_the_profile_can_ask_for_jobs_from_the_start() -> None:
    """``mode = "async"`` never waits for an answer, not even to the count."""
    worker = Worker()
    with working(worker) as server:
        assert units_of(source(server.url, mode="async", poll_s=0.0)) == WHOLE
    assert not [asked for asked in server.asked if asked.path == "/tap/sync"]
    assert worker.made == worker.deleted


def test_more_rows_than_sync_gives_are_asked_for_by_a_job() -> None:
    """A project larger than the service's limit for waiting comes whole from one that works by itself."""
    worker = Worker()

    def limited(asked: Asked) -> Reply:
        return registry(ROWS, hard_limit=2)(asked) if asked.path == "/tap/sync" else worker.answer(asked)

    with serving(limited) as server:
        worker.url = server.url
        assert units_of(source(server.url, poll_s=0.0)) == WHOLE


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (Worker(("ERROR",), "no space left"), "tried to answer the query and failed: no space left"),
        (Worker(("ABORTED",)), "broke the query off.*does not say why"),
        (Worker(("ARCHIVED",)), '"ARCHIVED" of the query'),
        (Worker(("EXECUTING",)), "has not finished the query in 0 minutes .it says EXECUTING"),
        (Worker(described=b"<html>Log in</html>"), "is no job description"),
        (Worker(described=b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'), "declares entities"),
        (Worker(described=job_xml("COMPLETED", "http://198.51.100.7/x")), "sends us to another address"),
        (Worker(described=job_xml("COMPLETED", "file:///etc/hostname")), "sends us to another address"),
        (Worker(result="/tap/async/1/nothing"), "no VOTable"),
    ],
)
def test_ends_without_a_result_are_told_in_words(worker: Worker, reason: str) -> None:
    """Errors, broken-off and endless jobs, strange answers and addresses elsewhere are refused; the job is deleted."""
    with working(worker) as server, pytest.raises(PageRefused, match=reason) as refused:
        list(source(server.url, poll_s=0.0, longest_job_s=0.05).pages({}))
    assert "the query timed out" in str(refused.value)  # why it was handed over at all
    assert worker.deleted == worker.made or worker.described is not None


def test_a_service_without_jobs_says_why_it_was_asked_for_one() -> None:
    """Both refusals stand in the sentence: that waiting is not possible, and that handing over is not either."""
    both = r"timed out.*handed over.*no query to work on by itself \(status 404\)"

    def answer(asked: Asked) -> Reply:
        return TOO_LONG if asked.path == "/tap/sync" else Reply(status=404)

    with serving(answer) as server, pytest.raises(PageRefused, match=both):
        list(source(server.url).pages({}))


def test_the_mode_is_one_of_two() -> None:
    """A word the profile may not use is refused at once."""
    with pytest.raises(ValueError, match="mode"):
        source("http://x", mode="later")


class _Raw(io.BytesIO):
    """A body that pyvo reads from the connection."""

    def read(self, size: int | None = -1, /, decode_content: bool = True) -> bytes:
        """As urllib3's."""
        return super().read(size)


class Stranger:
    """A session whose every answer is the same bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, url: str, **_how: object) -> requests.Response:
        """Answer."""
        response = requests.Response()
        response.status_code, response.url = 200, "http://tap.example/tap/async/1"
        response._content, response.raw = self.body, _Raw(self.body)
        return response

    post = delete = get


HONEST = (
    job_xml("COMPLETED", "http://tap.example/tap/async/1/results/result"),
    job_xml("ERROR", message="no space"),
    job_xml("EXECUTING"),
)
PIECES = (
    b"<uws:results>", b"</uws:job>", b"<uws:phase>COMPLETED</uws:phase>", b"<uws:creationTime>never</uws:creationTime>",
    b"<uws:executionDuration>-1e999</uws:executionDuration>", b'<uws:result xlink:href="file:///etc/hostname"/>',
    b"<uws:quote xsi:nil='maybe'/>", b"<uws:parameters><uws:parameter id='QUERY'/>", b"&#0;", b"<![CDATA[", b"<x/>",
    b"<uws:errorSummary/>", b'<uws:result id="result"/>', b'xlink:href="http://[::1"', b"\xff\xfe", b"",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(HONEST),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 40), st.sampled_from(PIECES)), max_size=4),
)
def test_no_job_description_raises_anything_but_a_refusal(body: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """Whatever a service says of a job, the end is a result or a refused page."""
    for at, cut, piece in changes:
        body = body[:at] + piece + body[at + cut :]
    session = cast("PoliteSession", Stranger(body))
    with suppress(PageRefused):
        told, _ = run_job(
            session, "http://tap.example/tap", "SELECT 1", most=1, place="page", first_wait_s=0.0, longest_s=0.0
        )
        assert told == body
