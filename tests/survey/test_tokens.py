"""Links: long, keyed, and known to the database by their fingerprint only."""

from __future__ import annotations

from survey.tokens import TOKEN_BYTES, address_hash, make_token, token_hash


def test_tokens_are_long_keyed_and_all_different() -> None:
    """192 bits; another secret, campaign or project gives another token; the same gives the same."""
    tokens = {make_token(s, c, p) for s in ("one secret", "another") for c in ("aa", "bb") for p in (1, 2, 11)}
    assert len(tokens) == 12
    assert TOKEN_BYTES * 8 >= 128
    assert all(len(token) == 32 for token in tokens)
    assert make_token("one secret", "aa", 1) in tokens


def test_the_fingerprint_is_no_way_back() -> None:
    """The database's fingerprint is a SHA-256 and does not contain the token."""
    token = make_token("secret", "aa", 1)
    assert len(token_hash(token)) == 64
    assert token not in token_hash(token)


def test_addresses_are_hashed_with_the_secret() -> None:
    """Case and blanks do not matter, the server secret does: without it an address list cannot be tried out."""
    assert address_hash("s1", " Ines@Example.org") == address_hash("s1", "ines@example.org")
    assert address_hash("s1", "ines@example.org") != address_hash("s2", "ines@example.org")
