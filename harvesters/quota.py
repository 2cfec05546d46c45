"""What a service lets us ask per day and endpoint, and what we have asked: its headers where it sends them, else our
own count.

ADS counts per token and endpoint and begins anew at midnight UTC; its rate-limit headers were absent at times
(adsabs-dev-api issues 71 and 72), so a request that is answered without them takes one off what was known.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

_DAY_S = 86_400
_LATEST_RESET_S = 2 * _DAY_S
"""No service says today what begins anew later than this; a larger number in a header is none."""
_MOST = 2**31 - 1

_VERSION = re.compile(r"v\d+")
_ID = re.compile(r"/(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|[^/]*[0-9A-Z]).*")
"""From here on a path names one thing: a segment with a digit or capital, or an old arXiv number and its archive."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left for one endpoint. ``resets_at`` is seconds since 1970: when the count begins anew.

    ``limit`` and ``remaining`` are None where the service has not said. Given as known with ``resets_at`` None, a quota
    counts as of today.
    """

    endpoint: str
    limit: int | None
    remaining: int | None
    resets_at: int | None


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests sent to one endpoint; ``refused`` of them were answered 429, ``failed`` 5xx, broken or not at all."""

    requests: int = 0
    refused: int = 0
    failed: int = 0


class QuotaLedger:
    """Quotas and requests per endpoint of one service.

    ``known`` is what an earlier process left; ``default_limit`` is assumed per day where the service never says.
    """

    def __init__(self, known: Iterable[Quota] = (), default_limit: int | None = None) -> None:
        self.quotas: dict[str, Quota] = {quota.endpoint: quota for quota in known}
        self.spent: dict[str, Spent] = {}
        self._default_limit = default_limit

    def current(self, endpoint: str) -> Quota | None:
        """What is left now: of a count that has begun anew since, all of it. None where nothing is known."""
        quota = self.quotas.get(endpoint)
        if quota is None:
            limit = self._default_limit
            return None if limit is None else Quota(endpoint, limit, limit, _next_midnight())
        if quota.resets_at is None:
            return replace(quota, resets_at=_next_midnight())
        if quota.resets_at <= time.time():
            return Quota(endpoint, quota.limit, quota.limit, _next_midnight())
        return quota

    def sent(self, endpoint: str) -> None:
        """Count a request as it leaves: one is gone, whatever comes of it."""
        self._count(endpoint, requests=1)
        quota = self.current(endpoint)
        if quota is not None:
            left = None if quota.remaining is None else max(0, quota.remaining - 1)
            self.quotas[endpoint] = replace(quota, remaining=left)

    def refused(self, endpoint: str) -> None:
        """Count an answer 429."""
        self._count(endpoint, refused=1)

    def failed(self, endpoint: str) -> None:
        """Count an answer that is none."""
        self._count(endpoint, failed=1)

    def heard(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Take over what the answer says is left; what it does not say stays by our own count.

        Our own count stays too where it is lower: a header that never falls would have us ask for ever. It is believed
        until the count begins anew, so that a service that gives more than it said is asked again the next day.
        """
        limit, remaining = (_number(headers.get(f"X-RateLimit-{name}"), _MOST) for name in ("Limit", "Remaining"))
        if limit is None and remaining is None:
            return
        now = time.time()
        reset = _number(headers.get("X-RateLimit-Reset"), int(now) + _LATEST_RESET_S)
        if reset is not None and reset <= now:
            reset = None  # already past, or seconds from now: as good as not said, or the quota would look full
        before = self.current(endpoint) or Quota(endpoint, None, None, None)
        ours = _counted(before, before.limit if limit is None else limit)
        if remaining is not None and ours is not None and ours < remaining:
            remaining = ours
            reset = min((moment for moment in (reset, before.resets_at) if moment is not None), default=None)
        self.quotas[endpoint] = Quota(
            endpoint,
            before.limit if limit is None else limit,
            before.remaining if remaining is None else remaining,
            reset or before.resets_at or _next_midnight(),
        )

    def take_spent(self) -> dict[str, Spent]:
        """Return what was spent since the last call, and begin a new count."""
        taken, self.spent = self.spent, {}
        return taken

    def _count(self, endpoint: str, requests: int = 0, refused: int = 0, failed: int = 0) -> None:
        count = self.spent.get(endpoint, Spent())
        self.spent[endpoint] = Spent(count.requests + requests, count.refused + refused, count.failed + failed)


def _counted(before: Quota, limit: int | None) -> int | None:
    """What is left of ``limit`` by our own count: what was asked of the limit known before is asked of this one."""
    if before.remaining is None or before.limit is None or limit is None:
        return before.remaining
    return max(0, limit - (before.limit - before.remaining))


def endpoint_of(url: str) -> str:
    """The part of an address that a service counts by: its path without the ids in it.

    After an API version two segments are kept (``/v1/biblib/libraries/xyz`` → ``/v1/biblib/libraries``); elsewhere the
    path ends before the first segment with a digit or capital (``/e-print/2101.00001v1`` → ``/e-print``). Services name
    addresses too (a job's): signs that cannot be shown are written as in an address (``%1B``).
    """
    path = shown_path(urlsplit(url).path.rstrip("/"))
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if _VERSION.fullmatch(segment):
            return "/".join(segments[: place + 3])
    return _ID.sub("", path) or "/"


def shown_path(path: str) -> str:
    """The path with every sign that cannot be shown (control, bidirectional, half a surrogate) written in percent."""
    return "".join(sign if sign.isprintable() else quote(sign, safe="", errors="replace") for sign in path)


def _next_midnight() -> int:
    return (int(time.time()) // _DAY_S + 1) * _DAY_S


def _number(value: str | None, most: int) -> int | None:
    try:
        number = int(float(value)) if value else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number <= most else None
