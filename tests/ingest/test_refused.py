"""What was refused and is still missing, and what closes it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from biblio.ingest.holes import Kind
from biblio.ingest.importing import import_job, paper_file
from biblio.ingest.refused import file_of
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store import Store
from biblio.store.models import AuditEntry, HarvestRefusal
from tests.factories import add_project
from tests.ingest.test_held import hold, run_of
from tests.ingest.test_holes import NOW, SINCE, TODAY, a_page, a_run, a_window, found, refused, whole_ads

DAY = timedelta(days=1)


def quiet(session: Session) -> None:
    """Nothing else is missing."""
    a_window(session, SINCE, TODAY)
    whole_ads(session)


@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("/lists/kpub.csv row 3", "kpub.csv"),
        ("/lists/kpub.csv from row 1001 row 3", "kpub.csv"),
        ("refs.bib line 12", "refs.bib"),
        ("kpub.csv from row 1", "kpub.csv"),
        ("ADS library x, records from 1 record 2", "ADS library x"),
        ("/lists/a row 1.csv", "a row 1.csv"),
    ],
)
def test_the_file_of_a_place(place: str, file: str) -> None:
    """Its name without its folder, whatever row the place names."""
    assert file_of(place) == file


def imported(runtime: Runtime, path: Path, text: str) -> None:
    """Write a list and import it under the name "kpub"."""
    path.write_text(text, encoding="utf-8")
    run_job(runtime, import_job([paper_file(path, name="kpub")]))


def test_a_mended_file_closes_what_was_refused_of_it(runtime: Runtime, tmp_path: Path) -> None:
    """Imported again under its name; a row that was taken out of it is closed as well. Another file closes nothing."""
    path = tmp_path / "list.csv"
    good = "bibcode,title\n2024ApJ...900....1D,A disc\n"
    imported(runtime, path, f"{good}not a bibcode,Wrong\nalso wrong,Gone\n")
    with runtime.store.reading() as session:
        (hole,) = found(session)[Kind.REFUSED]
        assert (hole.count, hole.job) == (2, None)
        assert "list.csv" in hole.words
        assert hole.aside is not None
    imported(runtime, tmp_path / "other.csv", good)
    with runtime.store.reading() as session:
        assert Kind.REFUSED in found(session)
    imported(runtime, path, f"{good}2024ApJ...900....2D,Right\n")
    with runtime.store.reading() as session:
        assert Kind.REFUSED not in found(session)


def test_a_file_that_was_no_list_is_closed_by_one_that_is(runtime: Runtime, tmp_path: Path) -> None:
    """The unreadable file is one hole; the same name read to its end closes it."""
    path = tmp_path / "list.csv"
    imported(runtime, path, "")
    with runtime.store.reading() as session:
        assert found(session)[Kind.REFUSED][0].count == 1
    imported(runtime, path, "bibcode,title\n2024ApJ...900....1D,A disc\n")
    with runtime.store.reading() as session:
        assert Kind.REFUSED not in found(session)


def test_what_is_set_aside_of_a_file_stays_aside(store: Store) -> None:
    """Also when the same rows are refused once more; a row that is wrong in another way is open."""
    with store.writing() as session:
        quiet(session)
        refused(session, "kpub", "list.csv row 3", key="x", reason="no bibcode")
        until = session.exec(select(HarvestRefusal.id)).one()
        details = {"source": "kpub", "page": "list.csv", "until": until, "why": "a talk, no paper"}
        session.add(AuditEntry(made_at=NOW, action="harvest.set_aside", subject="x", details=details))
        assert found(session) == {}
        refused(session, "kpub", "list.csv row 4", key="x", reason="no bibcode")
        assert found(session) == {}
        refused(session, "kpub", "list.csv row 4", key="x", reason="no year")
    with store.reading() as session:
        assert "no year" in found(session)[Kind.REFUSED][0].words


def test_a_code_that_the_registry_gives_wrongly_is_one_line_without_a_job(store: Store) -> None:
    """However many nights it was refused; asking again does not help. It is closed when the code comes."""
    with store.writing() as session:
        quiet(session)
        for night in range(5):
            refused(
                session, "registry", f"table from the first code row {night}", key="2019.1.999.S", reason="no code",
                refused_at=NOW - (5 - night) * DAY,
            )  # fmt: skip
        (hole,) = found(session)[Kind.WRONG]
        assert (hole.count, hole.job, hole.is_old(TODAY)) == (1, None, False)
        assert "tell the archive" in hole.remedy
        add_project(session, "2019.1.999.S", learned_at=NOW)
    with store.reading() as session:
        assert found(session) == {}


def test_a_record_refused_again_for_the_same_reason_is_its_sources_mistake(store: Store) -> None:
    """Once, a re-sweep asks for it again; when that was in vain, no button offers it once more."""
    with store.writing() as session:
        quiet(session)
        refused(session, "ads", "ADS search name, records from 1 record 4", key="2025ApJ...900....9D")
        assert found(session)[Kind.REFUSED][0].job == "resweep"
        refused(session, "ads", "ADS search name 2025, records from 1 record 1", key="2025ApJ...900....9D")
    with store.reading() as session:
        holes = found(session)
    assert [(hole.kind, hole.job) for kind in holes for hole in holes[kind]] == [(Kind.WRONG, None)]


def test_a_page_of_one_asking_is_not_passed_by_another(store: Store) -> None:
    """A refresh that ended says nothing of a page that the daily harvest could not read."""
    place = "ADS search name, records from 2001"
    with store.writing() as session:
        quiet(session)
        refused(session, "ads", place, reason=f"{place}: no JSON")
        a_page(session, run_of(session, "refresh"), "ads", "ADS bibcodes 1 to 5 of 5", is_last=True)
        assert found(session)[Kind.REFUSED][0].arguments == {"sources": "ads"}
        a_page(session, a_run(session), "ads", place)
    with store.reading() as session:
        assert found(session) == {}


def test_what_is_held_back_is_no_refusal(store: Store) -> None:
    """It has a kind of its own, with the command that takes it, and no job that could take it in passing."""
    with store.writing() as session:
        quiet(session)
        hold(session, "ads", "ADS search name, records from 1", job="resweep", year="2024")
    with store.reading() as session:
        ((hole,),) = found(session).values()
    assert (hole.kind, hole.job) == (Kind.HELD, None)
    assert "biblio run resweep -a year=2024 -a accept=ads" in hole.remedy
