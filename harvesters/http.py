"""HTTP as a polite guest speaks it: a name and an address, one turn at a time, time-outs, bounded bodies, patience.

``PoliteSession`` is a ``requests.Session``, so the ``ads`` and ``pyvo`` packages work through it without knowing.
No header, token or body is ever logged.
"""

from __future__ import annotations

import contextlib
import email.utils
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import stamina
import structlog
import urllib3

from harvesters.errors import PageRefused, QuotaSpent, SourceStopped
from harvesters.pace import LONGEST_DEFERRAL_S, LONGEST_WAIT_S
from harvesters.protocol import Pace
from harvesters.quota import Quota, QuotaLedger, Spent, endpoint_of, shown_path
from harvesters.wire import BoundedAdapter

__all__ = [
    "GO_ON",
    "USER_AGENT",
    "HttpLimits",
    "PoliteSession",
    "Quota",
    "Spent",
    "endpoint_of",
    "media_type",
    "place_of",
    "retry_after_s",
]

USER_AGENT = "observatory-biblio/0.1"
GO_ON = "What was stored is safe; run the harvest again later, it goes on from here."
"""The advice at the end of every failure that passes by itself; who shows several says it once."""

_BUSY = (429, 503)
_SHUT_OUT = frozenset({"arxiv"})
"""Services that answer 403 to whoever they have shut out, at every door, and take going on asking for an attack
(info.arxiv.org/help/api/tou.html). Elsewhere 403 is about one token or one address."""

_REDIRECTS = (301, 302, 303, 307, 308)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_PROXY = {"http": None, "https": None, "all": None}
_BROKEN_ANSWERS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.HTTPError,
)
_UNREACHED = (
    (ConnectionRefusedError, "connection refused"),
    (urllib3.exceptions.NameResolutionError, "no such host"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection"),
)
"""What keeps a request from ever leaving, and how it is told."""

_CHUNK_BYTES = 64 * 1024
_MOST_CAUSES = 50
_LONGEST_WAIT_S = 30 * 86_400.0
"""A header that asks for more is taken for this much."""

_log = structlog.get_logger("harvesters.http")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long to wait and how much to take. Times in seconds, sizes in bytes.

    ``total_s`` bounds one whole answer, head and body, so a server that drips one byte a minute is left. ``longest_wait_s`` is the
    longest ``Retry-After`` that is waited for within a run; a longer one stops the source until then.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    total_s: float = 300.0
    body_bytes: int = 64 * 1024**2
    attempts: int = 5
    wait_initial_s: float = 2.0
    wait_max_s: float = 60.0
    longest_wait_s: float = LONGEST_WAIT_S
    redirects: int = 3


class _TryAgain(Exception):
    """This attempt failed in a way that another may not."""


class PoliteSession(requests.Session):
    """A session for one service: every request takes a turn of ``pace`` under ``service`` and says who asks.

    Answers come back whole (never longer than ``limits.body_bytes``). A refused connection, a broken or dripping
    answer, 429 and 5xx are tried again, ``Retry-After`` obeyed; then ``SourceStopped`` is raised. Any other status is
    the caller's to judge. A redirect is followed on the same host only (or from http to https of it).

    ``quotas`` holds per endpoint what is left: what the service said last, less what was asked since. It begins with
    ``known_quotas`` (what the store kept); ``default_limit`` is a day's requests per endpoint of a service that never
    says. ``quota_reserve`` requests are left unspent: then ``QuotaSpent`` is raised and nothing is asked. ``spent``
    counts our requests per endpoint until ``take_spent`` is called. ``keep`` is called before each request leaves, for
    whoever writes the ledger down: a process that is killed while it asks has counted what it asked.
    """

    def __init__(
        self,
        service: str,
        pace: Pace,
        *,
        contact: str,
        limits: HttpLimits | None = None,
        quota_reserve: int = 0,
        known_quotas: Iterable[Quota] = (),
        default_limit: int | None = None,
    ) -> None:
        super().__init__()
        if not contact.strip() or not contact.isprintable() or not contact.isascii():
            raise ValueError("a session needs an address that the service can write to")
        self.service = service
        self.keep: Callable[[PoliteSession], None] | None = None
        self.requests_made = 0
        self._ledger = QuotaLedger(known_quotas, default_limit)
        self._pace = pace
        self._limits = limits or HttpLimits()
        self._quota_reserve = quota_reserve
        self.headers["User-Agent"] = f"{USER_AGENT} (mailto:{contact.strip()})"
        self.headers["Connection"] = "close"
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter(self._limits.total_s))

    @property
    def quotas(self) -> dict[str, Quota]:
        """What is left per endpoint, as the service last said or by our own count."""
        return self._ledger.quotas

    @property
    def spent(self) -> dict[str, Spent]:
        """What was sent per endpoint since ``take_spent`` was last called."""
        return self._ledger.spent

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are followed here, and requests would fall over one that leads to no address."""

    def take_spent(self) -> dict[str, Spent]:
        """Return what was sent per endpoint since the last call, and begin a new count."""
        return self._ledger.take_spent()

    def assume_limit(self, url: str, per_day: int) -> None:
        """Count this address's endpoint from ``per_day`` requests, unless its quota is known already."""
        endpoint = endpoint_of(url)
        self._ledger.quotas.setdefault(endpoint, Quota(endpoint, per_day, per_day, None))

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
            raise SourceStopped(f"{place_of(address)}: {last} (tried {limits.attempts} times). {GO_ON}") from last
        raise AssertionError("unreachable: the loop returns or raises")

    def _follow(self, method: str | bytes, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(self._limits.redirects + 1):
            response = self._once(method, url, *args, **kwargs)
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return response
            target = _target(url, response.headers["Location"])
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
        endpoint = endpoint_of(url)
        self._keep_reserve(url, endpoint)
        kwargs.update(timeout=(self._limits.connect_s, self._limits.read_s), stream=True, allow_redirects=False)
        if urlsplit(url).hostname in _LOOPBACK:
            kwargs["proxies"] = _NO_PROXY
        began = time.monotonic()
        try:
            with self._pace.turn(self.service), contextlib.closing(self):
                # Closed within the turn: one connection per service is allowed, over all sessions and processes; an idle
                # one counts, and some servers keep it whatever they are asked.
                began = time.monotonic()  # the wait for the turn is not the server's
                with self._sent(endpoint, method, url, *args, **kwargs) as response:
                    body = self._body(response, began)
        except _BROKEN_ANSWERS as broken:
            self._ledger.failed(endpoint)
            if time.monotonic() - began > self._limits.total_s:
                raise self._too_slow() from broken
            raise _TryAgain(_what_broke(broken)) from broken
        except (requests.RequestException, ValueError) as broken:
            self._ledger.failed(endpoint)
            # "from None": what is wrong may be a header, and requests prints its value, which may be a token.
            raise SourceStopped(f"{place_of(url)}: cannot be asked ({type(broken).__name__})") from None
        except (_TryAgain, PageRefused):
            self._ledger.failed(endpoint)
            raise
        _keep_body(response, body)
        self._ledger.heard(endpoint, response.headers)
        _log.debug(
            "http_request",
            service=self.service,
            place=place_of(url),
            status=response.status_code,
            bytes=len(body),
            seconds=round(time.monotonic() - began, 3),
        )
        self._judge(url, endpoint, response)
        return response

    def _sent(self, endpoint: str, method: str | bytes, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        self.requests_made += 1
        self._ledger.sent(endpoint)
        if self.keep is not None:
            self.keep(self)
        return super().request(method, url, *args, **kwargs)

    def _body(self, response: requests.Response, began: float) -> bytes:
        body = bytearray()
        # Not iter_content: it waits until a piece is whole, and a server that drips never fills one.
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += piece
            if len(body) > self._limits.body_bytes:
                raise PageRefused(
                    f"{place_of(response.url)}: the answer is larger than {self._limits.body_bytes // 1024**2} MB"
                )
            if time.monotonic() - began > self._limits.total_s:
                raise self._too_slow()
        return bytes(body)

    def _too_slow(self) -> _TryAgain:
        return _TryAgain(f"the answer takes longer than {self._limits.total_s:g} s")

    def _judge(self, url: str, endpoint: str, response: requests.Response) -> None:
        """Raise for what is tried again or stops the source; every wait that is asked for binds all of its doors."""
        status = response.status_code
        if status == 403 and self.service in _SHUT_OUT:
            self._pace.defer(self.service, LONGEST_DEFERRAL_S)
        if status not in _BUSY and status < 500:
            return
        (self._ledger.refused if status == 429 else self._ledger.failed)(endpoint)
        quota = self._ledger.current(endpoint)
        wait_s = retry_after_s(response.headers.get("Retry-After"))
        why, stop = "", SourceStopped
        if status == 429 and quota is not None and quota.remaining is not None:
            if quota.remaining > 0:
                # Seen at ADS: "Rate limit exceeded" with quota left was another endpoint's (adsabs-dev-api issue 26).
                why = f", though {quota.remaining} requests are left here: another endpoint's limit is reached"
            else:
                stop = QuotaSpent
                wait_s = _seconds_until(quota.resets_at) if wait_s is None else wait_s
        if wait_s is not None:
            if stop is SourceStopped:  # a quota that is used up is one endpoint's, and known by the ledger
                self._pace.defer(self.service, wait_s)
            if wait_s > self._limits.longest_wait_s:
                raise stop(
                    f"{place_of(url)}: answers {status}{why} and asks to come back in {wait_s / 60:.0f} minutes. "
                    "What was stored is safe; run the harvest again after that.",
                    retry_after_s=wait_s,
                )
        raise _TryAgain(f"the service answers {status}{why}")

    def _keep_reserve(self, url: str, endpoint: str) -> None:
        quota = self._ledger.current(endpoint)
        if quota is None or quota.remaining is None:
            return
        # Of a small quota (bigquery has some 100 a day) never more than half is kept back, or nothing could be asked.
        reserve = self._quota_reserve if quota.limit is None else min(self._quota_reserve, quota.limit // 2)
        if quota.remaining > reserve:
            return
        wait_s = _seconds_until(quota.resets_at)
        raise QuotaSpent(
            f"{place_of(url)}: {quota.remaining}{f' of {quota.limit}' if quota.limit else ''} requests are left, and "
            f"{reserve} are kept in reserve. The count begins anew in {wait_s / 60:.0f} minutes; the "
            "harvest goes on from here.",
            retry_after_s=wait_s,
        )


def _what_broke(broken: BaseException) -> str:
    """Say whether the service could not be reached at all, or broke off; causes lie within each other, or in arguments."""
    found: list[object] = [broken]
    for one in found:
        if isinstance(one, BaseException) and len(found) < _MOST_CAUSES:
            found += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    for kind, words in _UNREACHED:
        if any(isinstance(one, kind) for one in found):
            return f"cannot be reached ({words}): is the network up, is the address right?"
    return f"no whole answer ({type(broken).__name__})"


def place_of(url: str) -> str:
    """The address without user, password and query, fit to be shown and logged."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{shown_path(parts.path)}"


def media_type(content_type: str | None) -> str:
    """The type of a Content-Type header without its parameters, in lower case; "" when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def retry_after_s(value: str | None) -> float | None:
    """Seconds a ``Retry-After`` header asks for, as a number or a date (RFC 9110 §10.2.3); None when it says nothing."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), _LONGEST_WAIT_S)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        wait_s = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        return min(max(0.0, wait_s), _LONGEST_WAIT_S)
    return None


def _seconds_until(moment: int | None) -> float:
    return max(0.0, (moment or 0) - time.time())


def _target(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        _ = urlsplit(target).port  # raises for a port that is none
    except ValueError as wrong:
        raise PageRefused(f"{place_of(url)}: redirects to what is no address; not followed") from wrong
    return target


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
