"""A mail server that does nothing but say yes, and two ways to send to it: biblio's sender, and a plain loop.

usage: python -m bench.survey_post   (serves on a free port of 127.0.0.1, and prints the port)
"""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage


class _Talk(asyncio.Protocol):
    """One connection: every verb is answered at once, a letter is read to its dot and forgotten."""

    def __init__(self) -> None:
        self._held = b""
        self._in_letter = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 bench ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._read():
            pass

    def _read(self) -> bool:
        """Answer the next line, or the end of a letter; return whether there was one."""
        if self._in_letter:
            _letter, dot, rest = self._held.partition(b"\r\n.\r\n")
            if not dot:
                return False
            self._held, self._in_letter = rest, False
            self._transport.write(b"250 taken\r\n")
            return True
        line, end, rest = self._held.partition(b"\r\n")
        if not end:
            return False
        self._held = rest
        verb = line[:4].upper()
        self._in_letter = verb == b"DATA"
        self._transport.write(
            b"354 go on\r\n" if self._in_letter else b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n"
        )
        if verb == b"QUIT":
            self._transport.close()
        return True


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def mail_server() -> Iterator[int]:
    """Run the server in a process of its own; yield its port."""
    server = subprocess.Popen([sys.executable, "-m", "bench.survey_post"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def plain_rate(port: int, letters: int) -> float:
    """Send ``letters`` as large as ours over one connection, no database, nothing looked at; return letters a second."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "library@example.org", "person@example.org", "A question"
    message.set_content("What became of your observations?\n" * 45)
    content = message.as_bytes()
    with smtplib.SMTP("127.0.0.1", port) as server:
        begun = time.perf_counter()
        for _ in range(letters):
            server.mail("library@example.org")
            server.rcpt("person@example.org")
            server.data(content)
        return letters / (time.perf_counter() - begun)


if __name__ == "__main__":
    asyncio.run(_serve())
