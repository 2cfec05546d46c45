"""A little OpenID provider on loopback HTTP: strict about what a client must send, and wrong in whatever way a test asks."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from werkzeug.test import TestResponse

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web import create_app
from biblio.web.accounts import service
from tests.web.visitors import Visitor

CLIENT_ID = "biblio-test"
CLIENT_SECRET = "a-client-secret-nobody-may-see"
CODE = "one-time-code-nobody-may-see"
EMAIL = "ines@observatory.example"
BEGIN = "/login/institution"
ACCESS_TOKEN = "access-token-nobody-may-see"
_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@dataclass
class Institution:
    """The provider's state. A test changes what it says through the public fields."""

    now: int
    issuer: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    key: RSAKey = field(default_factory=lambda: _KEY)
    signing_key: Any = None
    broken: set[str] = field(default_factory=set)
    refusal: str | None = None
    asked: list[str] = field(default_factory=list)
    authorization: dict[str, str] = field(default_factory=dict)
    token_header: str = ""

    def answer(self, method: str, path: str, body: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Answer one request for JSON: a status and what the body holds."""
        self.asked.append(f"{method} {path}")
        if path in self.broken:
            return 500, "not JSON"
        if path == "/.well-known/openid-configuration":
            return 200, self._document()
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo" and authorization == f"Bearer {ACCESS_TOKEN}":
            return 200, self.userinfo
        if path == "/token" and method == "POST":
            self.token_header = authorization
            return self._token(body, authorization)
        return 404, {}

    def authorize(self, address: str) -> str:
        """Let the person in, as the login page of the institution does; return where it sends them back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["scope"].split() == ["openid", "email"]
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) >= 40
        self.authorization = asked
        said = {"error": self.refusal, "error_description": "<b>no</b>"} if self.refusal else {"code": CODE}
        return f"{asked['redirect_uri']}?{urlencode({**said, 'state': asked['state']})}"

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            **self.document,
        }

    def _token(self, body: dict[str, str], authorization: str) -> tuple[int, Any]:
        basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != basic and body.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        if (
            body.get("grant_type") != "authorization_code"
            or body.get("code") != CODE
            or body.get("redirect_uri") != self.authorization.get("redirect_uri")
            or _unpadded(digest) != self.authorization.get("code_challenge")
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": self._id_token()}

    def _id_token(self) -> str:
        claims = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": self.authorization["nonce"],
            "email": EMAIL,
            "email_verified": True,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "none":
            return ".".join([*(_unpadded(json.dumps(part).encode()) for part in (self.header, kept)), ""])
        return jwt.encode(self.header, kept, self.signing_key or self.key, algorithms=["RS256", "HS256"])


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def running(institution: Institution) -> Iterator[Institution]:
    """Serve ``institution`` on a free port of loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            authorization = self.headers.get("Authorization") or ""
            status, said = institution.answer(self.command, urlsplit(self.path).path, body, authorization)
            sent = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    institution.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield institution
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- the person ----------------------------------------------------------------------------------------------------------


def app_with(runtime: Runtime, issuer: str, **more: Any) -> Flask:
    """The web door with the public pages and the login through ``issuer``; ``more`` changes settings."""
    settings = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": SecretStr(CLIENT_SECRET)}
    changed = runtime.settings.model_copy(update={**settings, **more})
    return create_app(replace(runtime, settings=changed), features=[public])


def add_account(runtime: Runtime, username: str = "ines", email: str | None = EMAIL, role: Role = Role.ADMIN) -> None:
    """Add somebody who has no password, as an admin does for a login through the institution."""
    new = service.NewAccount(username, f"{username.title()} Example", role, email=email)
    with runtime.store.writing() as session:
        service.add(session, service.COMMAND_LINE, new, now=runtime.clock.now())


def way_back(visitor: Visitor, institution: Institution, begin: str = BEGIN) -> str:
    """Go to the institution and log in there; return the address of ours that it sends the person to."""
    sent = visitor.get(begin)
    assert sent.status_code == 302, sent.get_data(as_text=True)
    back = urlsplit(institution.authorize(sent.headers["Location"]))
    return f"{back.path}?{back.query}"


def log_in(visitor: Visitor, institution: Institution, begin: str = BEGIN) -> TestResponse:
    """Take the whole way; return the answer to the person's coming back."""
    return visitor.get(way_back(visitor, institution, begin))


def is_out(visitor: Visitor) -> bool:
    """Whether nobody is logged in."""
    return visitor.get("/account").status_code == 302
