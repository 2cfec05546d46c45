"""The connections under a polite session: read against one moment by which an answer must be there, head and body.

``requests`` bounds each read from the socket only, so a service that drips its head a byte at a time keeps a request
open as long as it likes. Here the time left shrinks with every read.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager, pool_classes_by_scheme


class BoundedAdapter(HTTPAdapter):
    """Sends requests whose answers must be there ``total_s`` seconds after they were sent, or a read times out."""

    def __init__(self, total_s: float) -> None:
        self._pools = _pools(total_s)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections, bounded ones."""
        super().init_poolmanager(*args, **kwargs)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pools of a proxy, bounded ones; a SOCKS proxy has connections of its own, which stay as they are."""
        return self._bound(super().proxy_manager_for(*args, **kwargs))

    def _bound(self, manager: PoolManager) -> PoolManager:
        if manager.pool_classes_by_scheme is pool_classes_by_scheme:
            manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(total_s: float) -> dict[str, type[HTTPConnectionPool]]:
    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            ends = time.monotonic() + total_s
            self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock.settimeout, sock.gettimeout(), ends))

    class Plain(HTTPConnection):
        response_class = Answer

    class Secure(HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Bounded(io.RawIOBase):
    """What comes from a socket until ``ends`` (of ``time.monotonic``); each read waits ``read_s`` seconds at most."""

    def __init__(
        self, raw: io.RawIOBase, set_timeout: Callable[[float | None], None], read_s: float | None, ends: float
    ) -> None:
        self._raw = raw
        self._set_timeout = set_timeout
        self._read_s = read_s
        self._ends = ends

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there. Raises ``TimeoutError`` once the time is over."""
        left_s = self._ends - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer takes too long")
        self._set_timeout(left_s if self._read_s is None else min(left_s, self._read_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close what is read from."""
        self._raw.close()
        super().close()
