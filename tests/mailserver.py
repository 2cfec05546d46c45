"""A real SMTP server on loopback for tests (aiosmtpd): it keeps what it accepted, and can refuse, stall or break off."""

from __future__ import annotations

import socket
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
