"""The boolean query language that arXiv and ADS share: terms, phrases, ranges, AND OR NOT and brackets.

``parse("abs:(disk OR ring) -year:2015")`` gives a tree; ``matches(tree, document)`` asks a ``Searchable`` about each
term. Words next to each other without an operator must both match. Words are compared in lower case, everything that
is neither letter nor digit parts them, as Solr's tokenisers do.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol


class QueryError(Exception):
    """The query cannot be understood; the message is what the service would answer."""


@dataclass(frozen=True, slots=True)
class Term:
    """``field:text`` or ``field:"text"``; ``field`` is empty where none was written."""

    field: str
    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Range:
    """``field:[low TO high]``; ``*`` is open."""

    field: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but ``part``."""

    part: Node


@dataclass(frozen=True, slots=True)
class Both:
    """All ``parts`` match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of ``parts`` matches."""

    parts: tuple[Node, ...]


Node = Term | Range | Not | Both | Either

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<minus>[-+](?=[\w("^*])) |
        (?P<field>[A-Za-z_.]+):(?!\s) |
        (?P<range>[\[{]\s*(?P<low>\S+)\s+TO\s+(?P<high>[^\]}\s]+)\s*[\]}]) |
        "(?P<phrase>(?:[^"\\]|\\.)*)" |
        (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)


class Searchable(Protocol):
    """A document that can be asked about one term or one range."""

    def has(self, term: Term) -> bool:
        """Does the document match the term?"""

    def within(self, span: Range) -> bool:
        """Does the document lie in the range?"""


def matches(node: Node, document: Searchable) -> bool:
    """Does ``document`` match the query?"""
    match node:
        case Term():
            return document.has(node)
        case Range():
            return document.within(node)
        case Not(part):
            return not matches(part, document)
        case Both(parts):
            return all(matches(part, document) for part in parts)
        case Either(parts):
            return any(matches(part, document) for part in parts)


def parse(text: str) -> Node:
    """Return the query's tree. Raises ``QueryError`` for open brackets, empty queries and lone operators."""
    tokens: list[tuple[str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None or found.end() == place:
            raise QueryError(f"org.apache.solr.search.SyntaxError: Cannot parse '{text}' at {place}")
        kind = found.lastgroup or ""
        if found["range"]:
            tokens.append(("range", f"{found['low']} {found['high']}"))
        else:
            tokens.append((kind, found[kind]))
        place = found.end()
    reader = _Reader(tokens, text)
    node = reader.any_of("")
    if reader.peek()[0]:
        raise QueryError(f"org.apache.solr.search.SyntaxError: Cannot parse '{text}': unbalanced brackets")
    return node


class _Reader:
    """Reads the tokens from left to right: OR binds weaker than AND, as in both services."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._place = 0

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("", "")

    def _take(self) -> tuple[str, str]:
        token = self.peek()
        self._place += 1
        return token

    def any_of(self, field: str) -> Node:
        parts = [self._all_of(field)]
        while self.peek() == ("word", "OR"):
            self._take()
            parts.append(self._all_of(field))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all_of(self, field: str) -> Node:
        parts = [self._one(field)]
        while self.peek()[0] not in ("", "close") and self.peek() != ("word", "OR"):
            negate = False
            while self.peek() in (("word", "AND"), ("word", "ANDNOT"), ("word", "NOT")):
                negate = self._take()[1] != "AND" or negate
            part = self._one(field)
            parts.append(Not(part) if negate else part)
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self, field: str) -> Node:
        kind, value = self._take()
        if kind == "minus" or (kind, value) == ("word", "NOT"):
            part = self._one(field)
            return part if value == "+" else Not(part)
        if kind == "field":
            return self._one(value)
        if kind == "open":
            node = self.any_of(field)
            if self._take()[0] != "close":
                raise QueryError(
                    f"org.apache.solr.search.SyntaxError: Cannot parse '{self._text}': unbalanced brackets"
                )
            return node
        if kind == "range":
            low, high = value.split(" ", 1)
            return Range(field, low, high)
        if kind in ("word", "phrase") and value not in ("AND", "OR", "ANDNOT"):
            return Term(field, value, kind == "phrase")
        raise QueryError(f"org.apache.solr.search.SyntaxError: Cannot parse '{self._text}' near '{value}'")


def words_of(text: str) -> str:
    """Return ``text`` as lower-case words between single blanks, with a blank at both ends; accents are dropped."""
    folded = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return " " + " ".join(re.findall(r"[^\W_]+", plain)) + " "


def contains(words: str, term: Term) -> bool:
    """Do ``words`` (from ``words_of``) hold the term: its words in a row, a trailing ``*`` standing for any ending?"""
    wanted = words_of(term.text).strip()
    if not wanted:
        return term.text == "*"
    ending = "" if term.text.endswith("*") and not term.quoted else " "
    return f" {wanted}{ending}" in words
