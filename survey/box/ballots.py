"""The sealed ballot box: what is put in cannot be read, told apart by length, or tied to a time or a person.

A ballot is the filled-in questionnaire, padded to one length and encrypted to the campaign's public key (libsodium's
sealed box: not even the sender can open it again). Web workers hold the public key only. The private key is a file
outside the database that is read once, when the campaign closes, and then destroyed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.bindings import sodium_pad, sodium_unpad
from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from biblio.errors import RequestRefused
from survey.questionnaire import BUCKET, Chosen, Filled

SEALED_LENGTH = BUCKET + 48
"""Bytes of every sealed ballot: libsodium adds a one-time public key (32) and an authenticator (16)."""


class BallotUnreadable(ValueError):
    """A ballot cannot be opened with this key, or does not hold an answer. It says nothing of the contents."""


def new_key_pair() -> tuple[PrivateKey, str]:
    """Return a new private key and its public key in hexadecimal."""
    private = PrivateKey.generate()
    return private, private.public_key.encode(HexEncoder).decode("ascii")


def seal(public_key: str, filled: Filled, stratum: str | None = None) -> bytes:
    """Return the sealed ballot of one filled-in questionnaire: always ``SEALED_LENGTH`` bytes, never twice the same.

    Raises ``ValueError`` for one that is too long for the bucket; texts are checked before (``questionnaire.fill_in``).
    """
    content = {
        "stratum": stratum,
        "chosen": [[each.question, each.choice, each.word] for each in filled.chosen],
        "texts": dict(filled.texts),
    }
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if len(plain) >= BUCKET:
        raise ValueError("texts are checked before they are sealed")
    return bytes(SealedBox(PublicKey(public_key.encode("ascii"), HexEncoder)).encrypt(sodium_pad(plain, BUCKET)))


@dataclass(frozen=True, slots=True)
class Opened:
    """What a ballot holds: the filled-in questionnaire and the stratum of its invitation."""

    filled: Filled
    stratum: str | None


def unseal(private: PrivateKey, sealed: bytes) -> Opened:
    """Return what a ballot holds. Raises ``BallotUnreadable`` for one of another key, damaged, or holding nonsense."""
    try:
        plain = json.loads(sodium_unpad(SealedBox(private).decrypt(sealed), BUCKET))
        stratum = plain["stratum"]
        chosen = tuple(Chosen(question, choice, word) for question, choice, word in plain["chosen"])
        texts = dict(plain["texts"])
    except (CryptoError, ValueError, KeyError, TypeError):
        raise BallotUnreadable("a ballot cannot be read") from None
    words = [each.word for each in chosen] + [each.question for each in chosen] + [*texts, *texts.values()]
    if not all(isinstance(word, str) for word in words) or not all(type(each.choice) is int for each in chosen):
        raise BallotUnreadable("a ballot cannot be read")
    if stratum is not None and not isinstance(stratum, str):
        raise BallotUnreadable("a ballot cannot be read")
    return Opened(Filled(chosen, texts), stratum)


def random_id() -> str:
    """Return a key of 128 random bits for a ballot or an answer, in hexadecimal."""
    return secrets.token_hex(16)


def key_path(folder: Path, campaign_id: int) -> Path:
    """Return where a campaign's private key lies."""
    return folder / f"campaign-{campaign_id}.key"


def write_key(path: Path, private: PrivateKey) -> None:
    """Write a private key for its owner's eyes only. Raises ``RequestRefused`` when a key lies there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise there_already(path) from error
    with os.fdopen(handle, "wb") as file:
        file.write(private.encode(HexEncoder) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def there_already(path: Path) -> RequestRefused:
    """Return the error for a key that lies where another is to be."""
    return RequestRefused(
        f"A key lies at {path.name} already, of a campaign this database does not know. Nothing was changed. "
        "If it belongs to a restored or older database, move it away and try again."
    )


def read_key(path: Path, public_key: str) -> PrivateKey:
    """Read a campaign's private key. Raises ``RequestRefused`` when it is absent, damaged or another campaign's."""
    try:
        private = PrivateKey(path.read_bytes().strip(), HexEncoder)
    except FileNotFoundError as error:
        raise RequestRefused(
            f"The campaign's key {path.name} is not in the folder of survey keys. The ballots are safe but stay "
            "closed: put the key back and close the campaign again."
        ) from error
    except (OSError, CryptoError, ValueError, TypeError) as error:
        raise RequestRefused(
            f"The campaign's key {path.name} cannot be read. The ballots are safe but stay closed: put the right "
            "file in its place and close the campaign again."
        ) from error
    if private.public_key.encode(HexEncoder).decode("ascii") != public_key:
        raise RequestRefused(f"The key {path.name} is another campaign's. The ballots are safe but stay closed.")
    return private


def destroy_key(path: Path) -> None:
    """Overwrite and remove a private key, so that no ballot in an old backup can ever be opened. Absent: done before.

    Raises ``RequestRefused`` where the system does not let it.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            path.chmod(0o600)
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(max(path.stat().st_size, 64)))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except PermissionError as error:
            raise RequestRefused(
                f"The key {path.name} cannot be destroyed ({error.strerror}): it belongs to another user. Remove it by "
                "hand, and run the job again; the answers are released, and the key must not outlive that."
            ) from error
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            handle = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
