"""Putting papers into a library of ADS and taking them out (adsabs/biblib-service, biblib/views/document_view.py).

Both are idempotent: a library holds each bibcode once, what it holds already is not added, and what it does not hold is
not removed. So a request whose answer was lost may be sent again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harvesters.ads_lists import library_identifier
from harvesters.ads_port import BASE_URL, AdsPort, judged
from harvesters.ads_records import is_count, json_of, told
from harvesters.errors import PageRefused, SourceStopped, naming
from harvesters.http import PoliteSession

DOCUMENTS_A_DAY = 1_000
"""Requests that change libraries ADS allows a user per day (adsabs/biblib-service, biblib/views/document_view.py)."""

MAX_BIBCODES = 1_000
"""Bibcodes sent at once: ADS looks each list up by bigquery, which takes 2,000."""


class NotWritable(SourceStopped):
    """The library cannot be changed with this token; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What ADS did: ``number`` entries more or fewer. ``refused`` are bibcodes that it has no record of."""

    number: int
    refused: tuple[str, ...] = ()


def change_library(
    session: PoliteSession,
    library_id: str,
    action: Literal["add", "remove"],
    bibcodes: Sequence[str],
    *,
    token: str | None,
    base_url: str = BASE_URL,
) -> Changed:
    """Add ``bibcodes`` (at most ``MAX_BIBCODES``) to a library, or remove them; one request.

    Raises ``NotWritable`` where the library is not there or not ours to write, ``SourceStopped`` for a token that is
    missing or refused, ``PageRefused`` for an answer that does not say what was done.
    """
    if not 1 <= len(bibcodes) <= MAX_BIBCODES:
        raise ValueError(f"a library is changed by 1 to {MAX_BIBCODES} bibcodes at once, not {len(bibcodes)}")
    identifier = library_identifier(library_id)
    port = AdsPort(session, token, base_url)
    port.open()
    port.assume("biblib/documents", DOCUMENTS_A_DAY)
    place = f"ADS library {identifier}, {len(bibcodes)} papers to {action}"
    body = json.dumps({"bibcode": list(bibcodes), "action": action}).encode()
    with naming(place):
        response = port.send(f"biblib/documents/{identifier}", {}, body, "application/json")
    content_type = response.headers.get("Content-Type", "")
    if response.status_code == 400 and (refused := _refused_of(_told_json(response.content), bibcodes)):
        return Changed(0, refused)
    if response.status_code in _ERRORS:
        words = _ERRORS[response.status_code]
        raise NotWritable(f"ADS library {identifier}: {words} (status {response.status_code}{told(response.content)})")
    answer = json_of(judged(response, place).content, content_type, place)
    number = answer.get("number_added" if action == "add" else "number_removed")
    if not is_count(number):
        raise PageRefused(f"{place}: the answer does not say how many were changed")
    return Changed(number, _refused_of(answer, bibcodes))


_ERRORS = {
    400: "ADS does not take this id; give the last part of the library's address",
    403: "the token's account may not change it; let its owner give that account the right to write",
    404: "there is none under this id; it may have been deleted",
    410: "there is none under this id; it may have been deleted",
}


def _told_json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _refused_of(answer: dict[str, Any], asked: Sequence[str]) -> tuple[str, ...]:
    """The bibcodes of ours that ADS says it has no record of, under either name it has had for them."""
    named = [answer.get(name) for name in ("invalid_bibcodes", "invalid_identifiers")]
    listed = {code for codes in named if isinstance(codes, list) for code in codes if isinstance(code, str)}
    return tuple(code for code in asked if code in listed)
