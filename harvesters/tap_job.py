"""A query that a TAP service works on by itself (UWS 1.1): submitted, asked after politely, fetched, and cleared away.

pyvo's ``AsyncTAPJob`` speaks the protocol through a door that lets nothing of a stranger's answers lead elsewhere: every
address stays on the service, and no XML with entities reaches a parser.
"""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from pyvo.dal import DALServiceError
from pyvo.dal.tap import AsyncTAPJob

from harvesters.errors import HarvestError, PageRefused, SourceStopped
from harvesters.http import PoliteSession, place_of
from harvesters.votable import forbid_entities

LONGEST_POLL_S = 30.0
"""However long a job lasts, it is asked after this often; a query of minutes needs no finer clock."""

_POLL_GROWTH = 1.5
_WAITING = ("PENDING", "QUEUED", "EXECUTING", "HELD", "SUSPENDED", "UNKNOWN", "RUN")

_log = structlog.get_logger("harvesters.tap")


class _Door:
    """The session as pyvo's job sees it: the service's own addresses only, answers without entities."""

    def __init__(self, session: PoliteSession, url: str) -> None:
        self._session = session
        self._home = urlsplit(url)

    def get(self, url: str, **how: Any) -> requests.Response:
        """Ask an address of the service."""
        return self._checked(url, self._session.get(self._own(url), **how))

    def post(self, url: str, **how: Any) -> requests.Response:
        """Send a form to an address of the service."""
        return self._checked(url, self._session.post(self._own(url), **how))

    def delete(self, url: str, **how: Any) -> requests.Response:
        """Have the service forget a job."""
        return self._session.delete(self._own(url), **how)

    def _own(self, url: str) -> str:
        parts = urlsplit(url)
        schemes = (self._home.scheme, "https")
        if parts.hostname != self._home.hostname or parts.scheme not in schemes:
            raise PageRefused(f"{place_of(url)}: the service sends us to another address; not followed")
        return url

    def _checked(self, url: str, response: requests.Response) -> requests.Response:
        forbid_entities(response.content, place_of(url))
        return response


def run_job(
    session: PoliteSession, url: str, adql: str, *, most: int, place: str, first_wait_s: float, longest_s: float
) -> tuple[bytes, str]:
    """Return (body, content type) of the result of a query that the service works on by itself.

    The job is asked after ``first_wait_s`` seconds, then ever more rarely, for ``longest_s`` seconds at most, and is
    deleted at the end, whatever happened. Raises ``PageRefused`` in words for a job that failed, was broken off or
    takes too long, ``SourceStopped`` for a service that does not answer.
    """
    door = _Door(session, url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyvo warns of every element that it does not know
        job = _made(door, url, adql, most, place)
        try:
            job.run()
            _wait(job, place, first_wait_s, longest_s)
            response = door.get(_result_of(job))
        except HarvestError:
            raise
        except Exception as broken:
            raise PageRefused(f"{place}: the service's word on its work cannot be read ({_told(broken)})") from broken
        finally:
            _clear_away(job, place)
    if response.status_code != 200:
        raise PageRefused(f"{place}: the result of the service's work is gone (status {response.status_code})")
    return response.content, response.headers.get("Content-Type", "")


def _made(door: _Door, url: str, adql: str, most: int, place: str) -> AsyncTAPJob:
    try:
        return AsyncTAPJob.create(url.rstrip("/"), adql, maxrec=most, session=door)
    except HarvestError:
        raise
    except Exception as broken:  # what pyvo's XML reader raises for a stranger's answer has no common kind
        raise PageRefused(f"{place}: the service takes no query to work on by itself ({_told(broken)})") from broken


def _wait(job: AsyncTAPJob, place: str, wait_s: float, longest_s: float) -> None:
    """Wait until the job is done. Raises ``PageRefused`` for any other end."""
    ends = time.monotonic() + longest_s
    while (phase := str(job.phase).upper()) in _WAITING:
        left_s = ends - time.monotonic()
        if left_s <= 0:
            raise PageRefused(
                f"{place}: the service has not finished the query in {longest_s / 60:.0f} minutes (it says {phase}); "
                "the job was deleted. Ask again at a quieter hour, or for smaller pages"
            )
        time.sleep(min(wait_s, left_s, LONGEST_POLL_S))
        wait_s *= _POLL_GROWTH
    if phase == "COMPLETED":
        return
    told = _summary(job)
    said = f": {told}" if told else "; it does not say why"
    if phase == "ERROR":
        raise PageRefused(f"{place}: the service tried to answer the query and failed{said}")
    if phase == "ABORTED":
        raise PageRefused(f"{place}: the service broke the query off, as it does with what takes it too long{said}")
    if phase == "NONE":
        raise PageRefused(f"{place}: what the service says of its work is no job description")
    raise PageRefused(f'{place}: the service says "{phase[:40]}" of the query, which means nothing to us{said}')


def _summary(job: AsyncTAPJob) -> str:
    summary = getattr(job._job, "errorsummary", None)  # .job would ask the service once more
    message = getattr(getattr(summary, "message", None), "content", None)
    return " ".join(str(message).split())[:300] if message else ""


def _result_of(job: AsyncTAPJob) -> str:
    found = job.result_uri
    return str(found) if found else f"{job.url}/results/result"


def _clear_away(job: AsyncTAPJob, place: str) -> None:
    """Have the service delete the job; if it will not, it does so by itself some day."""
    try:
        with suppress(DALServiceError):
            job.delete()
    except (HarvestError, requests.RequestException) as problem:
        kind = "stopped" if isinstance(problem, SourceStopped) else "refused"
        _log.info("tap_job_left", place=place, kind=kind)


def _told(broken: Exception) -> str:
    """What an error of the libraries says, without the addresses it may hold."""
    if isinstance(broken, DALServiceError) and broken.code:
        return f"status {broken.code}"
    return type(broken).__name__
