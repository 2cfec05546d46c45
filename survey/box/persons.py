"""How many persons stand behind addresses: one who has written under several is one, as far as names and addresses tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from anyascii import anyascii

_WORD = re.compile(r"[a-z0-9]+")


def distinct_persons(people: Iterable[tuple[str, str]]) -> int:
    """Return how many persons (address, name) pairs are at least.

    Pairs with one address, or with one name however it is turned and accented, are one person. Two persons of one name
    count as one: too few is safe where a minimum of persons protects them.
    """
    return len(set(_together(people).values()))


def _together(people: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each address the first address of its person."""
    first: dict[str, str] = {}

    def root(key: str) -> str:
        while first[key] != key:
            key = first[key]
        return key

    addresses = []
    for address, name in people:
        mine = f"@{address.casefold()}"
        first.setdefault(mine, mine)
        addresses.append(mine)
        called = " ".join(sorted(_WORD.findall(anyascii(name).lower())))
        if called:
            first.setdefault(called, root(mine))
            first[root(called)] = root(mine)
    return {address: root(address) for address in addresses}
