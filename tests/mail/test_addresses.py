"""What is kept of addresses: recognised however they are spelt, for ever, and of no use to whoever lacks the key."""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from biblio.errors import StartRefused
from biblio.mail.addresses import AddressBook
from biblio.settings import Settings
from tests.mail.forks import ended

ADDRESS = "Ines.Person@example.org"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home that holds no key yet."""
    return Settings(home=tmp_path / "home", secret_key="0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(
    "spelt",
    ["ines.person@example.org", "  INES.PERSON@EXAMPLE.ORG \n", "Ines.Person@Example.ORG", "ines.PERSON@example.org"],
)
def test_an_address_is_one_however_it_is_spelt(settings: Settings, spelt: str) -> None:
    """Case and blanks tell no two persons apart."""
    book = AddressBook(settings)
    assert book.hash(spelt) == book.hash(ADDRESS)
    assert book.among(spelt, {(book.key_id, book.hash(ADDRESS))})


def test_a_domain_is_one_in_both_its_forms(settings: Settings) -> None:
    """A domain with letters beyond ASCII is the same as mail servers write it."""
    book = AddressBook(settings)
    assert book.hash("ines@bücher.example") == book.hash("ines@xn--bcher-kva.example")


def test_others_are_not_among_them(settings: Settings) -> None:
    """Another address, an empty list, and nonsense are nobody's."""
    book = AddressBook(settings)
    kept = {(book.key_id, book.hash(ADDRESS))}
    assert not book.among("bora@example.org", kept)
    assert not book.among(ADDRESS, set())
    for nonsense in ("", "@", "no address", "x" * 1000, "\x00"):
        assert not book.among(nonsense, kept)


@given(st.text(max_size=80))
def test_whatever_is_asked_for_has_one_hash(address: str) -> None:
    """No text breaks the book; blanks around it never matter."""
    with tempfile.TemporaryDirectory() as home:
        book = AddressBook(Settings(home=Path(home), secret_key="x" * 32))
    assert book.hash(address) == book.hash(f" {address}\t")
    assert len(book.hash(address)) == 64


def test_the_key_outlives_the_servers_secret(settings: Settings) -> None:
    """A new server secret changes no hash: who opted out is recognised for ever."""
    before = AddressBook(settings)
    renewed = AddressBook(settings.model_copy(update={"secret_key": SecretStr("y" * 32)}))
    assert (renewed.key_id, renewed.hash(ADDRESS)) == (before.key_id, before.hash(ADDRESS))


def test_hashes_of_before_are_recognised(settings: Settings) -> None:
    """What was kept under the server's secret, before there was a key, still counts."""
    old = hmac.digest(settings.secret().encode(), b"biblio opt-out\0ines.person@example.org", "sha256").hex()
    book = AddressBook(settings)
    assert book.among(ADDRESS, {("", old)})
    assert ("", old) in book.kept_as(ADDRESS)
    assert not book.among("bora@example.org", {("", old)})


def test_without_the_key_a_list_of_addresses_cannot_be_tried(settings: Settings) -> None:
    """The hash is no plain hash of the address, and another home has another one."""
    book = AddressBook(settings)
    other = AddressBook(settings.model_copy(update={"home": settings.home.with_name("other")}))
    plain = hashlib.sha256(ADDRESS.lower().encode()).hexdigest()
    assert len({book.hash(ADDRESS), other.hash(ADDRESS), plain}) == 3
    assert book.key_id != other.key_id


def test_the_key_is_made_once_and_for_its_owner_alone(settings: Settings) -> None:
    """It is a file that only its owner reads, 256 bits long, and the same the next time."""
    first = AddressBook(settings)
    file = settings.opt_out_key_file
    assert file.stat().st_mode & 0o077 == 0
    assert len(bytes.fromhex(file.read_text(encoding="ascii").strip())) == 32
    assert AddressBook(settings).key_id == first.key_id
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_processes_that_start_together_share_one_key(settings: Settings) -> None:
    """Eight processes ask for the key at once: all have the same one, whoever made it."""
    hears, tells = os.pipe()
    pids = [_asking(settings, tells) for _ in range(8)]
    assert [ended(pid) for pid in pids] == [0] * 8
    os.close(tells)
    with os.fdopen(hears, "rb") as file:
        told = file.read()
    assert {told[place : place + 16].decode() for place in range(0, len(told), 16)} == {AddressBook(settings).key_id}
    assert len(told) == 8 * 16


def _asking(settings: Settings, tells: int) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # no thread of another test's server holds what the child wants
        pid = os.fork()
    if pid == 0:
        try:
            os.write(tells, AddressBook(settings).key_id.encode())
        except BaseException:
            os._exit(1)
        os._exit(0)
    return pid


def test_a_broken_key_is_refused(settings: Settings) -> None:
    """An empty or short file is not taken for a key, and not overwritten."""
    settings.opt_out_key_file.parent.mkdir(parents=True)
    settings.opt_out_key_file.write_bytes(b"short\n")
    with pytest.raises(StartRefused, match="holds no key"):
        AddressBook(settings)
    assert settings.opt_out_key_file.read_bytes() == b"short\n"


def test_hashes_under_another_key_stop_the_sending(settings: Settings) -> None:
    """Hashes of this key and of before are fine; those of a key that is gone say which file to put back."""
    book = AddressBook(settings)
    book.check([])
    book.check([book.key_id, ""])
    with pytest.raises(StartRefused, match="put the old file back"):
        book.check([book.key_id, "0" * 16])
