"""A real SMTP server on loopback for tests (aiosmtpd): it keeps what it accepted, and can refuse, stall or break off."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Box:
    """What a server accepted, and what it is to say; ``on`` maps a verb to a function called when it comes."""

    def __init__(self) -> None:
        self.accepted: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.on: dict[str, Callable[[], None]] = {}
        self.lock = threading.Lock()
        self.port = 0

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        return Counter(str(message["Message-ID"]) for message in self.accepted)

    def _said(self, verb: str, fine: str) -> str:
        if verb in self.on:
            self.on[verb]()
        return self.answers.get(verb, fine)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the sender."""
        said = self._said("MAIL", "250 OK")
        if said.startswith("250"):
            envelope.mail_from = address
        return said

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient."""
        said = self._said("RCPT", "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the letter. "drop before" and "drop after" break the talk off before or after it was accepted."""
        said = self._said("DATA", "250 OK")
        if said != "drop before" and not said.startswith(("4", "5")):
            with self.lock:
                message = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
                assert isinstance(message, EmailMessage)
                self.accepted.append(message)
        if said.startswith("drop"):
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
            return "250 nobody hears this"
        if "ACCEPTED" in self.on:
            self.on["ACCEPTED"]()
        return said


class _Controller(Controller):
    def factory(self) -> Any:
        """Return the protocol; names need not be resolved here."""
        return SMTP(self.handler, hostname="mail.test", enable_SMTPUTF8=False)


@contextmanager
def smtp_server() -> Iterator[Box]:
    """Run a server on a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Box()
    box.port = port
    controller = _Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class TalkBreaks(Exception):
    """The server closes the connection here, without another word."""


class Strict:
    """A mail server of sockets alone, whose every moment is counted: before and after each answer, and within DATA.

    ``moments`` names those that were; at the moment number ``break_at`` it closes the connection. ``ids`` counts what it
    accepted: a letter whose last dot it heard and that it had put aside when it went on. A client that has its last answer
    goes on while the server passes its last moment: ``passed`` and ``again`` wait for the end of every talk.
    """

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.moments: list[str] = []
        self.break_at = 0
        self.lock = threading.Lock()
        self.port = 0
        self._talks = 0
        self._ended = threading.Condition()

    @contextmanager
    def talk(self) -> Iterator[None]:
        """Hold a talk: entered before its first moment, left after its last."""
        with self._ended:
            self._talks += 1
        try:
            yield
        finally:
            with self._ended:
                self._talks -= 1
                self._ended.notify_all()

    def passed(self) -> int:
        """Return how many moments were, once every talk has ended."""
        with self._ended:
            assert self._ended.wait_for(lambda: self._talks == 0, timeout=60), "a talk does not end"
        return len(self.moments)

    def again(self, break_at: int) -> None:
        """Count moments anew, once every talk has ended."""
        self.passed()
        self.moments, self.break_at = [], break_at

    def at(self, moment: str) -> None:
        """Pass a moment. Raises ``TalkBreaks`` at the one that was chosen."""
        with self.lock:
            self.moments.append(moment)
            if len(self.moments) == self.break_at:
                raise TalkBreaks

    def accept(self, content: bytes) -> None:
        """Put a letter aside for good."""
        with self.lock:
            self.ids[str(message_from_bytes(content, policy=policy.default)["Message-ID"])] += 1


class _Talk(socketserver.StreamRequestHandler):
    strict: Strict

    def handle(self) -> None:
        with self.strict.talk(), contextlib.suppress(TalkBreaks, OSError):
            self._say("connect", "220 mail.test")
            while line := self.rfile.readline():
                verb = line.split()[0].decode().upper()
                if verb == "DATA":
                    self._say(verb, "354 go on")
                    content = self._content()
                    if content is None:
                        return
                    self.strict.at("before accepting")
                    self.strict.accept(content)
                    verb = "the letter"
                self._say(verb, "221 bye" if verb == "QUIT" else "250 OK")
                if verb == "QUIT":
                    return

    def _say(self, verb: str, answer: str) -> None:
        self.strict.at(f"before answering {verb}")
        self.wfile.write(f"{answer}\r\n".encode())
        self.wfile.flush()
        self.strict.at(f"after answering {verb}")

    def _content(self) -> bytes | None:
        lines: list[bytes] = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line)
            if len(lines) in (1, 5):
                self.strict.at(f"after line {len(lines)} of the letter")
        return None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 20


@contextmanager
def strict_server() -> Iterator[Strict]:
    """Run a server on a free port of 127.0.0.1 whose every moment can be the last."""
    strict = Strict()
    with _Server(("127.0.0.1", 0), type("Talk", (_Talk,), {"strict": strict})) as server:
        strict.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield strict
        finally:
            server.shutdown()
            thread.join()
