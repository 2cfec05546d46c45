"""HTTP as a polite guest speaks it: a name and an address, one turn at a time, time-outs, bounded bodies, patience.

``PoliteSession`` is a ``requests.Session``, so the ``ads`` and ``pyvo`` packages work through it without knowing.
No header, token or body is ever logged.
"""

from __future__ import annotations

import contextlib
import email.utils
import io
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import stamina
import structlog

from harvesters.errors import PageRefused, SourceStopped
from harvesters.protocol import Pace

USER_AGENT = "observatory-biblio/0.1"

_BUSY = (429, 503)
_REDIRECTS = (301, 302, 303, 307, 308)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_PROXY = {"http": None, "https": None, "all": None}
_BROKEN_ANSWERS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
_CHUNK_BYTES = 64 * 1024

_log = structlog.get_logger("harvesters.http")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long to wait and how much to take. Times in seconds, sizes in bytes.

    ``total_s`` bounds one whole answer, so a server that drips one byte a minute is left. ``longest_wait_s`` is the
    longest ``Retry-After`` that is waited for within a run; a longer one stops the source until then.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    total_s: float = 300.0
    body_bytes: int = 64 * 1024**2
    attempts: int = 5
    wait_initial_s: float = 2.0
    wait_max_s: float = 60.0
    longest_wait_s: float = 300.0
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Quota:
    """What a service says is left for one endpoint; ``resets_at`` is seconds since 1970, None where it is silent."""

    endpoint: str
    limit: int | None
    remaining: int | None
    resets_at: int | None


class _TryAgain(Exception):
    """This attempt failed in a way that another may not."""


class PoliteSession(requests.Session):
    """A session for one service: every request takes a turn of ``pace`` under ``service`` and says who asks.

    Answers come back whole (never longer than ``limits.body_bytes``). A refused connection, a broken or dripping
    answer, 429 and 5xx are tried again, ``Retry-After`` obeyed; then ``SourceStopped`` is raised. Any other status is
    the caller's to judge. A redirect is followed on the same host only (or from http to https of it).
    ``quotas`` holds the rate-limit headers last seen per endpoint; ``quota_reserve`` requests are left unspent.
    """

    def __init__(
        self, service: str, pace: Pace, *, contact: str, limits: HttpLimits | None = None, quota_reserve: int = 0
    ) -> None:
        super().__init__()
        self.service = service
        self.quotas: dict[str, Quota] = {}
        self.requests_made = 0
        self._pace = pace
        self._limits = limits or HttpLimits()
        self._quota_reserve = quota_reserve
        self.headers["User-Agent"] = f"{USER_AGENT} (mailto:{contact})"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request with retries. Raises ``SourceStopped`` or, for a forbidden redirect, ``PageRefused``."""
        address = url.decode() if isinstance(url, bytes) else url
        limits = self._limits
        attempts = stamina.retry_context(
            on=_TryAgain,
            attempts=limits.attempts,
            timeout=None,
            wait_initial=limits.wait_initial_s,
            wait_max=limits.wait_max_s,
            wait_jitter=limits.wait_initial_s / 2,
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._follow(method, address, *args, **kwargs)
        except _TryAgain as last:
            raise SourceStopped(
                f"{place_of(address)}: {last} (tried {limits.attempts} times). What was stored is safe; "
                "run the harvest again later, it goes on from here."
            ) from last
        raise AssertionError("unreachable: the loop returns or raises")

    def _follow(self, method: str | bytes, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(self._limits.redirects + 1):
            response = self._once(method, url, *args, **kwargs)
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return response
            target = urljoin(url, response.headers["Location"])
            if not _may_follow(url, target):
                raise PageRefused(f"{place_of(url)}: sends us to another host ({place_of(target)}); not followed")
            url = target
            kwargs.pop("params", None)  # the new address carries its own
            if response.status_code == 303:  # "see other": the answer lies there to be fetched (RFC 9110 §15.4.4)
                method = "GET"
                kwargs.pop("data", None)
                kwargs.pop("files", None)
        raise PageRefused(f"{place_of(url)}: redirects more than {self._limits.redirects} times; not followed")

    def _once(self, method: str | bytes, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        self._keep_reserve(url)
        kwargs.update(timeout=(self._limits.connect_s, self._limits.read_s), stream=True, allow_redirects=False)
        if urlsplit(url).hostname in _LOOPBACK:
            kwargs["proxies"] = _NO_PROXY
        began = time.monotonic()
        try:
            with self._pace.turn(self.service), self._sent(method, url, *args, **kwargs) as response:
                body = self._body(response, began)
        except _BROKEN_ANSWERS as broken:
            raise _TryAgain(f"no whole answer ({type(broken).__name__})") from broken
        except requests.RequestException as broken:
            raise SourceStopped(f"{place_of(url)}: cannot be asked ({type(broken).__name__})") from broken
        _keep_body(response, body)
        self._note_quota(url, response)
        _log.debug(
            "http_request",
            service=self.service,
            place=place_of(url),
            status=response.status_code,
            bytes=len(body),
            seconds=round(time.monotonic() - began, 3),
        )
        self._judge(url, response)
        return response

    def _sent(self, method: str | bytes, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        self.requests_made += 1
        return super().request(method, url, *args, **kwargs)

    def _body(self, response: requests.Response, began: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._limits.body_bytes:
                raise PageRefused(
                    f"{place_of(response.url)}: the answer is larger than {self._limits.body_bytes // 1024**2} MB"
                )
            if time.monotonic() - began > self._limits.total_s:
                raise _TryAgain(f"the answer takes longer than {self._limits.total_s:g} s")
        return bytes(body)

    def _judge(self, url: str, response: requests.Response) -> None:
        status = response.status_code
        if status not in _BUSY and status < 500:
            return
        quota = self.quotas.get(urlsplit(url).path)
        wait_s = retry_after_s(response.headers.get("Retry-After"))
        if wait_s is None and status == 429 and quota is not None and quota.remaining == 0 and quota.resets_at:
            wait_s = max(0.0, quota.resets_at - time.time())
        if wait_s is not None:
            if wait_s > self._limits.longest_wait_s:
                raise SourceStopped(
                    f"{place_of(url)}: answers {status} and asks to come back in {wait_s / 60:.0f} minutes. "
                    "What was stored is safe; run the harvest again after that.",
                    retry_after_s=wait_s,
                )
            self._pace.defer(self.service, wait_s)
        raise _TryAgain(f"the service answers {status}")

    def _note_quota(self, url: str, response: requests.Response) -> None:
        limit, remaining, reset = (
            _number(response.headers.get(f"X-RateLimit-{n}")) for n in ("Limit", "Remaining", "Reset")
        )
        if limit is not None or remaining is not None:
            endpoint = urlsplit(url).path
            self.quotas[endpoint] = Quota(endpoint, limit, remaining, reset)

    def _keep_reserve(self, url: str) -> None:
        quota = self.quotas.get(urlsplit(url).path)
        if quota is None or quota.remaining is None or quota.remaining > self._quota_reserve:
            return
        wait_s = (quota.resets_at or 0) - time.time()
        if wait_s > 0:
            raise SourceStopped(
                f"{place_of(url)}: {quota.remaining} of {quota.limit} requests are left, and {self._quota_reserve} are "
                f"kept in reserve. The count begins anew in {wait_s / 60:.0f} minutes; the harvest goes on from here.",
                retry_after_s=wait_s,
            )


def place_of(url: str) -> str:
    """The address without user, password and query, fit to be shown and logged."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def media_type(content_type: str | None) -> str:
    """The type of a Content-Type header without its parameters, in lower case; "" when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def retry_after_s(value: str | None) -> float | None:
    """Seconds a ``Retry-After`` header asks for, as a number or a date (RFC 9110 §10.2.3); None when it says nothing."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _number(value: str | None) -> int | None:
    try:
        return int(float(value)) if value else None
    except (ValueError, OverflowError):
        return None


def _may_follow(url: str, target: str) -> bool:
    here, there = urlsplit(url), urlsplit(target)
    if here.hostname != there.hostname:
        return False
    return (here.scheme, here.port) == (there.scheme, there.port) or (here.scheme, there.scheme) == ("http", "https")


class _WholeBody(io.BytesIO):
    """A body that was read already, for libraries that want to read it from the connection."""

    def read(self, size: int | None = -1, /, decode_content: bool = True) -> bytes:
        """As urllib3's; the body is decoded already."""
        return super().read(size)


def _keep_body(response: requests.Response, body: bytes) -> None:
    response._content = body
    response._content_consumed = True  # type: ignore[attr-defined]
    response.raw = _WholeBody(body)
