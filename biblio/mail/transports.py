"""Two ways out for letters: an SMTP server, or a folder of ``.eml`` files."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol

from biblio.errors import RequestRefused
from biblio.settings import Settings
from biblio.store.models import OutboxMail

SMTP_TIMEOUT_S = 30
"""How long one step of the talk with the mail server may take."""


_DRAFT_S = 3600


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one delivery ended: sent, later (nothing was taken), refused (for good), or uncertain (it broke in DATA)."""

    end: str
    reason: str | None = None
    code: int | None = None
    of_recipient: bool = False
    """Whether the server said so of the recipient's address (RCPT), not of the sender or the text."""


class Transport(Protocol):
    """A way out for letters; opened once per sending."""

    name: str

    def open(self) -> None:
        """Get ready; raises ``RequestRefused`` when no letter can go out now."""

    def deliver(self, mail: OutboxMail, message: EmailMessage) -> Delivery:
        """Deliver one letter and say how it ended; does not raise for what a server says."""
        ...

    def close(self) -> None:
        """Say good-bye."""


class FolderTransport:
    """Writes letters as ``KEY.eml`` into a folder: made complete under another name, then linked, so exactly once."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Make the folder, for its owner's eyes only: letters hold addresses and links.

        Drafts that a dead sender left are deleted; a draft lives for moments, so an hour says that its sender is dead.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for draft in self.folder.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > _DRAFT_S:
                    draft.unlink()

    def path(self, key: str) -> Path:
        """Return where the letter with this key lies."""
        return self.folder / f"{key}.eml"

    def deliver(self, mail: OutboxMail, message: EmailMessage) -> Delivery:
        """Write the letter; a letter that lies there already was written before and is not touched."""
        draft = self.folder / f".{mail.key}.{secrets.token_hex(8)}.tmp"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, self.path(mail.key))
            except FileExistsError:
                return Delivery("sent", "The file was there already.")
        except OSError as error:
            return Delivery("later", f"The mail folder cannot be written: {error.strerror or error}")
        finally:
            draft.unlink(missing_ok=True)
        return Delivery("sent")

    def close(self) -> None:
        """Nothing to say good-bye to."""


class SmtpTransport:
    """Speaks SMTP, verb by verb, so that it is known whether a broken talk may have handed the letter over."""

    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = parseaddr(settings.mail_from)[1]
        self._server: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect (and switch to TLS, and log in). Raises ``RequestRefused``; no letter was touched then."""
        s = self._settings
        try:
            server = smtplib.SMTP(
                s.smtp_host or "", s.smtp_port, local_hostname=socket.gethostname(), timeout=SMTP_TIMEOUT_S
            )
            self._server = server
            server.ehlo_or_helo_if_needed()
            if s.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if s.smtp_user:
                server.login(s.smtp_user, s.smtp_password.get_secret_value() if s.smtp_password else "")
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise RequestRefused(
                f"The mail server {s.smtp_host}:{s.smtp_port} cannot be used ({_said(error)}). No letter was sent; "
                "they wait. Check BIBLIO_SMTP_*."
            ) from error

    def deliver(self, mail: OutboxMail, message: EmailMessage) -> Delivery:
        """Speak MAIL, RCPT and DATA. Nothing is handed over before the server asks for the text; a break then leaves doubt."""
        try:
            if self._server is None:
                self.open()
            server = self._server
            assert server is not None
            for verb, fine in (("MAIL", 2), ("RCPT", 2), ("DATA", 3)):
                code, text = self._asked(server, verb, mail.email)
                if code // 100 != fine:
                    server.rset()
                    return replace(_said_no(code, text), of_recipient=verb == "RCPT")
        except (OSError, smtplib.SMTPException, RequestRefused) as error:
            self._drop()
            return Delivery("later", f"The talk broke before the letter was handed over ({_said(error)}).")
        try:
            server.send(_on_the_wire(message))
            code, text = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Delivery("uncertain", f"The talk broke while the letter was handed over ({_said(error)}).")
        return Delivery("sent") if 200 <= code < 300 else _said_no(code, text)

    def _asked(self, server: smtplib.SMTP, verb: str, address: str) -> tuple[int, bytes]:
        if verb == "MAIL":
            return server.mail(self._sender)
        return server.rcpt(address) if verb == "RCPT" else server.docmd(verb)

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Say QUIT if somebody listens."""
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._server.close()
            self._server = None


_LINE_END = re.compile(rb"\r\n|\n|\r")
_DOT = re.compile(rb"^\.", re.MULTILINE)


def _on_the_wire(message: EmailMessage) -> bytes:
    """Return the text as SMTP sends it (RFC 5321, sections 2.3.8 and 4.5.2): no line end but CRLF, no dot that ends it early."""
    lines = _LINE_END.sub(b"\n", message.as_bytes())
    lines = lines if lines.endswith(b"\n") else lines + b"\n"
    return _DOT.sub(b"..", lines).replace(b"\n", b"\r\n") + b".\r\n"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(answer: bytes | str) -> str:
    return (answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)[:300]


def _said_no(code: int, answer: bytes | str) -> Delivery:
    end = "refused" if 500 <= code < 600 else "later"
    return Delivery(end, f"The mail server said: {code} {_text(answer)}", code)


def transport_for(settings: Settings) -> Transport:
    """Return the configured way out: SMTP when a host is set, else the folder."""
    return SmtpTransport(settings) if settings.smtp_host else FolderTransport(settings.outgoing_mail)
