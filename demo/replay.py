"""A small server on the loopback address that answers as arXiv, ADS and an archive's TAP service do.

``with ReplayServer(folder) as server: server.url`` or ``python -m demo.replay FOLDER [--port N]``. It knows the folder
that ``demo.make_observatory`` wrote and nothing else. Doors, below the address it prints:

    /arxiv/api/query  /arxiv/oai  /arxiv/rss/ARCHIVE[+…]  /arxiv/e-print/ID[vN]  /arxiv/src/ID[vN]
    /ads/v1/search/query  /ads/v1/search/bigquery  /ads/v1/metrics  /ads/v1/biblib/libraries[/ID]
    /ads/v1/biblib/documents/ID  POST what to add or remove
    /tap/sync  /tap/async[/JOB…]  /tap/availability  /tap/capabilities  /tap/tables
    /replay/day     POST a day as YYYY-MM-DD: from now on the services stand as they stood on that day
    /replay/faults  GET the faults that wait and those that struck; POST a JSON list to replace them, [] for none

The seeded faults of ``faults.json`` strike once each; ``--no-faults`` leaves them out, ``--fault KIND@DOOR[:N[:TIMES]]``
(repeatable) sets others in their place. ``demo.replay_faults`` lists the kinds and the doors.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterable
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from demo.replay_ads import Ads
from demo.replay_arxiv import Answer, Arxiv
from demo.replay_faults import HTML, Fault, Faults, Timing, send
from demo.replay_rss import announcements
from demo.replay_tap import Tap

_NOT_FOUND = Answer(404, HTML, b"<html><body><h1>404 Not Found</h1></body></html>")


class Services:
    """All the services of one folder; ``answer`` is the whole of what the server does."""

    def __init__(self, folder: Path, *, with_faults: bool = True) -> None:
        self.today = date.fromisoformat(json.loads((folder / "summary.json").read_text("utf-8"))["today"])
        self.arxiv = Arxiv(folder, self.today)
        self.ads = Ads(folder, self.today)
        self.tap = Tap(folder, self.today)
        self.faults = Faults(json.loads((folder / "faults.json").read_text("utf-8")) if with_faults else [])

    def show(self, day: date) -> None:
        """Let all services stand as they stood at the end of ``day``, up to the day the folder was made for."""
        for service in (self.arxiv, self.ads, self.tap):
            service.show(min(day, self.today))

    def answer(self, target: str, body: bytes, token: str, base: str) -> Answer:
        """Answer one request, spoiled where a fault is due: ``target`` is path and query, ``base`` our own address."""

        def ask(target: str, body: bytes) -> Answer:
            return self._clean_answer(target, body, token, base)

        if urlsplit(target).path.rstrip("/") == "/replay/faults":
            return self._set_faults(body)
        return self.faults.spoil(target, body, ask(target, body), ask)

    def _clean_answer(self, target: str, body: bytes, token: str, base: str) -> Answer:
        parts = urlsplit(target)
        given = parse_qs(parts.query, keep_blank_values=True)
        path = parts.path.rstrip("/")
        if path.startswith("/ads/v1/"):
            is_known = path in _ADS or path.startswith(("/ads/v1/biblib/libraries/", "/ads/v1/biblib/documents/"))
            return self.ads.answer(path.removeprefix("/ads/v1/"), given, body, token) if is_known else _NOT_FOUND
        if path in ("/arxiv/api/query", "/arxiv/oai", "/tap/sync") and body:
            given |= parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        last = {name: values[-1] for name, values in given.items()}
        if path == "/arxiv/api/query":
            return self.arxiv.query(last)
        if path == "/arxiv/oai":
            return self.arxiv.oai(last)
        if path.startswith("/arxiv/rss/"):
            return announcements(self.arxiv, path.removeprefix("/arxiv/rss/"))
        for door in ("/arxiv/e-print/", "/arxiv/src/"):
            if path.startswith(door):
                return self.arxiv.eprint(path.removeprefix(door))
        if path == "/tap/sync":
            return self.tap.sync(last)
        if path == "/replay/day":
            return self._set_day(body)
        if path.startswith("/tap/async"):
            method = "POST" if body else "GET"
            form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            return self.tap.job(method, path.removeprefix("/tap/async"), form, f"{base}/tap")
        if path in ("/tap/availability", "/tap/capabilities", "/tap/tables"):
            return self.tap.describe(path.removeprefix("/tap/"), f"{base}/tap")
        return _NOT_FOUND

    def _set_day(self, body: bytes) -> Answer:
        try:
            self.show(date.fromisoformat(body.decode("ascii", "replace").strip()))
        except ValueError:
            return Answer(400, _TEXT, b"post a day as YYYY-MM-DD\n")
        return Answer(200, _TEXT, b"ok\n")

    def _set_faults(self, body: bytes) -> Answer:
        try:
            if body:
                told = json.loads(body)
                if not isinstance(told, list):
                    raise ValueError("post a JSON list of faults")
                self.faults.set(told)
        except ValueError as wrong:
            return Answer(400, _TEXT, f"{wrong}\n".encode())
        return Answer(200, _JSON, json.dumps(self.faults.told()).encode())


_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"
_ADS = ("/ads/v1/search/query", "/ads/v1/search/bigquery", "/ads/v1/metrics", "/ads/v1/biblib/libraries")


class ReplayServer:
    """The services of ``folder`` on 127.0.0.1; ``port`` 0 takes a free one. Use as a context manager, or start/stop.

    ``with_faults``: with the seeded ones. ``timing`` says how long a silence lasts and how slowly an answer drips.
    """

    def __init__(self, folder: Path, *, port: int = 0, with_faults: bool = True, timing: Timing | None = None) -> None:
        self.services = Services(folder, with_faults=with_faults)
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.services = self.services
        self._http.timing = timing or Timing()
        self._http.stopping = threading.Event()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="replay", daemon=True)

    def show(self, day: date) -> None:
        """Let the services stand as they stood on ``day`` (the same as POSTing it to /replay/day)."""
        self.services.show(day)

    def set_faults(self, faults: Iterable[object]) -> None:
        """Replace the faults that wait (the same as POSTing them to /replay/faults). Raises ``ValueError``."""
        self.services.faults.set(faults)

    @property
    def url(self) -> str:
        """The address without a trailing slash, as ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> str:
        """Serve in the background and return the address."""
        self._thread.start()
        return self.url

    def stop(self) -> None:
        """Stop serving, end every silence, and free the port."""
        self._http.stopping.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> ReplayServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    services: Services
    timing: Timing
    stopping: threading.Event

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle (killed, or tired of waiting) is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to ``Services`` and writes the answer; logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together: in two packets each answer waited 40 ms for the client's ACK
    server: _Http

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve(b"")

    def do_HEAD(self) -> None:
        """Answer a HEAD."""
        self._serve(b"")

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def do_DELETE(self) -> None:
        """Answer a DELETE: only the jobs of the archive can be deleted."""
        path = urlsplit(self.path).path.rstrip("/")
        is_job = path.startswith("/tap/async/")
        job = self.server.services.tap.job
        answer = job("DELETE", path.removeprefix("/tap/async"), {}, "") if is_job else _NOT_FOUND
        send(self, answer, self.server.timing, self.server.stopping)

    def _serve(self, body: bytes) -> None:
        base = f"http://{self.headers.get('Host', '127.0.0.1')}"
        answer = self.server.services.answer(self.path, body, self.headers.get("Authorization", ""), base)
        send(self, answer, self.server.timing, self.server.stopping)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: the demo's own lines are what a person wants to read."""


def _fault(written: str) -> dict[str, object]:
    """Read ``--fault``; what is wrong with it is told as argparse tells its own."""
    try:
        told = Fault.parse(written).told()
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from wrong
    del told["struck"]
    return told


def main(arguments: list[str] | None = None) -> int:
    """Serve a folder until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo.replay", description="Replay a demo observatory's services.")
    parser.add_argument("folder", type=Path, help="what demo.make_observatory wrote")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--no-faults", action="store_true", help="answer without the seeded faults")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="KIND@DOOR[:N[:TIMES]]",
        help="in place of the seeded faults; repeatable (see demo.replay_faults)",
    )
    chosen = parser.parse_args(arguments)
    seeded = not chosen.no_faults and not chosen.fault
    with ReplayServer(chosen.folder, port=chosen.port, with_faults=seeded) as server:
        if chosen.fault:
            server.set_faults(chosen.fault)
        print(f"arXiv {server.url}/arxiv\nADS   {server.url}/ads/v1\nTAP   {server.url}/tap", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
