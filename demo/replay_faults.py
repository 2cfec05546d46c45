"""What the replay server does wrong on purpose: which door, at which answer, how often, and how it looks on the wire.

A fault is a JSON object: ``{"service": DOOR, "kind": KIND, "request": n or "every", "times": k or "always"}``.
``request`` (default 1) is the number of the door's answer, counted from the moment the fault was set, at which it may
strike first; only answers that hold records are counted. ``times`` (default 1; with "every": always) is how often it
strikes. A fault that cannot be played on an answer (an expired token where no token was sent, records of a page before
where there was none) waits for the next one it can be played on.

Doors: ``arxiv_api arxiv_oai arxiv_rss eprint ads_search ads_bigquery ads_documents ads_libraries ads_metrics tap``. Kinds:

    too_many too_many_wait        429, without and with ``Retry-After: 1``
    error_500                     500
    unavailable unavailable_wait  503, without and with ``Retry-After: 1``
    time_out                      takes the request and says nothing
    reset reset_head              the connection is reset before any byte, or after the head
    truncated short_body          the body is cut: with the length of what is left, or with the length of the whole
    drip                          a byte every so often
    html                          status 200 and a page that says "Rate exceeded."
    wrong_charset wrong_charset_16  the header says latin-1 or UTF-16, the body is UTF-8
    empty_page                    no record, though the same number is promised
    expired_token                 OAI's ``badResumptionToken`` (arxiv_oai)
    duplicate                     the last records of the page before come once more, before this page's own
    reordered                     this page and the next one have changed some of their records
    displaced                     records of the page before in place of this page's own, which never come: what an
                                  order does that is not the same from one request to the next
    changed_total shrunk_total    the promised number is one more, or only what has been given so far

``time_out`` and ``drip`` last as long as ``Timing`` says. A kind that makes no sense at a door is refused with a
sentence (``ValueError``; over HTTP status 400).
"""

from __future__ import annotations

import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from demo.replay_arxiv import Answer

Json = dict[str, Any]
Ask = Callable[[str, bytes], Answer]
"""Asks the same server, without faults, for another target and body: the page before, the page after."""

HTML = "text/html; charset=utf-8"
_PATHS = {
    "/arxiv/api/query": "arxiv_api",
    "/arxiv/oai": "arxiv_oai",
    "/arxiv/rss": "arxiv_rss",
    "/arxiv/e-print": "eprint",
    "/arxiv/src": "eprint",
    "/ads/v1/search/query": "ads_search",
    "/ads/v1/search/bigquery": "ads_bigquery",
    "/ads/v1/biblib/documents": "ads_documents",
    "/ads/v1/biblib": "ads_libraries",
    "/ads/v1/metrics": "ads_metrics",
    "/tap": "tap",
}
DOORS = tuple(dict.fromkeys(_PATHS.values()))

_STATUSES: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {
    "too_many": (429, ()),
    "too_many_wait": (429, (("Retry-After", "1"),)),
    "error_500": (500, ()),
    "unavailable": (503, ()),
    "unavailable_wait": (503, (("Retry-After", "1"),)),
}
_MANNERS = ("time_out", "reset", "reset_head", "short_body", "drip")
_CHARSETS = {"wrong_charset": "iso-8859-1", "wrong_charset_16": "utf-16"}
_ANYWHERE = (*_STATUSES, *_MANNERS, "truncated", "html")
_PAGED = ("duplicate", "reordered", "displaced")
_TOTALS = ("changed_total", "shrunk_total")
KINDS: Mapping[str, tuple[str, ...]] = {
    "arxiv_api": (*_ANYWHERE, *_CHARSETS, "empty_page", *_PAGED, *_TOTALS),
    "arxiv_oai": (*_ANYWHERE, *_CHARSETS, "empty_page", "expired_token", *_PAGED),
    "arxiv_rss": (*_ANYWHERE, *_CHARSETS),  # an empty feed is no fault: there is one every weekend
    "eprint": _ANYWHERE,
    "ads_search": (*_ANYWHERE, *_CHARSETS, "empty_page", *_PAGED, *_TOTALS),
    "ads_bigquery": (*_ANYWHERE, *_CHARSETS, "empty_page", *_TOTALS),
    "ads_documents": (*_ANYWHERE, *_CHARSETS),  # what was asked is done, whatever becomes of the answer
    "ads_libraries": (*_ANYWHERE, *_CHARSETS, "empty_page", *_TOTALS),
    "ads_metrics": (*_ANYWHERE, *_CHARSETS),
    "tap": (*_ANYWHERE, *_CHARSETS, "empty_page"),
}
"""Door → the faults it can have."""

_RECORDS = {
    "arxiv_api": re.compile(rb"[ ]*<entry>.*?</entry>\s*", re.DOTALL),
    "arxiv_oai": re.compile(rb"<record>.*?</record>\s*", re.DOTALL),
    "tap": re.compile(rb"<TR>.*?</TR>\s*", re.DOTALL),
}
_MOVED = 3
"""How many records a page takes from its neighbour."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long faults last, in seconds: the silence of ``time_out``, and the pause between two bytes of ``drip``."""

    silence_s: float = 600.0
    drip_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Spoiled(Answer):
    """An answer that a fault has touched; ``manner`` says how it goes over the wire ("" for as any other)."""

    manner: str = ""


@dataclass(slots=True)
class Fault:
    """One fault that waits or has struck. ``times`` None: always."""

    service: str
    kind: str
    request: int = 1
    times: int | None = 1
    seen: int = 0
    struck: int = 0

    @classmethod
    def of(cls, told: object) -> Fault:
        """Read one from JSON. Raises ``ValueError`` with a sentence for a door, kind or number that makes no sense."""
        if not isinstance(told, dict):
            raise ValueError(f"a fault is an object with service and kind, not {str(told)[:40]!r}")
        unknown = set(told) - {"service", "kind", "request", "times", "why"}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(map(str, unknown)))}")
        service, kind = str(told.get("service")), str(told.get("kind"))
        if service not in KINDS:
            raise ValueError(f"there is no door {service!r}; there are: {', '.join(DOORS)}")
        if kind not in KINDS[service]:
            raise ValueError(f"the door {service} cannot have the fault {kind!r}; it can: {', '.join(KINDS[service])}")
        every = told.get("request") == "every"
        request = 1 if every else _number(told.get("request", 1), "request")
        times = told.get("times", "always" if every else 1)
        return cls(service, kind, request, None if times == "always" else _number(times, "times"))

    @classmethod
    def parse(cls, written: str) -> Fault:
        """Read ``KIND@DOOR``, ``KIND@DOOR:REQUEST`` or ``KIND@DOOR:REQUEST:TIMES``. Raises ``ValueError``."""
        kind, at, place = written.partition("@")
        parts = place.split(":")
        if not at or len(parts) > 3:
            raise ValueError(f"a fault is written KIND@DOOR, KIND@DOOR:REQUEST or KIND@DOOR:REQUEST:TIMES: {written!r}")
        return cls.of({"service": parts[0], "kind": kind} | dict(zip(("request", "times"), parts[1:], strict=False)))

    def told(self) -> Json:
        """The fault as JSON, with how often it has struck."""
        times = "always" if self.times is None else self.times
        told: Json = {"service": self.service, "kind": self.kind, "request": self.request, "times": times}
        return told | {"struck": self.struck}

    def is_due(self) -> bool:
        """Whether it may strike at the answer counted last."""
        return self.seen >= self.request and (self.times is None or self.struck < self.times)


def _number(value: object, name: str) -> int:
    if isinstance(value, bool) or not str(value).isdigit() or int(str(value)) < 1:
        raise ValueError(f"{name} is a number from 1 on{' or every' if name == 'request' else ' or always'}: {value!r}")
    return int(str(value))


def door_of(path: str) -> str | None:
    """The door a path belongs to, or None for those that hold no records."""
    return next((door for start, door in _PATHS.items() if path == start or path.startswith(f"{start}/")), None)


class Faults:
    """The faults of one server: those that wait, and what struck (``"arxiv_api: html"``), in order."""

    def __init__(self, waiting: Iterable[object] = ()) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._owed: dict[str, list[Any]] = {}
        self._last: dict[str, bytes] = {}
        self.struck: list[str] = []
        self.set(waiting)

    def set(self, faults: Iterable[object]) -> None:
        """Replace those that wait and forget what struck. Raises ``ValueError`` and changes nothing for a wrong one."""
        read = [Fault.of(told) for told in faults]
        with self._lock:
            self._faults, self.struck = read, []
            self._owed.clear()
            self._last.clear()

    def told(self) -> Json:
        """Those that wait and what struck, as JSON."""
        with self._lock:
            waiting = [fault.told() for fault in self._faults if fault.times is None or fault.struck < fault.times]
            return {"waiting": waiting, "struck": list(self.struck)}

    def spoil(self, target: str, body: bytes, clean: Answer, ask: Ask) -> Answer:
        """Count the answer and return it as it leaves the server: spoiled where a fault is due, else clean."""
        door = door_of(urlsplit(target).path.rstrip("/"))
        if door is None or not clean.records:
            return clean
        asked = _Asked(door, target, body, clean, ask)
        with self._lock:
            clean = self._repaid(asked)
            before, self._last[door] = self._last.get(door), clean.body
            faults = [fault for fault in self._faults if fault.service == door]
            for fault in faults:
                fault.seen += 1
            for fault in faults:
                spoiled = self._play(fault.kind, replace(asked, clean=clean), before) if fault.is_due() else None
                if spoiled is not None:
                    fault.struck += 1
                    self.struck.append(f"{door}: {fault.kind}")
                    return spoiled
        return clean

    def _play(self, kind: str, asked: _Asked, before: bytes | None) -> Answer | None:
        """The answer with this fault; None where it cannot be played on it."""
        clean = asked.clean
        if kind in _STATUSES:
            status, headers = _STATUSES[kind]
            return Spoiled(status, HTML, f"<html><body><h1>{status}</h1></body></html>".encode(), headers=headers)
        if kind in _MANNERS:
            return _with_body(clean, clean.body, manner=kind)
        if kind in _CHARSETS:
            media = clean.content_type.partition(";")[0]
            return replace(_with_body(clean, clean.body), content_type=f"{media}; charset={_CHARSETS[kind]}")
        if kind == "html":
            return Spoiled(200, HTML, b"<html><body><p>Rate exceeded.</p></body></html>")
        if kind == "truncated":
            return _with_body(clean, clean.body[: len(clean.body) * 2 // 3])
        if kind == "expired_token":
            return _expired(asked)
        if kind == "empty_page":
            return _emptied(asked)
        if kind in _TOTALS:
            return _promising(asked, kind)
        return self._moved(kind, asked, before)

    def _moved(self, kind: str, asked: _Asked, before: bytes | None) -> Answer | None:
        own = _records(asked.door, asked.clean.body)
        if kind == "reordered":
            following = asked.following()
            others = _records(asked.door, following.body)[:_MOVED] if following else []
            if not others:
                return None
            self._owed[asked.next_page() or ""] = own[: len(others)]
            mixed = [*others, *own[len(others) :]]
            random.Random(len(own)).shuffle(mixed)
            return _with_records(asked, mixed)
        others = _records(asked.door, before)[-_MOVED:] if before and asked.has_page_before() else []
        if not others:
            return None
        return _with_records(asked, [*others, *(own[len(others) :] if kind == "displaced" else own)])

    def _repaid(self, asked: _Asked) -> Answer:
        """The answer with what an earlier page kept back in place of what that page took from it."""
        owed = self._owed.pop(asked.key(), None)
        if owed is None:
            return asked.clean
        return _with_records(asked, [*owed, *_records(asked.door, asked.clean.body)[len(owed) :]])


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request with its clean answer; knows its neighbours' addresses."""

    door: str
    target: str
    body: bytes
    clean: Answer
    ask: Ask

    def parameters(self) -> dict[str, str]:
        given = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        if self.door in ("arxiv_api", "arxiv_oai") and self.body:
            given |= parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in given.items()}

    def key(self) -> str:
        return f"{urlsplit(self.target).path}?{urlencode(sorted(self.parameters().items()))}"

    def next_page(self) -> str | None:
        """The key of the page that follows, or None where it cannot be told."""
        target = self._next_target()
        return replace(self, target=target).key() if target else None

    def following(self) -> Answer | None:
        """The page that follows, where there is one with records."""
        target = self._next_target()
        answer = self.ask(target, self.body) if target else None
        return answer if answer is not None and answer.status == 200 and answer.records else None

    def has_page_before(self) -> bool:
        """Whether this page is not the first of its list (the door's answer before was then the page before)."""
        given = self.parameters()
        if self.door == "arxiv_api":
            return int(given.get("start") or 0) > 0
        if self.door == "arxiv_oai":
            return "resumptionToken" in given
        return int(json.loads(self.clean.body)["response"].get("start") or 0) > 0

    def _next_target(self) -> str | None:
        given, path = self.parameters(), urlsplit(self.target).path
        if self.door == "arxiv_api":
            start = int(given.get("start") or 0) + int(given.get("max_results") or 10)
            return f"{path}?{urlencode(given | {'start': str(start)})}"
        if self.door == "arxiv_oai":
            token = re.search(rb"<resumptionToken[^>]*>([^<]+)<", self.clean.body)
            query = {"verb": "ListRecords", "resumptionToken": token[1].decode()} if token else None
            return f"{path}?{urlencode(query)}" if query else None
        mark = json.loads(self.clean.body).get("nextCursorMark")
        known = "cursorMark" in given and mark not in (None, given["cursorMark"])
        return f"{path}?{urlencode(given | {'cursorMark': mark})}" if known else None


def _with_body(clean: Answer, body: bytes, *, manner: str = "") -> Spoiled:
    return Spoiled(clean.status, clean.content_type, body, clean.records, clean.headers, manner)


def _records(door: str, body: bytes) -> list[Any]:
    """The records of a page: pieces of the document, or of ADS (document, highlights)."""
    if door not in _RECORDS:
        answer = json.loads(body)
        highlights = answer.get("highlighting") or {}
        return [(document, highlights.get(str(document.get("id")))) for document in answer["response"]["docs"]]
    return _RECORDS[door].findall(body)


def _with_records(asked: _Asked, records: list[Any]) -> Spoiled:
    body = asked.clean.body
    if asked.door not in _RECORDS:
        answer = json.loads(body)
        answer["response"]["docs"] = [document for document, _ in records]
        if "highlighting" in answer:
            answer["highlighting"] = {str(document["id"]): lights or {} for document, lights in records}
        return _with_body(asked.clean, json.dumps(answer, ensure_ascii=False).encode())
    found = list(_RECORDS[asked.door].finditer(body))
    if not found:
        return _with_body(asked.clean, body)
    return _with_body(asked.clean, body[: found[0].start()] + b"".join(records) + body[found[-1].end() :])


def _emptied(asked: _Asked) -> Spoiled | None:
    """The answer without its records; what it promises stays. Of OAI only a page that promises another one."""
    if asked.door == "arxiv_oai" and not re.search(rb"<resumptionToken[^>]*>[^<]+<", asked.clean.body):
        return None
    if asked.door != "ads_libraries":
        return _with_records(asked, [])
    answer = json.loads(asked.clean.body)
    if not answer.get("documents"):
        return None
    return _with_body(asked.clean, json.dumps(answer | {"documents": []}).encode())


def _expired(asked: _Asked) -> Spoiled | None:
    if "resumptionToken" not in asked.parameters():
        return None
    error = rb'<error code="badResumptionToken">The token has expired</error>'
    body = re.sub(rb"<ListRecords>.*</ListRecords>", error, asked.clean.body, flags=re.DOTALL)
    return _with_body(asked.clean, body)


def _promising(asked: _Asked, kind: str) -> Spoiled | None:
    """The answer with another total: one more, or no more than has been given when this page is read."""
    if asked.door == "arxiv_api":
        given = int(asked.parameters().get("start") or 0) + asked.clean.records
        pattern = rb"(<opensearch:totalResults[^>]*>)(\d+)"
        found = re.search(pattern, asked.clean.body)
        total = _other_total(int(found[2]), given, kind) if found else None
        if total is None:
            return None
        return _with_body(asked.clean, re.sub(pattern, rb"\g<1>%d" % total, asked.clean.body))
    answer = json.loads(asked.clean.body)
    place, name, given = answer.get("response"), "numFound", asked.clean.records
    if asked.door == "ads_libraries":
        place, name = answer.get("metadata"), "num_documents"
    elif place is not None:
        given += int(place.get("start") or 0)
    total = _other_total(int(place[name]), given, kind) if place and name in place else None
    if total is None:
        return None
    place[name] = total
    return _with_body(asked.clean, json.dumps(answer, ensure_ascii=False).encode())


def _other_total(total: int, given: int, kind: str) -> int | None:
    if kind == "changed_total":
        return total + 1
    return given if given < total else None


def send(handler: BaseHTTPRequestHandler, answer: Answer, timing: Timing, stopping: threading.Event) -> None:
    """Write an answer to the wire in its manner; ``stopping`` ends a silence early."""
    manner = answer.manner if isinstance(answer, Spoiled) else ""
    if manner == "time_out":
        stopping.wait(timing.silence_s)
        return _reset(handler)
    if manner == "reset":
        return _reset(handler)
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.content_type)
    handler.send_header("Content-Length", str(len(answer.body)))
    for name, value in answer.headers:
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "HEAD":
        return None
    if manner == "drip":
        return _drip(handler, answer.body, timing.drip_s, stopping)
    if manner in ("reset_head", "short_body"):
        handler.wfile.write(answer.body[: len(answer.body) * 2 // 3] if manner == "short_body" else b"")
        handler.wfile.flush()
        handler.close_connection = True
        return _reset(handler) if manner == "reset_head" else None
    handler.wfile.write(answer.body)
    return None


def _drip(handler: BaseHTTPRequestHandler, body: bytes, pause_s: float, stopping: threading.Event) -> None:
    handler.close_connection = True
    handler.wfile.flush()
    try:
        for place in range(len(body)):
            handler.connection.sendall(body[place : place + 1])
            if stopping.wait(pause_s):
                return
    except OSError:
        return  # the client has had enough


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close at once with RST in place of FIN (SO_LINGER with zero seconds, socket(7))."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.01)  # what was sent before arrives before
    socket.close(handler.connection.detach())
