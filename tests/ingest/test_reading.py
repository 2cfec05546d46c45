"""Reading texts for codes: e-prints, abstracts, snippets and folders."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from biblio.catalogue.papers import absorb_records
from biblio.catalogue.projects import record_projects
from biblio.errors import RequestRefused
from biblio.ingest.jobs import READ
from biblio.ingest.texts_folder import candidates
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import HarvestRefusal, JobRun, Paper, RequestCount, TextMention, TextReading
from biblio.store.words import Outcome
from demo.replay import ReplayServer
from harvesters.records import HarvestedProject
from tests.catalogue.records import article, preprint
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import run as harvest_now

CODE = "2013.1.00092.S"


def read(runtime: Runtime, **arguments: Any) -> JobRun:
    """Run the reading with these arguments."""
    return run_job(runtime, READ, arguments=arguments)


def prepare(runtime: Runtime, *records: Any) -> None:
    """Store one project and some papers."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        record_projects(session, [HarvestedProject("list", CODE)], grammar=runtime.grammar, now=now)
        absorb_records(session, records, payload_sha256=None, now=now)


def archive(**members: bytes) -> bytes:
    """A gzipped tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("DOTDOT", ".."))
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def test_eprints_are_read_once_per_version(asking: Asking, served: ReplayServer) -> None:
    """Codes are found with the passage around them; a second run asks for nothing; no text is stored."""
    runtime = asking(served.url)
    harvest_now(runtime, sources="projects")
    harvest_now(runtime, sources="arxiv", since="2019-01-01", until="2019-12-31")
    row = read(runtime)
    assert row.outcome is Outcome.SUCCEEDED
    assert row.counts["texts_read"] > 5
    assert row.counts["mentions"] > 5
    with runtime.store.reading() as session:
        readings = session.exec(select(TextReading).where(TextReading.origin == "eprint")).all()
        longest = max(len(m.context) for m in session.exec(select(TextMention)))
        assert all(len(str(r.sha256)) == 64 for r in readings if r.refusal is None)
        assert max(r.characters for r in readings) > 2 * longest
        ledger = session.exec(select(RequestCount).where(col(RequestCount.endpoint).contains("e-print"))).one()
        assert ledger.requests >= len(readings)
    again = read(runtime)
    assert (again.outcome, again.counts) == (Outcome.SUCCEEDED, {})


def test_a_text_that_cannot_be_read_is_not_asked_for_again(asking: Asking, served: ReplayServer) -> None:
    """arXiv has no source of this paper: that is stored with its reason, counted, and left until a new version."""
    runtime = asking(served.url)
    prepare(runtime, preprint(key="1901.99999", arxiv_id="1901.99999"))
    assert read(runtime).counts["texts_refused"] == 1
    with runtime.store.reading() as session:
        reading = session.exec(select(TextReading).where(TextReading.origin == "eprint")).one()
        assert "1901.99999" in str(reading.refusal)
        assert session.exec(select(HarvestRefusal.place)).one() == "arXiv:1901.99999v1"
    assert read(runtime).counts == {}
    prepare(runtime, preprint(key="1901.99999", arxiv_id="1901.99999", arxiv_version=2))
    assert read(runtime).counts["texts_refused"] == 1


def test_abstracts_and_snippets_are_read(runtime: Runtime) -> None:
    """A code in an abstract or in a passage that ADS shows is a mention; of an acknowledgement it says so."""
    prepare(
        runtime,
        preprint(abstract=f"We use ALMA data {CODE}."),
        article(snippets=(("ack", f"the following <em>ALMA</em> data: ADS/JAO.ALMA#{CODE}."),)),
    )
    row = read(runtime, eprints="no")
    assert row.counts["mentions"] == 2
    with runtime.store.reading() as session:
        found = {
            (r.origin, m.part): (m.code, m.certain, m.stands_in)
            for m, r in session.exec(select(TextMention, TextReading).join(TextReading))
        }
    assert found["snippet", "ack"] == (CODE, True, "acknowledgement")
    assert found["abstract", "abstract"][:2] == (CODE, True)


def test_a_folder_is_read_whatever_lies_in_it(runtime: Runtime, tmp_path: Path) -> None:
    """Files named by an identifier are read; bombs, paths that climb, strangers and rubbish are refused one by one."""
    papers = [preprint(key=f"2101.0000{n}", arxiv_id=f"2101.0000{n}", title=f"Paper {n}") for n in range(1, 6)]
    prepare(runtime, *papers, article(arxiv_id=None))
    folder = tmp_path / "texts"
    folder.mkdir()
    tex = f"\\documentclass{{x}}\\begin{{document}}ADS/JAO.ALMA\\#{CODE}\\end{{document}}".encode()
    (folder / "2101.00001v1.tex").write_bytes(tex)
    (folder / "2101.00002.tar.gz").write_bytes(archive(**{"DOTDOT__evil.tex": tex, "main.tex": tex}))
    (folder / "2101.00003.gz").write_bytes(gzip.compress(b"\0" * 80_000_000))
    (folder / "2101.00004.pdf").write_bytes(b"%PDF-1.4 rubbish")
    (folder / "10.3847_1538-4357_ab0001.txt").write_bytes(tex)
    (folder / "9901.00001.txt").write_bytes(tex)
    (folder / "notes.docx").write_bytes(b"x")
    row = read(runtime, folder=str(folder))
    assert row.outcome is Outcome.SUCCEEDED
    assert (row.counts["texts_read"], row.counts["texts_refused"], row.counts["ignored"]) == (3, 2, 1)
    assert row.counts["seen"] == 6
    with runtime.store.reading() as session:
        refused = {r.place: r.reason for r in session.exec(select(HarvestRefusal))}
        assert len(session.exec(select(TextMention).where(TextMention.code == CODE)).all()) == 3
    assert {p.partition("!")[0] for p in refused} == {
        "2101.00002.tar.gz", "2101.00003.gz", "2101.00004.pdf", "9901.00001.txt",
    }  # fmt: skip
    assert "no paper has the identifier" in refused["9901.00001.txt"]
    assert not (tmp_path / "evil.tex").exists()
    again = read(runtime, folder=str(folder))
    assert (again.counts["unchanged"], again.counts.get("texts_read", 0)) == (3 + 2, 0)


def test_wrong_arguments_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    """A folder that is none, a limit that is none, and unknown words are refused with a sentence and are no run."""
    for arguments in ({"folder": str(tmp_path / "none")}, {"limit": "many"}, {"depth": "1"}):
        with pytest.raises(RequestRefused):
            read(runtime, **arguments)
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []


def test_file_names_may_mean_several_things() -> None:
    """A file is named by arXiv number, DOI, bibcode or the key of its list, with ``_`` for ``/``."""
    assert str(candidates(Path("astro-ph_0309136v2.tar.gz"))[0]) == "arxiv astro-ph/0309136"
    assert str(candidates(Path("2021A&A...650A..10D.pdf"))[0]) == "bibcode 2021A&A...650A..10D"
    assert str(candidates(Path("10.3847_1538-4357_ab0001.pdf"))[-0]).startswith("doi 10.3847/")
    assert "my-paper" in candidates(Path("my-paper.txt"))


def test_a_paper_is_one_reading_per_text(runtime: Runtime, tmp_path: Path) -> None:
    """A text that changed is read anew and supersedes the reading before, which stays in the history."""
    prepare(runtime, preprint())
    path = tmp_path / "2101.00001.txt"
    for body in (f"We use {CODE} of ALMA.", "We use nothing."):
        path.write_text(body, encoding="utf-8")
        read(runtime, folder=str(tmp_path))
    with runtime.store.reading() as session:
        rows = session.exec(select(TextReading).where(TextReading.origin == "folder")).all()
        assert sorted(r.superseded_at is None for r in rows) == [False, True]
        live = next(r for r in rows if r.superseded_at is None)
        assert live.sha256 == hashlib.sha256(b"We use nothing.").hexdigest()
        assert len(session.exec(select(Paper)).all()) == 1
