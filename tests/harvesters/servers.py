"""A small real HTTP server on loopback whose answers a test decides."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from harvesters.http import HttpLimits


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer; ``cut`` promises that many bytes more than are sent, ``drop`` closes without any answer.

    With ``drip_s`` the body leaves one byte at a time, that many seconds apart.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    drop: bool = False
    drip_s: float = 0.0


@dataclass
class Served:
    """A running server: its address, what it was asked, and the bytes that have dripped out of it."""

    url: str
    asked: list[Asked]
    dripped: bytearray


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Served]:
    """Run a server that answers by ``answer`` until the block ends."""
    asked: list[Asked] = []
    dripped = bytearray()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            request = Asked(self.command, parts.path, query, dict(self.headers.items()), body)
            asked.append(request)
            self._reply(answer(request))

        do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

        def _reply(self, reply: Reply) -> None:
            self.close_connection = True
            if reply.drop:
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body) + reply.cut))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not reply.drip_s:
                self.wfile.write(reply.body)
                return
            with contextlib.suppress(ConnectionError):
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    dripped.append(byte)
                    time.sleep(reply.drip_s)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}", asked, dripped)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


QUICK = HttpLimits(
    connect_s=5, read_s=5, total_s=5, body_bytes=1024 * 1024, attempts=3, wait_initial_s=0.0, wait_max_s=0.0
)
"""The limits of tests: the same patience in number, none in time."""
