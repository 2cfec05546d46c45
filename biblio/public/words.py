"""Texts as words: how titles, names and queries are cut and folded, so that "H$_2$CO", "H₂CO" and "h2co" are one word.

Nothing here knows of papers or queries. Offsets count code points of the text as it was handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from anyascii import anyascii

from biblio.catalogue.folding import GREEK
from matching.people import is_group

_MARKUP = r"(?:[$_{}^\\]|</?su[bp]>)+"
_WORD = re.compile(rf"[^\W_]+(?:{_MARKUP}[^\W_]+)*", re.I)
_MARKS = re.compile(_MARKUP, re.I)
_NOT_PLAIN = re.compile(r"[^\x00-\x7f]|[$_{}^\\<]").search
_PLAIN_WORD = re.compile(r"[a-z0-9]+")

LONGEST_LABEL = 80
"""Characters kept of an author's name in a list of names."""


@lru_cache(maxsize=200_000)
def _folded(word: str) -> str:
    plain = _MARKS.sub("", word).translate(GREEK)
    if not plain.isascii():
        plain = "".join(c for c in str(anyascii(plain)) if c.isalnum())
    return plain.lower()


def words(text: str) -> list[str]:
    """Return the words of ``text`` in order, folded: letters and digits alone, without accents and mark-up."""
    if _NOT_PLAIN(text) is None:
        return _PLAIN_WORD.findall(text.lower())
    return [word for word in map(_folded, _WORD.findall(text)) if word]


def places(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, folded word) of every word that ``words`` returns."""
    for found in _WORD.finditer(text):
        if word := _folded(found[0]):
            yield found.start(), found.end(), word


@lru_cache(maxsize=100_000)
def name_words(name: str) -> tuple[str, ...]:
    """Return a name's words, surname first and last, so that "berg lena" and "lena berg" both stand in it in a row."""
    surname, comma, given = name.partition(",")
    if comma:
        own = words(surname)
        return (*own, *words(given), *own)
    listed = words(name)
    return (*listed, *listed[:-1])


@lru_cache(maxsize=100_000)
def short_name(name: str) -> str:
    """Return a name as lists of names show it: surname as printed and one initial ("Berg, L."); a group's whole."""
    surname, comma, given = name.partition(",")
    if not comma:
        parts = name.split()
        if len(parts) < 2 or is_group(name):
            return name.strip()[:LONGEST_LABEL]
        first = len(parts) - 1
        while first > 1 and parts[first - 1].islower():
            first -= 1  # "Ewine van Dishoeck": the particles belong to the surname
        surname, given = " ".join(parts[first:]), parts[0]
    initial = next((c for c in given if c.isalpha()), "")
    surname = " ".join(surname.split())[:LONGEST_LABEL]
    return f"{surname}, {initial.upper()}." if initial else surname
