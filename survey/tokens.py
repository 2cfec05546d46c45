"""The links in letters: who may answer once, without the database knowing the links.

A token is an HMAC-SHA-256 of the campaign and the project under the server secret, cut to 192 bits. The database
keeps only its SHA-256, so whoever reads the database (or a backup) cannot use a link; the sender computes the token
again at the moment of sending, so the outbox never holds it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

TOKEN_BYTES = 24
"""192 bits, more than the 128 that guessing would need; 32 letters in an address, without padding."""


def make_token(secret: str, campaign_key: str, project_id: int) -> str:
    """Return the token of one project in one campaign. ``campaign_key`` is the campaign's public key: never repeated."""
    message = f"biblio survey link\0{campaign_key}\0{project_id}".encode()
    digest = hmac.digest(secret.encode(), message, "sha256")
    return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).decode("ascii")


def token_hash(token: str) -> str:
    """Return what the database keeps of a token: its SHA-256 in hexadecimal.

    Looking a link up compares hashes of secrets, never the secrets, so the time it takes says nothing about them.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def address_hash(secret: str, address: str) -> str:
    """Return what is kept of an address that opted out: a keyed hash, the same however the address is spelt."""
    message = f"biblio opt-out\0{address.strip().casefold()}".encode()
    return hmac.digest(secret.encode(), message, "sha256").hex()
