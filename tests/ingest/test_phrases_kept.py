"""What full texts say of the observatory is kept when they are read, for the texts themselves are not."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col, select

from biblio.catalogue.texts import CONTEXT, GIVEN_UP
from biblio.ingest import queries
from biblio.ingest.reader import make_reader, read_body
from biblio.runtime import Runtime
from biblio.store.models import TextMention, TextPhrase, TextReading
from demo.replay import ReplayServer
from harvesters.fulltext import TextPart
from matching.phrases import MOST_PER_KIND
from tests.catalogue.records import preprint
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import run as harvest_now
from tests.ingest.test_reading import CODE, prepare, read

TEXT = (
    "\\documentclass{aa}\\begin{document}" + "The gas rotates and we fit a curve to it. " * 300 + "\n\n"
    "We observed the ring with ALMA at 1.3 mm. Future observations with ALMA will tell more.\n\n"
    f"\\begin{{acknowledgements}}This paper makes use of the following ALMA data: ADS/JAO.ALMA\\#{CODE}."
    "\\end{acknowledgements}\\end{document}"
)


def folder_with(tmp_path: Path, text: str = TEXT) -> Path:
    """A folder with the text of one paper."""
    folder = tmp_path / "texts"
    folder.mkdir(exist_ok=True)
    (folder / "2101.00001v1.tex").write_text(text, encoding="utf-8")
    return folder


def test_phrases_are_kept_with_their_places(runtime: Runtime, tmp_path: Path) -> None:
    """Each is a quote in its passage, with its offsets in the text, the section it stands in and what it says."""
    prepare(runtime, preprint(key="2101.00001", arxiv_id="2101.00001"))
    read(runtime, folder=str(folder_with(tmp_path)))
    with runtime.store.reading() as session:
        reading = session.exec(select(TextReading).where(TextReading.origin == "folder")).one()
        assert (reading.named, len(reading.phrases_digest or "")) == (4, 64)  # the prefix of the code names it too
        rows = {row.kind: row for row in session.exec(select(TextPhrase))}
    assert rows["statement"].stands_in == "acknowledgement"
    assert (rows["own_data"].stands_in, rows["future"].stands_in) == ("body", "body")
    for row in rows.values():
        assert TEXT[row.start : row.end] == row.printed
        assert TEXT[row.context_start :].startswith(row.context)
        assert len(row.context) <= len(row.printed) + 2 * CONTEXT


def test_a_text_read_before_is_read_again(runtime: Runtime, tmp_path: Path) -> None:
    """A folder's text that older versions read, or that other phrases were looked for in, is read once more, then left."""
    prepare(runtime, preprint(key="2101.00001", arxiv_id="2101.00001"))
    folder = str(folder_with(tmp_path))
    read(runtime, folder=folder)
    assert read(runtime, folder=folder).counts.get("texts_read") is None
    for digest in (None, "0" * 64):
        with runtime.store.writing() as session:
            session.execute(
                sa.update(TextReading).where(col(TextReading.superseded_at).is_(None)).values(phrases_digest=digest)
            )
        assert read(runtime, folder=folder).counts["texts_read"] == 1
        assert read(runtime, folder=folder).counts.get("texts_read") is None
    with runtime.store.reading() as session:
        in_force = session.exec(select(TextReading).where(col(TextReading.superseded_at).is_(None))).all()
        kept = session.exec(select(TextPhrase).where(TextPhrase.reading_id == in_force[-1].id)).all()
    assert len(kept) >= 3


def test_a_hostile_text_keeps_few_rows(runtime: Runtime) -> None:
    """A text that is nothing but our name and a NUL keeps at most a few passages of each kind."""
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    body = b"We observed with ALMA data at 1.3 mm \0. Future ALMA mm data. alma mater. " * 3_000
    reading, _ = read_body(reader, reader.blank, "text.txt", body)
    assert 0 < len(reading.phrases) <= MOST_PER_KIND * len(reader.relation.tables)
    assert all("\0" not in said.context for said in reading.phrases)
    assert reading.named
    assert reading.named > 1_000


def test_pages_of_a_pdf_know_the_headings_before_them(runtime: Runtime) -> None:
    """A phrase keeps its page, and a page that goes on with the list of references is known for one."""
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    words = "We observed a ring with ALMA at 1.3 mm.\n"
    pages = [
        TextPart("a.pdf", "Words of prose.\n" * 20 + words, "pdf", 1),
        TextPart("a.pdf", "Words.\n" * 20 + "\n\nReferences\n\n" + "Fictional A., 2015, ApJ, 1, 2\n" * 20, "pdf", 2),
        TextPart("a.pdf", words, "pdf", 3),
    ]
    said, named = reader.said(pages)
    assert {(s.phrase.kind, s.phrase.page) for s in said} == {("own_data", 1), ("listed", 3)}
    assert named == 1


def test_eprints_read_before_are_fetched_last(asking: Asking, served: ReplayServer) -> None:
    """E-prints whose phrases were not kept wait at the end; one that cannot be had again keeps what was read of it."""
    runtime = asking(served.url)
    harvest_now(runtime, sources="projects")
    harvest_now(runtime, sources="arxiv", since="2019-01-01", until="2019-12-31")
    read(runtime)
    with runtime.store.writing() as session:
        before = queries.eprint_counts(session)
        good = select(TextReading).where(
            TextReading.origin == "eprint",
            col(TextReading.refusal).is_(None),
            col(TextReading.id).in_(select(TextMention.reading_id)),
        )
        old = session.exec(good).first()
        assert old is not None
        old.phrases_digest = None
        session.add(old)
    prepare(runtime, preprint(key="1901.99999", arxiv_id="1901.99999"))
    with runtime.store.reading() as session:
        counts, due = queries.eprint_counts(session), queries.eprints_due(session)
    assert (counts.again, counts.read, counts.total) == (1, before.read - 1, before.total + 1)
    assert next((one.arxiv_id, one.is_again) for one in due) == ("1901.99999", False)
    assert (due[-1].paper_id, due[-1].is_again) == (old.paper_id, True)
    assert read(runtime).counts["texts_read"] == 1
    with runtime.store.reading() as session:
        assert queries.eprints_due(session) == []
        assert queries.eprint_counts(session).again == 0


def test_a_text_that_is_gone_keeps_its_codes(asking: Asking, served: ReplayServer) -> None:
    """arXiv has it no more: the codes read of it before stay, and it is not asked for again."""
    runtime = asking(served.url)
    prepare(runtime, preprint(key="1901.99999", arxiv_id="1901.99999"))
    assert read(runtime).counts["texts_refused"] == 1
    with runtime.store.writing() as session:
        reading = session.exec(select(TextReading).where(TextReading.origin == "eprint")).one()
        reading.refusal, reading.phrases_digest, reading.characters = None, None, 100
        session.add(reading)
    assert read(runtime).counts.get("texts_refused") is None
    with runtime.store.reading() as session:
        (kept,) = session.exec(select(TextReading).where(TextReading.origin == "eprint"))
        assert (kept.refusal, kept.superseded_at, kept.phrases_digest) == (None, None, GIVEN_UP)
        assert queries.eprints_due(session) == []
    assert read(runtime).counts == {}
