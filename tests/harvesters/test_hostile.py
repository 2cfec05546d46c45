"""Whatever bytes strangers send, reading them ends in records, refusals or a refused page, never in another error."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvesters.ads import AdsQuery, AdsSource
from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.errors import PageRefused
from harvesters.files import BibtexFile, PapersFile, ProjectsFile
from harvesters.fulltext import read_archive
from harvesters.http import PoliteSession
from harvesters.lists import NamesList, PapersTable
from harvesters.pace import LocalPace
from harvesters.protocol import Page, Source
from harvesters.tap import TapSource, TapTable
from tests.harvesters import test_ads, test_arxiv, test_arxiv_oai, test_lists, test_projects, test_tap
from tests.harvesters.archives import make_tar, make_tgz
from tests.harvesters.pdfs import make_pdf

DAY = date(2026, 1, 1)
SESSION = PoliteSession("nobody", LocalPace({}), contact="nobody@example.org")

HONEST: Sequence[tuple[Source, bytes]] = (
    (
        ArxivSource(SESSION, ArxivQuery(("astro-ph.EP",), DAY, DAY)),
        test_arxiv.feed([test_arxiv.entry(7, DAY, comment="12 pages")], 1),
    ),
    (
        OaiSource(SESSION, OaiQuery(DAY)),
        test_arxiv_oai.page_of(1, 2, "token").body,
    ),
    (
        AdsSource(SESSION, AdsQuery({"any": "x"}, DAY), token=None),
        json.dumps(
            {
                "response": {
                    "numFound": 1,
                    "docs": [test_ads.document(1) | {"pubdate": "2100-03-00", "author": ["A"]}],
                },
                "highlighting": {"1": {"ack": ["<em>x</em>"]}},
            }
        ).encode(),
    ),
    (
        TapSource(SESSION, TapTable("http://x", "t", test_tap.COLUMNS)),
        test_tap.votable([test_tap.field("A", "u1", obs_release_date="2100-01-01", t_min="60000", t_exptime="3")]),
    ),
    (ProjectsFile(Path("x")), test_projects.CSV.encode()),
    (ProjectsFile(Path("x")), b'{"code": "A", "units": [{"uid": "u", "released_on": "2100-01-01"}], "year": 3}\n'),
    (PapersFile(Path("x")), b'{"id": "p", "authors": ["A", {"name": "B"}], "year": 2100, "arxiv": "2101.00001"}\n'),
    (BibtexFile(Path("x")), (Path(__file__).parent.parent / "data" / "papers.bib").read_bytes()),
    (PapersTable(Path("x")), test_lists.TELBIB.encode()),
    (NamesList(Path("x")), b"# ours\n2016ApJ...822...36D;10.9999/x\nhttps://arxiv.org/abs/2101.00001v2 # old\n"),
)

ODD = st.sampled_from(
    [b"null", b"1e999", b'"', b"{", b"}", b"[", b"<", b">", b"&", b"\0", b"\xff", b"\\", b"$", b"\n", b"-1"]
)


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """``body`` with some of it cut out, doubled, replaced or cut off."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 40)))
        body = draw(
            st.sampled_from(
                [body[:start] + body[end:], body[:end] + body[start:], body[:start] + draw(ODD) + body[end:]]
            )
        )
    return body


@pytest.mark.parametrize("number", range(len(HONEST)))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_pages_are_read_or_refused(number: int, data: st.DataObject) -> None:
    """Every parser outlives damage of every kind."""
    source, body = HONEST[number]
    page = Page(source.name, "page 1", data.draw(damaged(body)), "", {}, True)
    try:
        told = [refusal.place for refusal in source.parse(page).refusals]
    except PageRefused as refused:
        told = [str(refused)]
    assert all("page 1" in place for place in told)


TEX = b"\\documentclass{article} some words"
FILES = (
    make_tgz({"a.tex": TEX, "b.tex.gz": gzip.compress(TEX, mtime=0)}),
    make_tar({"x" * 120 + ".tex": TEX, "c.txt": b"words"}),
    make_pdf("some words"),
    gzip.compress(TEX, mtime=0),
)


@pytest.mark.parametrize("number", range(len(FILES)))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_are_read_or_refused(number: int, data: st.DataObject) -> None:
    """Every file gives texts or a reason that names it."""
    parts, refusals = read_archive("paper", data.draw(damaged(FILES[number])))
    assert parts or refusals
    assert all(refusal.place.startswith("paper") and refusal.reason for refusal in refusals)
