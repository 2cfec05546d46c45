"""Speaking with an OpenID provider: authorization code flow with PKCE, state and nonce. Needs the extra ``oidc``.

OpenID Connect Core 1.0 §3.1 and Discovery 1.0 §4. Nothing that comes back is believed before the ID token's
signature, issuer, audience, times and nonce are checked; no token, code or address is logged or kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from biblio.clock import Clock
from biblio.web.accounts.oidc import NotLetIn, is_safe

DOCUMENT_KEPT = timedelta(hours=1)
"""How long the discovery document is used again; keys are fetched for each login, so a rotated key never hurts."""

CLOCK_SKEW_S = 60
"""Seconds by which the provider's clock may differ from ours."""

_PATIENCE_S = (5.0, 10.0)  # to connect, to wait for an answer
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class Provider:
    """One institution's OpenID provider, and we as its client."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str, clock: Clock) -> None:
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._redirect_uri, self._clock = redirect_uri, clock
        self._document: tuple[datetime, Mapping[str, Any]] | None = None

    def begin(self) -> tuple[str, dict[str, str]]:
        """Return where to send the person, and what to remember until they are back. Raises ``NotLetIn``."""
        begun = {name: secrets.token_urlsafe(48) for name in ("state", "nonce", "code_verifier")}
        with _verifying(), self._session() as session:
            address, _ = session.create_authorization_url(self._address("authorization_endpoint"), **begun)
        return str(address), begun

    def verified_email(self, code: str, begun: Mapping[str, str]) -> str:
        """Exchange ``code`` and return the e-mail address that the provider has verified. Raises ``NotLetIn``."""
        with _verifying(), self._session() as session:
            token = session.fetch_token(
                self._address("token_endpoint"),
                code=code,
                code_verifier=begun["code_verifier"],
                timeout=_PATIENCE_S,
                allow_redirects=False,
            )
            claims = self._checked(token, _read(requests, self._address("jwks_uri")), begun["nonce"])
            if not {"email", "email_verified"} <= claims.keys() and "userinfo_endpoint" in self._known():
                said = _read(session, self._address("userinfo_endpoint"))
                claims = said if said.get("sub") == claims["sub"] else {}
        email = claims.get("email")
        if not isinstance(email, str) or not email.strip() or claims.get("email_verified") is not True:
            raise NotLetIn("unverified")
        return email.strip()

    def _checked(self, token: Mapping[str, Any], keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """Return the ID token's claims. Raises ``JoseError`` or another error that ``_verifying`` knows."""
        signing = [key for key in keys["keys"] if key.get("use", "sig") == "sig"]
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        read = jwt.decode(token["id_token"], KeySet.import_key_set({"keys": signing}), registry=registry)
        expected = {
            "iss": {"essential": True, "value": self._known()["issuer"]},
            "aud": {"essential": True, "value": self._client_id},
        }
        mine = {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(read.claims, read.header, expected, mine)
        claims.validate(now=int(self._clock.now().timestamp()), leeway=CLOCK_SKEW_S)
        return dict(claims)

    def _session(self) -> OAuth2Session:
        offered = self._known().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in offered or "client_secret_post" not in offered
        return OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            scope="openid email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )

    def _known(self) -> Mapping[str, Any]:
        """Return the discovery document, which must be the configured issuer's own."""
        now = self._clock.now()
        if self._document is None or now - self._document[0] > DOCUMENT_KEPT:
            base = self._issuer.rstrip("/")
            found = _read(requests, f"{base}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != base:
                raise requests.exceptions.InvalidURL("the discovery document is another issuer's")
            self._document = (now, found)
        return self._document[1]

    def _address(self, name: str) -> str:
        address = self._known().get(name)
        if not is_safe(address):
            raise requests.exceptions.InvalidURL(f"{name} is absent or not https")
        return str(address)


def _read(session: Any, address: str) -> Mapping[str, Any]:
    """Return the JSON object at ``address``. Raises ``requests.RequestException`` for anything else."""
    answer = session.get(address, timeout=_PATIENCE_S, allow_redirects=False)
    answer.raise_for_status()
    body = answer.json()
    if not isinstance(body, dict):
        raise requests.RequestException("not a JSON object")
    return body


@contextmanager
def _verifying() -> Iterator[None]:
    """Turn whatever a provider can get wrong into ``NotLetIn``: a stranger's answer must never end in a traceback."""
    try:
        yield
    except requests.RequestException as error:
        raise NotLetIn("unreachable") from error
    except AuthlibBaseError as error:
        raise NotLetIn("refused") from error
    except (JoseError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotLetIn("unproved") from error
