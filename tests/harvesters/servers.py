"""A small real HTTP server on loopback whose answers a test decides."""

from __future__ import annotations

import contextlib
import io
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

    With ``drip_s`` the body, with ``drip_head_s`` the head leaves one byte at a time, that many seconds apart.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    drop: bool = False
    drip_s: float = 0.0
    drip_head_s: float = 0.0


@dataclass
class Served:
    """A running server: its address, what it was asked, the bytes that have dripped out of it, its open connections."""

    url: str
    asked: list[Asked]
    dripped: bytearray
    open: int = 0
    most_open: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def connected(self, by: int) -> None:
        """Count a connection that is opened or closed."""
        with self.changed:
            self.open += by
            self.most_open = max(self.most_open, self.open)
            self.changed.notify_all()

    def all_closed(self) -> bool:
        """Whether no connection is left open; the server needs a moment to see that the other end is gone."""
        with self.changed:
            return self.changed.wait_for(lambda: self.open == 0, timeout=5)


@contextmanager
def serving(answer: Callable[[Asked], Reply], *, keeps_open: bool = False) -> Iterator[Served]:
    """Run a server that answers by ``answer`` until the block ends.

    With ``keeps_open`` it leaves each connection open for the next request, even when it is asked not to.
    """
    served = Served("", [], bytearray())
    asked, dripped = served.asked, served.dripped

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps_open else "HTTP/1.0"

        def setup(self) -> None:
            served.connected(1)
            super().setup()

        def finish(self) -> None:
            super().finish()
            served.connected(-1)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            request = Asked(self.command, parts.path, query, dict(self.headers.items()), body)
            asked.append(request)
            self._reply(answer(request))

        do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

        def _reply(self, reply: Reply) -> None:
            self.close_connection = reply.drop or reply.cut > 0 or not keeps_open
            if reply.drop:
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body) + reply.cut))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):
                self._send_head(reply.drip_head_s)
                self._drip(reply.body, reply.drip_s)

        def _send_head(self, drip_s: float) -> None:
            wire, self.wfile = self.wfile, io.BytesIO()
            self.end_headers()
            head, self.wfile = self.wfile.getvalue(), wire
            self._drip(head, drip_s)

        def _drip(self, sent: bytes, drip_s: float) -> None:
            if not drip_s:
                self.wfile.write(sent)
                return
            for byte in sent:
                self.wfile.write(bytes([byte]))
                dripped.append(byte)
                time.sleep(drip_s)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


QUICK = HttpLimits(
    connect_s=5, read_s=5, total_s=5, body_bytes=1024 * 1024, attempts=3, wait_initial_s=0.0, wait_max_s=0.0
)
"""The limits of tests: the same patience in number, none in time."""
