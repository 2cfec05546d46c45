"""Where returned mail lies: a folder (a Maildir, or ``.eml`` files) or an IMAP mailbox, read a batch at a time.

Nothing is deleted. What was read is marked as read only after what it told was stored: a Maildir's file goes to ``cur``
with the flag S, an ``.eml`` file into the folder ``read`` beside it, a message in IMAP gets the flag Seen. Killed in
between, it is read again, and known by its bytes.
"""

from __future__ import annotations

import contextlib
import imaplib
import ipaddress
import os
import re
import secrets
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from biblio.errors import RequestRefused
from biblio.mail.dsn import MOST_BYTES
from biblio.settings import Settings

BATCH = 100
"""Messages that are read, stored and marked together; no more of them are in memory at once."""

IMAP_TIMEOUT_S = 30
"""How long one step of the talk with the IMAP server may take."""

READ_FOLDER = "read"
"""Below a folder of ``.eml`` files: those that were read."""

_ADDRESS = re.compile(r"[^\s\"'<>()=]+@[^\s\"'<>()=]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One message: its name (a file's, or its number in the mailbox) and its beginning; ``refused`` says why there is none."""

    name: str
    content: bytes = field(default=b"", repr=False)
    refused: str = ""
    place: object = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The name as it may be told: no address stands in it."""
        return without_addresses(self.name)[:200]


class Mailbox(Protocol):
    """Where returned mail lies; opened once per reading."""

    def open(self) -> None:
        """Get ready; raises ``RequestRefused`` when it cannot be read now."""

    def batches(self) -> Iterator[list[Item]]:
        """Give the messages that were not read yet, a batch at a time. Raises ``RequestRefused`` when it breaks off."""
        ...

    def mark(self, items: Sequence[Item]) -> int:
        """Mark messages as read; return how many could not be marked."""
        ...

    def close(self) -> None:
        """Say good-bye."""


def without_addresses(text: str) -> str:
    """Return a text with "(address)" where an e-mail address stands, on one line."""
    return " ".join(_ADDRESS.sub("(address)", text).split())


def mailboxes_of(settings: Settings) -> list[Mailbox]:
    """Return the mailboxes that are set; none, one or both."""
    found: list[Mailbox] = []
    if settings.bounce_folder is not None:
        found.append(FolderMailbox(settings.bounce_folder))
    if settings.bounce_imap_host:
        found.append(ImapMailbox(settings))
    return found


class FolderMailbox:
    """A Maildir, or a folder of ``.eml`` files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Look whether the folder is there. Raises ``RequestRefused``."""
        try:
            with os.scandir(self.folder):
                pass
        except OSError as error:
            raise RequestRefused(
                f"The folder {self.folder} for returned mail cannot be read ({error.strerror}). Nothing was read; check "
                "BIBLIO_BOUNCE_FOLDER."
            ) from error

    def batches(self) -> Iterator[list[Item]]:
        """Give the files that were not read yet, by name; what is no plain file (a link, a folder) is left alone."""
        paths = self._unread()
        for start in range(0, len(paths), BATCH):
            yield [_of_file(path) for path in paths[start : start + BATCH]]

    def _unread(self) -> list[Path]:
        if (self.folder / "new").is_dir() and (self.folder / "cur").is_dir():
            new = _files(self.folder / "new")
            return new + [path for path in _files(self.folder / "cur") if "S" not in path.name.partition(":2,")[2]]
        files = _files(self.folder)
        messages = [path for path in files if path.suffix.lower() == ".eml"]
        if files and not messages:
            raise RequestRefused(
                f"The folder {self.folder} holds {len(files)} files, but none that ends in .eml, and it is no Maildir (it "
                "lacks new or cur). Nothing was read."
            )
        return messages

    def mark(self, items: Sequence[Item]) -> int:
        """Put files where those that were read lie; return how many could not be moved."""
        return sum(not self._moved(item.place) for item in items if isinstance(item.place, Path))

    def _moved(self, path: Path) -> bool:
        if path.parent.name in ("new", "cur") and path.parent.parent == self.folder:
            name, _, flags = path.name.partition(":2,")
            target = self.folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}"
        else:
            target = self.folder / READ_FOLDER / path.name
        try:
            target.parent.mkdir(exist_ok=True, mode=0o700)
            if target.exists():
                target = target.with_name(f"{secrets.token_hex(4)}-{target.name}")
            path.rename(target)
        except FileNotFoundError:
            return not path.exists()  # another reader was there first
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Nothing to say good-bye to."""


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_file(follow_symlinks=False) and not e.name.startswith(".")]
    except OSError as error:
        raise RequestRefused(f"The folder {folder} for returned mail cannot be read ({error.strerror}).") from error
    return [folder / name for name in sorted(names)]


def _of_file(path: Path) -> Item:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return Item(path.name, file.read(MOST_BYTES), place=path)
    except OSError as error:
        return Item(path.name, refused=f"it cannot be read ({error.strerror})")


class ImapMailbox:
    """A mailbox on an IMAP server; its messages stay there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: imaplib.IMAP4 | None = None

    def open(self) -> None:
        """Connect over TLS, log in and choose the mailbox. Raises ``RequestRefused``; nothing was read then."""
        s = self._settings
        try:
            self._server = server = self._connected()
            password = s.bounce_imap_password.get_secret_value() if s.bounce_imap_password else ""
            server.login(s.bounce_imap_user or "", password)
            self._fine(server.select(_quoted(s.bounce_imap_folder)))
        except (OSError, imaplib.IMAP4.error) as error:
            self.close()
            raise self._refused(error) from error

    def _connected(self) -> imaplib.IMAP4:
        s = self._settings
        host, port = s.bounce_imap_host or "", s.bounce_imap_port
        if s.bounce_imap_tls:
            return imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=IMAP_TIMEOUT_S)
        server = imaplib.IMAP4(host, port, timeout=IMAP_TIMEOUT_S)
        self._server = server
        if "STARTTLS" in server.capabilities:
            server.starttls(ssl_context=ssl.create_default_context())
        elif not _is_loopback(host):
            raise imaplib.IMAP4.error("it offers no TLS, and a password must not travel in clear")
        return server

    def batches(self) -> Iterator[list[Item]]:
        """Give the messages without the flag Seen, by number; one that the server does not hand out is named."""
        numbers = [number.decode("ascii") for number in self._unseen() if number.isdigit()]
        for start in range(0, len(numbers), BATCH):
            yield [self._item(number) for number in numbers[start : start + BATCH]]

    def _unseen(self) -> list[bytes]:
        try:
            answer = self._fine(self._talk().uid("SEARCH", "UNSEEN"))
        except (OSError, imaplib.IMAP4.error) as error:
            raise self._refused(error) from error
        return sorted(
            {n for line in answer if isinstance(line, bytes) for n in line.split()}, key=lambda n: (len(n), n)
        )

    def _item(self, number: str) -> Item:
        name = f"message {number}"
        try:
            kind, answer = self._talk().uid("FETCH", number, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        except imaplib.IMAP4.abort as error:
            raise self._refused(error) from error
        except imaplib.IMAP4.error:
            return Item(name, refused="the server does not hand it out")
        except OSError as error:
            raise self._refused(error) from error
        content = next((part[1] for part in answer if isinstance(part, tuple) and len(part) > 1), None)
        if kind != "OK" or not isinstance(content, bytes):
            return Item(name, refused="the server does not hand it out")
        return Item(name, content[:MOST_BYTES], place=number)

    def mark(self, items: Sequence[Item]) -> int:
        """Mark messages as seen; return how many could not be marked."""
        numbers = [str(item.place) for item in items if item.place is not None]
        if not numbers:
            return 0
        try:
            self._fine(self._talk().uid("STORE", ",".join(numbers), "+FLAGS.SILENT", "(\\Seen)"))
        except imaplib.IMAP4.abort as error:
            raise self._refused(error) from error
        except imaplib.IMAP4.error:
            return len(numbers)
        except OSError as error:
            raise self._refused(error) from error
        return 0

    def close(self) -> None:
        """Log out if somebody listens."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                server.logout()
            with contextlib.suppress(OSError):
                server.shutdown()  # logging out closes nothing where the talk had broken

    def _talk(self) -> imaplib.IMAP4:
        if self._server is None:
            raise imaplib.IMAP4.abort("it is not open")
        return self._server

    @staticmethod
    def _fine(answer: tuple[str, list[Any]]) -> list[Any]:
        kind, said = answer
        if kind != "OK":
            raise imaplib.IMAP4.error(
                b" ".join(one for one in said if isinstance(one, bytes)).decode("utf-8", "replace")
            )
        return said

    def _refused(self, error: Exception) -> RequestRefused:
        s = self._settings
        said = without_addresses(str(error))[:200] or type(error).__name__
        return RequestRefused(
            f"The mailbox {without_addresses(s.bounce_imap_folder)} at {s.bounce_imap_host}:{s.bounce_imap_port} cannot be "
            f"read ({said}). What was stored before is safe; the rest stays unseen. Check BIBLIO_BOUNCE_IMAP_*."
        )


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
