"""E-mail addresses that a paper prints in its title and author part, for writing to its corresponding author.

Looked for are TeX's ``\\email``, ``\\ead``, ``\\thanks``, ``\\correspondingauthor`` and whatever else stands before the
abstract, JATS and HTML before theirs, and a PDF's first page; never the body of a paper. Addresses in comments and
those that a text only builds by macros are not read. All patterns are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST = 20
"""Addresses kept of one paper; a collaboration prints hundreds, and the corresponding ones stand first or are marked."""

FRONT = 80_000
"""Characters in which the author part of a manuscript ends."""

PLAIN_FRONT = 6_000
"""The same for a text without markup, and for a page of print."""


@dataclass(frozen=True, slots=True)
class Front:
    """A text to look into: a file or a page of it. ``format``: "tex", "text", "xml", "html" or "pdf"; pages from 1."""

    name: str
    text: str
    format: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """An address (lower-case) and what is printed with it. ``is_marked``: as that of the corresponding author.

    ``name`` is the author's where the markup tells, else "". ``place`` is the file, with the page of a PDF.
    """

    email: str
    name: str = ""
    is_marked: bool = False
    place: str = ""


_LOCAL = r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,6}[A-Za-z]{2,24}"
_EMAIL = re.compile(rf"(?<![\w.@%+-])({_LOCAL})@({_DOMAIN})(?![\w@-])")
_GROUP = re.compile(rf"\\?\{{\s*((?:{_LOCAL}\s*[,;]\s*){{1,15}}{_LOCAL})\s*\\?\}}\s*@\s*({_DOMAIN})(?![\w@-])")
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_TEX_END = re.compile(r"\\begin\s*\{abstract\}|\\abstract\b|\\(?:section|chapter)\b|\\end\s*\{frontmatter\}")
_XML_END = re.compile(r"<(?:abstract|body)\b(?!>\s*<header)", re.IGNORECASE)
_PLAIN_END = re.compile(r"^\s*(?:\d+\.?\s*)?(?:introduction|1\s+intro\w*)\b", re.IGNORECASE | re.MULTILINE)
_COMMANDS = re.compile(
    r"\\(?P<what>correspondingauthor|author)(?P<star>\*?)\s*(?:\[[^\][]{0,200}\]\s*){0,2}"
    r"\{(?P<body>(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,200}\}){0,200}\}){0,400})"
)
_THANKS = re.compile(r"\\thanks\s*\{(?:[^{}]|\{[^{}]{0,200}\}){0,400}\}")
_CLOSE = re.compile(r"correspond|offprint|contact|cortext|author-notes|<corresp", re.IGNORECASE)
_NEAR = 90
_MAIN = ("\\documentclass", "\\documentstyle")
_BESIDE = re.compile(r"author|title|affil|front", re.IGNORECASE)
_MARKUP = re.compile(r"\\[A-Za-z]+\*?|[{}$~^\\]|<[^<>]{0,200}>")


def find_addresses(fronts: Iterable[Front]) -> tuple[Address, ...]:
    """Return the addresses in the author parts of a paper's texts, each once, as they stand; those marked keep the mark."""
    found: dict[str, Address] = {}
    for front in fronts:
        text = _front(front)
        if "@" not in text:
            continue
        for address in _tex(text) if front.format == "tex" else _plain(text):
            placed = replace(address, place=front.name if front.page is None else f"{front.name}, page {front.page}")
            known = found.get(address.email)
            if known is None:
                found[address.email] = placed
            else:
                found[address.email] = replace(
                    known, name=known.name or placed.name, is_marked=known.is_marked or placed.is_marked
                )
    kept = sorted(found.values(), key=lambda a: not a.is_marked)[:MOST]
    return tuple(a for a in found.values() if a in kept)


def _front(front: Front) -> str:
    """The title and author part of a text; nothing of one that has none."""
    if front.format == "tex":
        plain = _TEX_COMMENT.sub("", front.text[:FRONT])
        if not any(sign in plain for sign in _MAIN) and not _BESIDE.search(front.name):
            return ""
        end = _TEX_END.search(plain)
        return plain[: end.start()] if end else plain
    if front.page is not None and front.page > 1:
        return ""
    if front.format in ("xml", "html"):
        end = _XML_END.search(front.text, 0, FRONT)
        return front.text[: end.start()] if end else front.text[:PLAIN_FRONT]
    plain = front.text[:PLAIN_FRONT]
    end = None if front.page else _PLAIN_END.search(plain)  # a page of print has its footnotes after the first words
    return plain[: end.start()] if end else plain


def _tex(text: str) -> Iterable[Address]:
    readable = text.replace(r"\_", "_").replace("$@$", "@").replace(r"\@", "@").replace(r"{@}", "@")
    marks = [(m.start(), m["what"], m["body"], bool(m["star"])) for m in _COMMANDS.finditer(readable)]
    thanks = [match.span() for match in _THANKS.finditer(readable)]
    for start, email in _emails(readable):
        before = [mark for mark in marks if mark[0] <= start]
        author, marked = _author(*before[-1][1:]) if before else ("", False)
        marked = marked or any(begin < start < end for begin, end in thanks)
        near = readable[max(0, start - _NEAR) : start]
        yield Address(email, author, marked or bool(_CLOSE.search(near)))


def _author(what: str, body: str, has_star: bool) -> tuple[str, bool]:
    """Return whom a command names, where it names one author, and whether that is the corresponding one."""
    if what == "correspondingauthor":
        return _name(body), True
    is_one = "@" not in body and r"\and" not in body and body.count(",") < 2
    return (_name(body) if is_one else ""), has_star


def _plain(text: str) -> Iterable[Address]:
    for start, email in _emails(text):
        yield Address(email, "", bool(_CLOSE.search(text[max(0, start - _NEAR) : start])))


def _emails(text: str) -> list[tuple[int, str]]:
    found = [(m.start(), f"{m[1]}@{m[2]}".casefold()) for m in _EMAIL.finditer(text)]
    for match in _GROUP.finditer(text):
        locals_ = re.split(r"\s*[,;]\s*", match[1])
        found += [(match.start(), f"{local}@{match[2]}".casefold()) for local in locals_]
    return sorted(found)


def _name(body: str) -> str:
    """The printed name out of an ``\\author``'s argument: notes and marks left out; "" where nothing like a name is left."""
    bare = re.sub(r"\\(?:inst|thanks|altaffilmark|orcidlink|footnotemark)\s*\{[^{}]*\}|\$[^$]{0,40}\$", " ", body)
    words = _MARKUP.sub(" ", bare).replace("*", " ").split()
    name = " ".join(words)
    return name if name and len(name) <= 80 and any(c.isalpha() for c in name) and "@" not in name else ""
