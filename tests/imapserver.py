"""A real, small IMAP server on loopback for tests (RFC 3501, what a reader needs): one mailbox, flags, TLS if asked."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "returned", 'a password with "quotes" and \\'


class Post:
    """The mailbox of a server: messages and flags by number; what it is to refuse, and when it breaks off."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.secret: set[int] = set()
        """Numbers that are not handed out."""
        self.break_at: int | None = None
        """Break the talk off when this number is fetched."""
        self.commands: list[str] = []
        self.port = 0

    def add(self, content: bytes) -> int:
        """Put a message in; return its number."""
        number = len(self.messages) + 1
        self.messages[number] = content
        return number


class _Talk(socketserver.StreamRequestHandler):
    post: Post

    def handle(self) -> None:
        self._say(b"* OK ready\r\n")
        while line := self.rfile.readline():
            tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
            self.post.commands.append(rest.partition(" ")[0] if rest.startswith("LOGIN") else rest)
            answer = self._answer(rest)
            if answer is None:
                return
            self._say(f"{tag} {answer}\r\n".encode())
            if rest == "LOGOUT":
                return

    def _say(self, said: bytes) -> None:
        self.wfile.write(said)
        self.wfile.flush()

    def _answer(self, asked: str) -> str | None:
        words = asked.split(" ")
        if words[0] == "CAPABILITY":
            self._say(b"* CAPABILITY IMAP4rev1\r\n")
        elif words[0] == "LOGIN":
            password = re.sub(r"\\(.)", r"\1", asked.split(" ", 2)[2].strip('"'))
            return "OK in" if (words[1], password) == (USER, PASSWORD) else f"NO no such user {words[1]}@example.org"
        elif words[0] == "SELECT":
            if words[1] != '"INBOX"':
                return "NO no such mailbox"
            self._say(f"* {len(self.post.messages)} EXISTS\r\n".encode())
        elif words[:2] == ["UID", "SEARCH"]:
            unseen = [str(n) for n in self.post.messages if n not in self.post.seen]
            self._say(f"* SEARCH {' '.join(unseen)}\r\n".encode())
        elif words[:2] == ["UID", "FETCH"]:
            return self._fetched(int(words[2]), asked)
        elif words[:2] == ["UID", "STORE"]:
            self.post.seen |= set(map(int, words[2].split(",")))
        elif words[0] == "LOGOUT":
            self._say(b"* BYE\r\n")
        return "OK done"

    def _fetched(self, number: int, asked: str) -> str | None:
        if number == self.post.break_at:
            return None
        if number in self.post.secret:
            return "NO not this one"
        most = re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", asked)
        assert most is not None, "the reader must leave messages unseen and bound them"
        content = self.post.messages[number][: int(most[1])]
        self._say(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(content)}}}\r\n".encode() + content + b")\r\n")
        return "OK done"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that goes away, or refuses our certificate, is no fault of the server's."""


@contextmanager
def imap_server(certificate: Path | None = None) -> Iterator[Post]:
    """Run a server on a free port of 127.0.0.1; with a certificate (and its key in one file) it speaks TLS."""
    post = Post()
    with _Server(("127.0.0.1", 0), type("Talk", (_Talk,), {"post": post})) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        post.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield post
        finally:
            server.shutdown()
            thread.join()


def make_certificate(path: Path) -> Path:
    """Write a certificate for "localhost" that signs itself, with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # TLS looks at the real clock
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
