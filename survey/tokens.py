"""The links in letters: who may answer once, without the database knowing the links.

A token is an HMAC-SHA-256 of the invitation's number and nonce under the server secret, cut to 192 bits. The database
keeps only its SHA-256, so whoever reads the database (or a backup) cannot use a link; the sender computes the token
again at the moment of sending, so the outbox never holds it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

TOKEN_BYTES = 24
"""192 bits, more than the 128 that guessing would need; 32 letters in an address, without padding."""


def new_nonce() -> str:
    """Return the random part of an invitation's link: 128 bits in hexadecimal."""
    return secrets.token_hex(16)


def make_token(secret: str, invitation_id: int, nonce: str) -> str:
    """Return the token of one invitation. ``nonce`` is its own random part, so that no two links are ever the same."""
    return token_maker(secret)(invitation_id, nonce)


def token_maker(secret: str) -> Callable[[int, str], str]:
    """Return a function that makes tokens under one secret: setting its key up takes longer than making a token."""
    keyed = hmac.new(secret.encode(), b"biblio survey link\0", "sha256")

    def make(invitation_id: int, nonce: str) -> str:
        one = keyed.copy()
        one.update(f"{invitation_id}\0{nonce}".encode())
        return base64.urlsafe_b64encode(one.digest()[:TOKEN_BYTES]).decode("ascii")

    return make


def token_hash(token: str) -> str:
    """Return what the database keeps of a token: its SHA-256 in hexadecimal.

    Looking a link up compares hashes of secrets, never the secrets, so the time it takes says nothing about them.
    """
    return hashlib.sha256(token.encode()).hexdigest()
