"""The door of ADS: its address and limits, the token, what a query may be and what an answer's status means.

All its requests go through one session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from harvesters.ads_records import told
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession

BASE_URL = "https://api.adsabs.harvard.edu/v1"

LEFT_OUT = (
    "ADS is left out: there is no token. Make one at https://ui.adsabs.harvard.edu/user/settings/token and set "
    "BIBLIO_ADS_TOKEN; the other sources are not affected."
)
_MAKE_ANEW = "Make a new one at https://ui.adsabs.harvard.edu/user/settings/token and set BIBLIO_ADS_TOKEN."

MAX_QUERY_CHARS = 1_000
"""Characters of a query ADS takes at most (adsabs-dev-api, search.md)."""

MAX_ROWS = 2_000
"""Rows ADS gives at most per answer."""

_PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"')
_EXCLUSION = re.compile(r"(?:-|NOT\s+)(?:[\w.]+:)?(?:Q|\([^()]*\)|[^\s()]+)")


class AdsPort:
    """ADS under ``base_url`` for whoever holds ``token``; the token is in no error, log or representation."""

    def __init__(self, session: PoliteSession, token: str | None, base_url: str = BASE_URL) -> None:
        self._session = session
        self._token = (token or "").strip()
        self._url = base_url.rstrip("/")

    def open(self) -> None:
        """Show the token from now on. Raises ``SourceStopped`` where there is none that could be sent."""
        if not self._token:
            raise SourceStopped(LEFT_OUT)
        if not (self._token.isascii() and self._token.isprintable()) or " " in self._token:
            raise SourceStopped(f"ADS cannot be asked: the token holds signs that no token has. {_MAKE_ANEW}")
        self._session.headers["Authorization"] = f"Bearer {self._token}"

    def assume(self, path: str, per_day: int) -> None:
        """What ADS documents of ``path``: so many requests a day, until its headers say otherwise."""
        self._session.assume_limit(f"{self._url}/{path}", per_day)

    def get(self, path: str, params: Mapping[str, Any], place: str) -> requests.Response:
        """Fetch ``path`` below the base address; see ``judged``."""
        return judged(self.fetch(path, params), place)

    def fetch(self, path: str, params: Mapping[str, Any]) -> requests.Response:
        """Fetch ``path``, whatever the status of the answer."""
        return self._session.get(f"{self._url}/{path}", params=dict(params))

    def post(
        self, path: str, params: Mapping[str, Any], body: bytes, content_type: str, place: str
    ) -> requests.Response:
        """Post ``body``; see ``judged``."""
        return judged(self.send(path, params, body, content_type), place)

    def send(self, path: str, params: Mapping[str, Any], body: bytes, content_type: str) -> requests.Response:
        """Post ``body``, whatever the status of the answer."""
        headers = {"Content-Type": content_type}
        return self._session.post(f"{self._url}/{path}", params=dict(params), data=body, headers=headers)


def judged(response: requests.Response, place: str) -> requests.Response:
    """The answer, if its status is 200. Raises ``SourceStopped`` for a refused token, else ``PageRefused``."""
    if response.status_code == 200:
        return response
    words = told(response.content)
    if response.status_code in (401, 403):
        raise SourceStopped(f"ADS does not accept the token (status {response.status_code}{words}). {_MAKE_ANEW}")
    raise PageRefused(f"{place}: status {response.status_code}{words}")


def clause(name: str, search: str) -> str:
    """The search in brackets, so that what is joined to it holds for all of it. Raises ``SourceStopped`` naming it.

    Refused is what would change the meaning of the whole query without a word: quotes or brackets that do not pair, and
    a search of exclusions alone, which Solr answers with nothing.
    """
    bare = _PHRASE.sub("Q", search)
    depth = lowest = 0
    for sign in bare:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        lowest = min(lowest, depth)
    if '"' in bare or depth or lowest < 0:
        raise SourceStopped(f"ADS: in the search {name} quotes or brackets do not pair; correct it in the profile")
    if not _EXCLUSION.sub(" ", bare).strip():
        raise SourceStopped(f"ADS: the search {name} asks for nothing but exclusions; say what it looks for")
    return f"({search})"
