"""Links: long, keyed, and known to the database by their fingerprint only."""

from __future__ import annotations

from survey.tokens import TOKEN_BYTES, make_token, new_nonce, token_hash


def test_tokens_are_long_keyed_and_all_different() -> None:
    """192 bits; another secret, invitation or nonce gives another token; the same gives the same."""
    tokens = {make_token(s, i, n) for s in ("one secret", "another") for i in (1, 2, 11) for n in ("aa", "bb")}
    assert len(tokens) == 12
    assert TOKEN_BYTES * 8 >= 128
    assert all(len(token) == 32 for token in tokens)
    assert make_token("one secret", 1, "aa") in tokens
    assert len({new_nonce() for _ in range(100)}) == 100


def test_the_fingerprint_is_no_way_back() -> None:
    """The database's fingerprint is a SHA-256 and does not contain the token."""
    token = make_token("secret", 1, "aa")
    assert len(token_hash(token)) == 64
    assert token not in token_hash(token)
