"""The sealed ballot box: one length, one key, nothing readable without it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import HexEncoder
from nacl.public import PublicKey, SealedBox

from biblio.errors import RequestRefused
from survey.box.ballots import (
    SEALED_LENGTH,
    BallotUnreadable,
    Opened,
    destroy_key,
    key_path,
    new_key_pair,
    random_id,
    read_key,
    seal,
    unseal,
    write_key,
)
from survey.questionnaire import cleaned
from tests.survey.people import said

PRIVATE, PUBLIC = new_key_pair()

DETAIL_MAX, COMMENT_MAX, STRATUM = 300, 3000, "Galaxies"


@given(
    st.integers(1, 12),
    st.text(max_size=DETAIL_MAX).map(cleaned),
    st.text(max_size=COMMENT_MAX).map(cleaned),
)
def test_every_answer_has_one_length_and_comes_back_whole(reason: int, detail: str, comment: str) -> None:
    """Whatever was written, the ballot has one length, and the key gives the answer back to the letter."""
    filled = said(reason, detail, comment)
    sealed = seal(PUBLIC, filled)
    assert len(sealed) == SEALED_LENGTH
    assert unseal(PRIVATE, sealed) == Opened(filled, None)


@pytest.mark.parametrize("letter", ["\U0001f600", '"', "\\", "\n"])
def test_the_longest_answer_fits(letter: str) -> None:
    """The most that may be written, in the letters that take most room, still fits the bucket."""
    filled = said(12, letter * DETAIL_MAX, letter * COMMENT_MAX)
    assert unseal(PRIVATE, seal(PUBLIC, filled, STRATUM)) == Opened(filled, STRATUM)


def test_the_same_answer_never_looks_the_same() -> None:
    """Two ballots of one answer differ, so that equal answers cannot be found in the box."""
    assert seal(PUBLIC, said(7)) != seal(PUBLIC, said(7))
    assert random_id() != random_id()


@pytest.mark.parametrize("damage", ["other key", "one bit", "cut", "empty"])
def test_a_ballot_that_cannot_be_opened_says_nothing(damage: str) -> None:
    """Another key, one changed bit or a cut ballot is unreadable, and the error holds nothing of the answer."""
    sealed = seal(PUBLIC, said(5, "", "secret words"))
    private = new_key_pair()[0] if damage == "other key" else PRIVATE
    changed = {"one bit": bytes([sealed[0] ^ 1]) + sealed[1:], "cut": sealed[:-1], "empty": b""}.get(damage, sealed)
    with pytest.raises(BallotUnreadable) as caught:
        unseal(private, changed)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "inside",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"stratum":1,"chosen":[],"texts":{}}',
        b'{"stratum":null,"chosen":[["status","5",""]],"texts":{}}',
        b"\xff",
    ],
)
def test_a_ballot_that_holds_nonsense_is_unreadable(inside: bytes) -> None:
    """A ballot that somebody sealed around something else is refused, not believed."""
    sealed = SealedBox(PublicKey(PUBLIC.encode(), HexEncoder)).encrypt(inside)
    with pytest.raises(BallotUnreadable):
        unseal(PRIVATE, sealed)


def test_the_key_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    """A key file has mode 0600; a second key of the same number is refused; what was written is read."""
    path = key_path(tmp_path / "keys", 3)
    write_key(path, PRIVATE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bytes(read_key(path, PUBLIC)) == bytes(PRIVATE)
    with pytest.raises(RequestRefused, match="already"):
        write_key(path, new_key_pair()[0])
    assert bytes(read_key(path, PUBLIC)) == bytes(PRIVATE)


def test_a_wrong_key_is_told(tmp_path: Path) -> None:
    """An absent, damaged or foreign key is refused with what to do; the ballots stay closed."""
    path = key_path(tmp_path, 4)
    with pytest.raises(RequestRefused, match="not in the folder"):
        read_key(path, PUBLIC)
    path.write_bytes(b"nonsense")
    with pytest.raises(RequestRefused, match="cannot be read"):
        read_key(path, PUBLIC)
    path.unlink()
    write_key(path, new_key_pair()[0])
    with pytest.raises(RequestRefused, match="another campaign"):
        read_key(path, PUBLIC)


def test_a_destroyed_key_is_gone(tmp_path: Path) -> None:
    """After destruction there is no file; destroying again is no error."""
    path = key_path(tmp_path, 5)
    write_key(path, PRIVATE)
    destroy_key(path)
    destroy_key(path)
    assert not path.exists()
