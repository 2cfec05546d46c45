"""Recording what registries say of projects."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import select

from biblio.catalogue.projects import Recorded, known_from, record_projects
from biblio.runtime import Runtime
from biblio.store.models import ArchiveReference, ObservationUnit, Project, ProjectRevision, UnitRevision
from harvesters.records import HarvestedProject, HarvestedUnit

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)

PROJECT = HarvestedProject(
    source="tap",
    code="2013.1.00092.S",
    title="Cold dust in a made-up galaxy",
    pi="Doe, Jane",
    co_is=("Roe, Richard",),
    category="Galaxies",
    units=(HarvestedUnit("uid://A1/X1/X1", released_on=date(2016, 5, 1)), HarvestedUnit("uid://A1/X1/X2")),
    bib_references=("2015ApJ...800....1D", "no bibcode"),
)


def record(runtime: Runtime, *projects: HarvestedProject, now: datetime = NOW, emails: bool = False) -> list[Recorded]:
    """Record projects as one page and return what became of each."""
    with runtime.store.writing() as session:
        outcomes = record_projects(session, projects, grammar=runtime.grammar, now=now, take_emails=emails)
        return [o.what for o in outcomes]


def test_a_project_is_stored_with_facets_units_and_references(runtime: Runtime) -> None:
    """Facets follow from the code; units, dates and usable bibcodes are kept."""
    assert record(runtime, PROJECT) == [Recorded.NEW]
    with runtime.store.reading() as session:
        project = session.exec(select(Project)).one()
        assert (project.cycle, project.call, project.kind, project.is_pi_project) == ("2013.1", "regular", "S", True)
        dates = session.exec(select(ObservationUnit.uid, UnitRevision.released_on).join(UnitRevision)).all()
        assert sorted(dates) == [("uid://A1/X1/X1", date(2016, 5, 1)), ("uid://A1/X1/X2", None)]
        assert session.exec(select(ArchiveReference.bibcode)).all() == ["2015ApJ...800....1D"]


def test_saying_the_same_again_adds_nothing(runtime: Runtime) -> None:
    """A second refresh without news leaves every table as it was."""
    record(runtime, PROJECT)
    assert record(runtime, PROJECT, now=LATER) == [Recorded.UNCHANGED]
    with runtime.store.reading() as session:
        for table in (ProjectRevision, UnitRevision):
            assert session.exec(select(sa.func.max(table.learned_at))).one() == NOW


def test_signs_that_are_no_text_are_no_news(runtime: Runtime) -> None:
    """Of a project stored with clean texts a registry that sends such signs with them says nothing new."""
    record(runtime, PROJECT)
    dirty = replace(PROJECT, title=f"\u202e{PROJECT.title}\x01", category="Gal\x9baxies", co_is=("Roe, Rich\u2066ard",))
    assert record(runtime, dirty, now=LATER) == [Recorded.UNCHANGED]


def test_what_is_left_out_erases_nothing(runtime: Runtime) -> None:
    """A source that knows less changes only what it says."""
    record(runtime, PROJECT)
    sparse = HarvestedProject(source="file", code="2013.1.00092.S", state="Completed")
    assert record(runtime, sparse, now=LATER) == [Recorded.CHANGED]
    with runtime.store.reading() as session:
        history = session.exec(select(ProjectRevision).order_by(sa.text("id"))).all()
        assert [(r.title, r.pi, r.state, r.superseded_at) for r in history] == [
            (PROJECT.title, "Doe, Jane", None, LATER),
            (PROJECT.title, "Doe, Jane", "Completed", None),
        ]


def test_a_release_date_that_moves_is_appended(runtime: Runtime) -> None:
    """Release dates can move later; what was believed before stays in the history."""
    record(runtime, PROJECT)
    moved = replace(PROJECT, units=(HarvestedUnit("uid://A1/X1/X1", released_on=date(2016, 8, 1)),))
    with runtime.store.writing() as session:
        [outcome] = record_projects(session, [moved], grammar=runtime.grammar, now=LATER)
    assert (outcome.what, outcome.moved) == (Recorded.CHANGED, 1)
    with runtime.store.reading() as session:
        days = session.exec(select(UnitRevision.released_on, UnitRevision.superseded_at).order_by(sa.text("id"))).all()
        assert [d for d in days if d[0]] == [(date(2016, 5, 1), LATER), (date(2016, 8, 1), None)]


def test_only_contact_files_set_the_address_of_a_pi(runtime: Runtime) -> None:
    """A registry's address is not used; a contact file's is, and a later refresh keeps it."""
    with_mail = replace(PROJECT, pi_email="jane@example.org")
    record(runtime, with_mail)
    with runtime.store.reading() as session:
        assert session.exec(select(ProjectRevision.pi_email)).one() is None
    record(runtime, with_mail, now=LATER, emails=True)
    record(runtime, replace(PROJECT, title="New title"), now=LATER + timedelta(days=1))
    with runtime.store.reading() as session:
        current = select(ProjectRevision).where(ProjectRevision.superseded_at == None)  # noqa: E711
        assert session.exec(current).one().pi_email == "jane@example.org"


def test_a_code_that_is_none_is_refused_and_costs_its_row_only(runtime: Runtime) -> None:
    """A malformed code is refused by name; its neighbours are stored; padding is no damage."""
    rows = (replace(PROJECT, code="garbage"), replace(PROJECT, code="  2015.1.00001.S "))
    assert record(runtime, *rows) == [Recorded.REFUSED, Recorded.NEW]
    with runtime.store.writing() as session:
        [refused] = record_projects(session, rows[:1], grammar=runtime.grammar, now=NOW)
    assert "garbage" in (refused.reason or "")


def test_two_rows_of_one_project_on_a_page_are_one_project(runtime: Runtime) -> None:
    """A page may name a project twice; the later row adds to the earlier one, in one revision."""
    second = HarvestedProject("tap", "2013.1.00092.S", partner="EU", units=(HarvestedUnit("uid://A1/X1/X3"),))
    assert record(runtime, PROJECT, second) == [Recorded.NEW, Recorded.CHANGED]
    with runtime.store.reading() as session:
        revision = session.exec(select(ProjectRevision)).one()
        assert (revision.title, revision.partner) == (PROJECT.title, "EU")
        assert len(session.exec(select(ObservationUnit)).all()) == 3


def test_test_projects_are_no_pi_projects(runtime: Runtime) -> None:
    """Verification and calibration projects have no PI to ask."""
    record(runtime, replace(PROJECT, code="2011.0.00001.SV"), replace(PROJECT, code="2011.0.00001.CAL"))
    with runtime.store.reading() as session:
        assert session.exec(select(Project.is_pi_project)).all() == [False, False]


def test_every_changed_fact_is_told(runtime: Runtime) -> None:
    """Facts of the project and of its units with what they were; of an address only that it changed."""
    record(runtime, replace(PROJECT, pi_email="jane@example.org", extra={"year": "2013"}), emails=True)
    later = replace(
        PROJECT,
        title="Warm dust",
        pi_email="doe@example.org",
        extra={"year": "2014"},
        units=(HarvestedUnit("uid://A1/X1/X1", released_on=date(2016, 8, 1)), HarvestedUnit("uid://A1/X1/X3")),
        bib_references=("2016ApJ...801....2D",),
    )
    with runtime.store.writing() as session:
        (outcome,) = record_projects(session, [later], grammar=runtime.grammar, now=LATER, take_emails=True)
    told = {(change.fact, change.unit): (change.before, change.after) for change in outcome.changes}
    assert told == {
        ("title", None): (PROJECT.title, "Warm dust"),
        ("pi_email", None): ("an address", "another address"),
        ("year", None): ("2013", "2014"),
        ("released_on", "uid://A1/X1/X1"): (date(2016, 5, 1), date(2016, 8, 1)),
        ("unit", "uid://A1/X1/X3"): (None, None),
        ("bib_references", None): (None, "2016ApJ...801....2D"),
    }
    assert {change.code for change in outcome.changes} == {PROJECT.code}
    assert [change.fact for change in outcome.changes if change.is_moved_release] == ["released_on"]


def test_a_new_project_has_no_changes(runtime: Runtime) -> None:
    """All of it is new; nothing of it was something else before."""
    with runtime.store.writing() as session:
        (outcome,) = record_projects(session, [PROJECT], grammar=runtime.grammar, now=NOW)
    assert (outcome.what, outcome.changes, outcome.moved) == (Recorded.NEW, (), 0)


def test_which_projects_a_source_gave_is_known(runtime: Runtime) -> None:
    """By whatever it said that was new: facts, units' dates or papers; another source's projects are not its own."""
    record(runtime, replace(PROJECT, source="registry"))
    other = replace(PROJECT, code="2015.1.00001.S", source="file", bib_references=())
    record(runtime, other)
    assert known(runtime, "registry") == {PROJECT.code}
    moved = replace(other, source="registry", units=(HarvestedUnit("uid://A1/X1/X1", released_on=date(2020, 1, 1)),))
    record(runtime, moved, now=LATER)
    assert known(runtime, "registry") == {PROJECT.code, "2015.1.00001.S"}
    assert known(runtime, "registry", ["2015.1"]) == {"2015.1.00001.S"}
    assert known(runtime, "nobody") == set()


def known(runtime: Runtime, source: str, cycles: list[str] | None = None) -> set[str]:
    """The codes that a source gave."""
    with runtime.store.reading() as session:
        return known_from(session, source, cycles)


def test_a_name_of_absurd_length_is_cut(runtime: Runtime) -> None:
    """PostgreSQL cannot index thousands of characters; the project is stored all the same, and stays unchanged."""
    endless = replace(PROJECT, pi="".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=20_000)))
    assert record(runtime, endless) == [Recorded.NEW]
    assert record(runtime, endless, now=LATER) == [Recorded.UNCHANGED]
