"""Where nothing can listen, a sentence says so."""

from __future__ import annotations

import socket

import pytest
from flask import Flask

from biblio.errors import StartRefused
from biblio.web.listening import listen


def test_a_taken_port_is_refused_with_what_to_do() -> None:
    """No traceback: the sentence names the port and the option."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartRefused, match=rf"127\.0\.0\.1:{port}: .* Choose another --port"):
            listen(Flask("empty"), host="127.0.0.1", port=port, threads=1)


def test_an_address_of_nobody_is_refused() -> None:
    """An address of documentation, which no machine has, is no traceback either."""
    with pytest.raises(StartRefused, match=r"Nothing can listen on 192\.0\.2\.1:0"):
        listen(Flask("empty"), host="192.0.2.1", port=0, threads=1)
