"""What is kept of an address where the address itself must not be: a hash under a key that is never renewed.

Whoever opted out must be recognised for ever, also after the server's secret was renewed, so the key is one of its own:
``secrets/opt_out_key`` in biblio's home, made once. Without the key a list of addresses cannot be tried out on the
hashes. Hashes of before (``key_id`` empty) are keyed with the server's secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterable

from biblio.errors import RequestRefused, StartRefused
from biblio.mail.outbox import usable_address
from biblio.settings import Settings

_OLD = ""
"""The ``key_id`` of hashes that are keyed with the server's secret."""


class AddressBook:
    """Hashes addresses under the opt-out key, and looks them up among hashes that are kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = _key(settings)
        self.key_id = hashlib.sha256(b"biblio opt-out key\0" + key).hexdigest()[:16]
        self._keyed = hmac.new(key, b"biblio opt-out\0", "sha256")  # copied for each address: setting a key up is dear

    def hash(self, address: str) -> str:
        """Return the hash of an address, the same however it is spelt: case, blanks, form of the domain."""
        keyed = self._keyed.copy()
        keyed.update(_as_on_the_wire(address).casefold().encode())
        return keyed.hexdigest()

    def among(self, address: str, kept: Collection[tuple[str, str]]) -> bool:
        """Whether an address is one of those kept as (key_id, hash)."""
        if not kept:
            return False
        if (self.key_id, self.hash(address)) in kept:
            return True
        return any(key == _OLD for key, _ in kept) and (_OLD, self._old_hash(address)) in kept

    def kept_as(self, address: str) -> tuple[tuple[str, str], ...]:
        """Return all (key_id, hash) under which an address may be kept."""
        return (self.key_id, self.hash(address)), (_OLD, self._old_hash(address))

    def check(self, key_ids: Iterable[str]) -> None:
        """Raise ``StartRefused`` when hashes are kept under a key that is not here: nobody can be recognised by them."""
        if set(key_ids) - {self.key_id, _OLD}:
            raise StartRefused(
                f"Addresses that opted out were stored under another key than {self._settings.opt_out_key_file}: put "
                "the old file back. Until then nothing can be sent, lest somebody is written to who said no."
            )

    def _old_hash(self, address: str) -> str:
        message = f"biblio opt-out\0{address.strip().casefold()}".encode()
        return hmac.digest(self._settings.secret().encode(), message, "sha256").hex()


_PLAIN = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
"""Addresses whose form on the wire differs from what was written by case at most, so that asking for it may be left out."""


def _as_on_the_wire(address: str) -> str:
    """Return an address as mail servers write it, where it is one."""
    address = address.strip()
    if not _PLAIN.fullmatch(address):
        with contextlib.suppress(RequestRefused):
            address = usable_address(address)
    return address


def _key(settings: Settings) -> bytes:
    """Return the opt-out key; it is made once, complete or not at all, whoever asks first."""
    path = settings.opt_out_key_file
    with contextlib.suppress(FileNotFoundError):
        key = path.read_bytes().strip()
        if len(key) < 32:
            raise StartRefused(f"{path} holds no key: put the file back from where your secrets are kept.")
        return key
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes().strip()
