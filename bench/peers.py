"""What other tools make of the same bytes: the peers beside which ``bench/harvest.py`` puts its figures.

Each takes one answer and gives as many records as it read, with title, abstract, authors, identifiers and dates taken
out; none checks what it reads.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ATOM = "{http://www.w3.org/2005/Atom}"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
RAW = "{http://arxiv.org/OAI/arXivRaw/}"

Peer = tuple[str, Callable[[bytes], int]]


def atom() -> Peer:
    """Return lxml where it is installed, else feedparser."""
    try:
        from lxml import etree
    except ImportError:
        return "feedparser", _feedparser
    return "lxml", lambda body: _atom_walk(etree.fromstring(body))


def oai() -> Peer:
    """Return lxml where it is installed, else the standard library's tree."""
    try:
        from lxml import etree
    except ImportError:
        return "ElementTree walk", lambda body: _oai_walk(ET.fromstring(body))
    return "lxml walk", lambda body: _oai_walk(etree.fromstring(body))


def _feedparser(body: bytes) -> int:
    import feedparser

    feed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    return len([(e.id, e.title, e.summary, [a.name for a in e.authors], e.published) for e in feed.entries])


def _atom_walk(tree: Any) -> int:
    found = [
        (
            entry.findtext(f"{ATOM}id"),
            entry.findtext(f"{ATOM}title"),
            entry.findtext(f"{ATOM}summary"),
            [author.findtext(f"{ATOM}name") for author in entry.iter(f"{ATOM}author")],
            entry.findtext(f"{ATOM}published"),
            entry.findtext(f"{ATOM}updated"),
        )
        for entry in tree.iter(f"{ATOM}entry")
    ]
    return len(found)


def _oai_walk(tree: Any) -> int:
    found = [
        (
            raw.findtext(f"{RAW}id"),
            raw.findtext(f"{RAW}title"),
            raw.findtext(f"{RAW}abstract"),
            (raw.findtext(f"{RAW}authors") or "").split(", "),
            raw.findtext(f"{RAW}doi"),
            [version.findtext(f"{RAW}date") for version in raw.iter(f"{RAW}version")],
        )
        for raw in tree.iter(f"{RAW}arXivRaw")
    ]
    return len(found)


def ads() -> Peer:
    """Return the ``ads`` package: its response object, and of each article the attributes that were asked for."""
    from ads.search import SolrResponse

    def read(body: bytes) -> int:
        text = body.decode()
        answer = SolrResponse(SimpleNamespace(text=text, json=lambda: json.loads(text)))
        found = [
            (a.bibcode, a.title, a.abstract, a.author, a.aff, a.doi, a.pubdate, a.property) for a in answer.articles
        ]
        return len(found)

    return "ads objects", read


def pdf() -> Peer | None:
    """Return pdftotext where it is installed; it starts once a file, as a script around it would."""
    command = shutil.which("pdftotext")
    if command is None:
        return None

    def read(body: bytes) -> int:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "paper.pdf"
            path.write_bytes(body)
            text = subprocess.run([command, str(path), "-"], check=True, capture_output=True).stdout
        return text.count(b"\f")

    return "pdftotext", read


def archive(body: bytes) -> int:
    """Unpack an archive with tarfile alone and decode its TeX; return the bytes of it. No limit, no check of a path."""
    size = 0
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(body))) as members:
        for member in members:
            if member.name.endswith((".tex", ".bbl")):
                data = members.extractfile(member).read()  # type: ignore[union-attr]
                data.decode("utf-8")
                size += len(data)
    return size
