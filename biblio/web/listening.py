"""The server that ``biblio serve`` and the demo run: waitress, listening before anybody is told the address."""

from __future__ import annotations

import socket
from typing import Any

import waitress
from flask import Flask

from biblio.errors import StartRefused


def listen(app: Flask, *, host: str, port: int, threads: int) -> Any:
    """Return a waitress server that listens on ``host`` and ``port`` (0: any free one); ``run()`` serves.

    Raises ``StartRefused`` where nobody may listen there: the port is taken, or the address is not this machine's.
    """
    try:
        _try(host, port)
        return waitress.create_server(app, host=host, port=port, threads=threads, ident=None)
    except OSError as error:
        raise _refused(host, port, error) from error


def check_free(host: str, port: int) -> None:
    """Raise ``StartRefused`` as ``listen`` would: for whoever has minutes of work to do before listening."""
    try:
        _try(host, port)
    except OSError as error:
        raise _refused(host, port, error) from error


def _refused(host: str, port: int, error: OSError) -> StartRefused:
    return StartRefused(
        f"Nothing can listen on {host}:{port}: {error.strerror or error}. Choose another --port; 0 takes any free one."
    )


def _try(host: str, port: int) -> None:
    """Bind and let go: where that fails, waitress would fail too, and leave its socket open."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as waitress does, for ports that were just left
        probe.bind(address)
