"""The folder of texts that a site watches, read with every scheduled reading."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from sqlmodel import select

from biblio.ingest import texts_folder
from biblio.runtime import Runtime
from biblio.store.models import HarvestRefusal, TextMention, TextReading
from biblio.store.words import Outcome
from tests.catalogue.records import article, preprint
from tests.harvesters.pdfs import make_pdf
from tests.ingest.test_reading import CODE, prepare, read

TEXT = f"We thank nobody. ADS/JAO.ALMA#{CODE} is what we used."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The watched folder, empty."""
    path = tmp_path / "texts"
    path.mkdir()
    return path


@pytest.fixture
def watching(runtime: Runtime, folder: Path) -> Runtime:
    """A runtime that watches the folder, with a project and two papers."""
    prepare(runtime, preprint(), article(arxiv_id=None, doi="10.9999/other", title="Something else entirely"))
    return replace(runtime, settings=runtime.settings.model_copy(update={"texts_folder": folder}))


def refusals(runtime: Runtime) -> dict[str, str]:
    """Reasons by place."""
    with runtime.store.reading() as session:
        return {r.place: r.reason for r in session.exec(select(HarvestRefusal))}


def texts(runtime: Runtime) -> list[TextReading]:
    """The readings of texts from folders that are in force."""
    with runtime.store.reading() as session:
        return list(
            session.exec(
                select(TextReading).where(TextReading.origin == "folder", TextReading.superseded_at == None)  # noqa: E711
            )
        )


def test_only_new_and_changed_texts_are_read(watching: Runtime, folder: Path) -> None:
    """The first run reads what is there, the second nothing, the third what changed and what came."""
    first = folder / "2101.00001v1.txt"
    first.write_text(TEXT, encoding="utf-8")
    assert read(watching, eprints="no").counts["texts_read"] == 1
    again = read(watching, eprints="no")
    assert (again.counts.get("texts_read", 0), again.counts["unchanged"]) == (0, 1)
    first.write_text("Now it says nothing.", encoding="utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "10.9999_other.nxml").write_text(
        f"<article><body><p>{TEXT}</p></body></article>", encoding="utf-8"
    )
    assert read(watching, eprints="no").counts["texts_read"] == 2
    assert {r.place for r in texts(watching)} == {"2101.00001v1.txt", "sub/10.9999_other.nxml"}


def test_a_file_of_no_paper_is_told_once_and_waits(watching: Runtime, folder: Path) -> None:
    """It is counted with every run, written down once, and read as soon as its paper is known."""
    (folder / "2101.00077.txt").write_text(TEXT, encoding="utf-8")
    for _ in range(3):
        assert read(watching, eprints="no").counts["files_of_no_paper"] == 1
    with watching.store.reading() as session:
        assert len(session.exec(select(HarvestRefusal)).all()) == 1
    prepare(watching, preprint(key="2101.00077", arxiv_id="2101.00077", title="It came late"))
    row = read(watching, eprints="no")
    assert (row.counts["texts_read"], row.counts.get("files_of_no_paper", 0)) == (1, 0)


def test_a_file_still_being_written_is_left(watching: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size or time change between two looks: nothing is stored, and the next run reads it whole."""
    (folder / "2101.00001.txt").write_text(TEXT, encoding="utf-8")
    ticks = count()
    with monkeypatch.context() as growing:
        growing.setattr(texts_folder, "_stamp", lambda found: (found.st_size, next(ticks)))
        row = read(watching, eprints="no")
    assert (row.outcome, row.counts["files_left"], texts(watching)) == (Outcome.SUCCEEDED, 1, [])
    assert "2101.00001.txt was being written" in str(row.counts["notes"])
    assert read(watching, eprints="no").counts["texts_read"] == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (TEXT.encode(), "is no PDF, whatever its name says"),
        (f"<!DOCTYPE html><html><body>Sign in to read this article. {TEXT}</body></html>".encode(), "is no PDF"),
        (gzip.compress(TEXT.encode()), "is no PDF"),
        (b"", "is empty"),
        (bytes(4_000), "binary data"),
        (b"%PDF-1.7 and nothing more", "is no PDF or a broken one"),
        (make_pdf(TEXT)[:200], "PDF"),
        (make_pdf(TEXT, locked=True), "password"),
        (make_pdf("", ""), "has no text on any page"),
    ],
    ids=["text", "sign-in page", "packed text", "empty", "zeros", "head only", "cut off", "locked", "scan"],
)
def test_a_pdf_that_is_none_is_refused(watching: Runtime, folder: Path, body: bytes, reason: str) -> None:
    """It is counted as refused with its reason and never as a text that was read; no run looks at it twice."""
    (folder / "2101.00001v1.pdf").write_bytes(body)
    row = read(watching, eprints="no")
    assert (row.outcome, row.counts["seen"]) == (Outcome.SUCCEEDED, 1)
    assert (row.counts.get("texts_read", 0), row.counts["texts_refused"], row.counts["refused"]) == (0, 1, 1)
    (told,) = refusals(watching).items()
    assert told[0].startswith("2101.00001v1.pdf")
    assert reason in told[1]
    with watching.store.reading() as session:
        assert session.exec(select(TextMention)).all() == []
    again = read(watching, eprints="no")
    assert (again.counts["unchanged"], again.counts.get("texts_refused", 0)) == (1, 0)


def test_several_files_of_a_paper_are_one_text(watching: Runtime, folder: Path) -> None:
    """Article and appendix are read together, each mention says in which it stands, and no run reads them again."""
    (folder / "2101.00001.txt").write_text("No code here.", encoding="utf-8")
    (folder / "2101.00001v1.tex").write_text(f"\\documentclass{{x}} {TEXT}".replace("#", "\\#"), encoding="utf-8")
    assert read(watching, eprints="no").counts["texts_read"] == 1
    (reading,) = texts(watching)
    assert reading.place == "2101.00001.txt, 2101.00001v1.tex"
    with watching.store.reading() as session:
        (mention,) = session.exec(select(TextMention)).all()
        assert (mention.part, mention.code) == ("2101.00001v1.tex", CODE)
    assert read(watching, eprints="no").counts["unchanged"] == 2


def test_nothing_outside_the_folder_is_opened(watching: Runtime, folder: Path, tmp_path: Path) -> None:
    """Links out, pipes, devices and hidden files are passed over by name; a link within is followed."""
    outside = tmp_path / "outside.txt"
    outside.write_text(TEXT, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "2101.00001.txt").write_text(TEXT, encoding="utf-8")
    (folder / "2101.00001.txt").symlink_to(outside)
    (folder / "2101.00001v2.txt").symlink_to("/dev/zero")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / ".2101.00001.txt").write_text(TEXT, encoding="utf-8")
    os.mkfifo(folder / "2101.00001v3.txt")
    row = read(watching, eprints="no")
    assert (row.outcome, texts(watching)) == (Outcome.SUCCEEDED, [])
    told = refusals(watching)
    assert {place: reason.partition(";")[0] for place, reason in told.items()} == {
        "2101.00001.txt": "is a link out of the folder",
        "2101.00001v2.txt": "is a link out of the folder",
        "2101.00001v3.txt": "is no regular file",
    }
    (folder / "kept").mkdir()
    (folder / "kept" / "scan-0017.txt").write_text(TEXT, encoding="utf-8")
    (folder / "10.9999_other.txt").symlink_to(folder / "kept" / "scan-0017.txt")
    assert read(watching, eprints="no").counts["texts_read"] == 1


def test_a_link_put_in_a_files_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """Between finding and opening a file it may become anything; then it is refused."""
    outside = tmp_path / "outside.txt"
    outside.write_text(TEXT, encoding="utf-8")
    swapped = folder / "2101.00001.txt"
    swapped.symlink_to(outside)
    with pytest.raises(OSError, match="symbolic links"):
        texts_folder._content(texts_folder.FoundFile("x", swapped, (0, 0)))


def test_an_unreadable_folder_costs_itself_only(watching: Runtime, folder: Path) -> None:
    """The sentence names the folder and the setting; abstracts are read all the same, and the run says that it failed."""
    folder.rmdir()
    row = read(watching, eprints="no")
    assert row.outcome is Outcome.FAILED
    assert f"The folder of texts {folder} cannot be read (No such file or directory)" in str(row.error)
    assert "BIBLIO_TEXTS_FOLDER" in str(row.error)
    assert row.counts["short_texts_read"] == 2


def test_limits_of_a_folder_are_told(watching: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million files, folders without end, a file too large: what is within the limits is read."""
    monkeypatch.setattr(texts_folder, "MAX_FILES", 2)
    monkeypatch.setattr(texts_folder, "MAX_DEPTH", 1)
    monkeypatch.setattr(texts_folder, "MAX_FILE_BYTES", 100)
    (folder / "10.9999_other.txt").write_text("x" * 101, encoding="utf-8")
    (folder / "2101.00001.txt").write_text(TEXT, encoding="utf-8")
    (folder / "9").mkdir()
    (folder / "9" / "9").mkdir()
    (folder / "9.txt").write_text(TEXT, encoding="utf-8")
    row = read(watching, eprints="no")
    assert row.counts["texts_read"] == 1
    assert {place: reason.partition(";")[0] for place, reason in refusals(watching).items()} == {
        "10.9999_other.txt": "is larger than 0 MB",
        "9/9": "lies more than 1 folders deep",
        str(folder): "holds more than 2 files",
    }
