"""Rules that give papers to libraries: what they move, in which order they hold, and who may make them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import col, select

from biblio import webkit
from biblio.errors import RequestRefused, Stale
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import DeskItem, JobRun, LibraryRule
from biblio.store.words import Outcome, Trigger
from biblio.verify.proposing.match import match
from biblio.verify.queue.items import refresh
from biblio.verify.queue.tally import true_up
from biblio.verify.sharing import library_rules
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.library_rules import Move
from tests.verify.shared_work import Work, as_client, today, two_papers


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """Two papers that wait, one in ApJ and one in PASJ, both from ads, and three people."""
    return two_papers(runtime)


def libraries(runtime: Runtime) -> list[str | None]:
    """Whose the papers in the queue are, by paper; worked out anew they are the same, and the counts are right."""
    with runtime.store.writing() as session:
        papers = list(session.exec(select(DeskItem.paper_id)))
        assert refresh(session, runtime.profile, papers, today=runtime.clock.today()) == 0
        assert true_up(session) == 0
        return [row.library for row in session.exec(select(DeskItem).order_by(DeskItem.paper_id))]  # type: ignore[arg-type]


def rule(runtime: Runtime, work: Work, library: str, *, journal: str = "", source: str = "") -> LibraryRule:
    """Let the head librarian put a rule in force."""
    with runtime.store.writing() as session:
        return sharing.add_rule(session, work.ines, (journal, source), library, today(runtime))[0]


def test_a_rule_moves_what_waits_and_ending_it_moves_it_back(runtime: Runtime, work: Work) -> None:
    """The more specific one holds while both are there."""
    assert libraries(runtime) == ["ESO", "ESO"]
    by_source = rule(runtime, work, "NAOJ", source="ads")
    assert libraries(runtime) == ["NAOJ", "NAOJ"]
    by_journal = rule(runtime, work, "NRAO", journal="PASJ")
    assert libraries(runtime) == ["NAOJ", "NRAO"]
    for row, then in ((by_journal, ["NAOJ", "NAOJ"]), (by_source, ["ESO", "ESO"])):
        with runtime.store.writing() as session:
            sharing.end_rule(session, work.ines, row.id or 0, today(runtime))
        assert libraries(runtime) == then
    with pytest.raises(Stale), runtime.store.writing() as session:
        sharing.end_rule(session, work.ines, by_source.id or 0, today(runtime))


def test_the_preview_counts_what_would_move(runtime: Runtime, work: Work) -> None:
    """Not what a person gave away, what a more specific rule holds, or what is there already."""
    with runtime.store.reading() as session:
        assert library_rules.preview(session, ("", "ads"), "NAOJ") == Move(2, (("ESO", 2),))
        assert library_rules.preview(session, ("", "ads"), "ESO") == Move(0, ())
        assert library_rules.preview(session, ("PASJ", "arxiv"), "NAOJ") == Move(0, ())
    rule(runtime, work, "NRAO", journal="PASJ")
    with runtime.store.reading() as session:
        assert library_rules.preview(session, ("", "ads"), "NAOJ") == Move(1, (("ESO", 1),))
    with runtime.store.writing() as session:
        sharing.hand_to_library(session, work.vera, work.paper, "ESO", "ours", today(runtime))
    with runtime.store.reading() as session:
        assert library_rules.preview(session, ("", "ads"), "NAOJ") == Move(0, ())
    rule(runtime, work, "NAOJ", source="ads")
    assert libraries(runtime) == ["ESO", "NRAO"]
    with runtime.store.reading() as session:
        assert [(r.rule.library, r.count) for r in library_rules.rule_rows(session)] == [("NAOJ", 0), ("NRAO", 1)]


@pytest.mark.parametrize(
    ("library", "journal", "source", "words"),
    [
        ("NRAO", "PASJ", "", "end that one first"),
        ("NRAO", "", "", "Choose a journal"),
        ("NOBODY", "ApJ", "", "Choose the library"),
    ],
    ids=["tie", "everything", "unknown library"],
)
def test_rules_that_tie_or_say_nothing_are_refused(
    runtime: Runtime, work: Work, library: str, journal: str, source: str, words: str
) -> None:
    """Each with what to do; nothing is stored."""
    rule(runtime, work, "NAOJ", journal="PASJ")
    with pytest.raises(RequestRefused, match=words):
        rule(runtime, work, library, journal=journal, source=source)
    assert libraries(runtime) == ["ESO", "NAOJ"]


def test_what_a_page_cannot_wait_for_the_job_moves(
    runtime: Runtime, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces, each committed; the page moves the first ones."""
    monkeypatch.setattr(library_rules, "AT_ONCE", 1)
    monkeypatch.setattr(library_rules, "MOVED_AT_ONCE", 1)
    with runtime.store.writing() as session:
        _, is_more = sharing.add_rule(session, work.ines, ("", "ads"), "NAOJ", today(runtime))
    assert is_more
    with runtime.store.reading() as session:
        assert [session.get_one(DeskItem, paper).library for paper in (work.paper, work.other)] == ["NAOJ", "ESO"]
    row = run_job(runtime, library_rules.libraries, arguments={"source": "ads"})
    assert row.outcome is Outcome.SUCCEEDED
    assert row.counts["moved"] == 1
    assert libraries(runtime) == ["NAOJ", "NAOJ"]


def test_the_page_leaves_the_rest_to_the_job(
    runtime: Runtime, app: Flask, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers at once; the job runs in the background, under the name of whoever pressed the button."""
    monkeypatch.setattr(library_rules, "AT_ONCE", 1)
    monkeypatch.setattr(library_rules, "MOVED_AT_ONCE", 1)
    ines = as_client(app, runtime, work.ines)
    assert ines.post("/desk/libraries/rules", data={"source": "ads", "library": "NAOJ"}).status_code == 302
    for thread in threading.enumerate():
        if thread.name == "job-libraries":
            thread.join(timeout=60)
    with runtime.store.reading() as session:
        row = session.exec(select(JobRun).where(col(JobRun.job) == "libraries")).one()
        assert (row.outcome, row.actor_id) == (Outcome.SUCCEEDED, work.ines.user_id)
    assert libraries(runtime) == ["NAOJ", "NAOJ"]


def test_a_move_that_was_killed_is_said_and_made_good(
    runtime: Runtime, app: Flask, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after the first piece: the page says so, and the night's matching moves the rest."""
    monkeypatch.setattr(library_rules, "AT_ONCE", 1)
    monkeypatch.setattr(library_rules, "MOVED_AT_ONCE", 1)
    with runtime.store.writing() as session:
        sharing.add_rule(session, work.ines, ("", "ads"), "NAOJ", today(runtime))
        now = runtime.clock.now()
        session.add(
            JobRun(job="libraries", started_by=Trigger.HAND, outcome=Outcome.RUNNING, started_at=now,
                   lease_until=now - timedelta(hours=1), version="1")
        )  # fmt: skip
    vera = as_client(app, runtime, work.vera)
    assert "Broken off" in vera.get("/desk/libraries").get_data(as_text=True)
    assert run_job(runtime, match).outcome is Outcome.SUCCEEDED
    assert libraries(runtime) == ["NAOJ", "NAOJ"]
    assert run_job(runtime, library_rules.libraries).outcome is Outcome.SUCCEEDED
    assert "Broken off" not in vera.get("/desk/libraries").get_data(as_text=True)


def test_a_library_that_left_the_profile_keeps_nothing_out_of_sight(runtime: Runtime, app: Flask, work: Work) -> None:
    """Its rule, its papers and its people stay in sight under its name; the rule can be ended, not made anew."""
    row = rule(runtime, work, "NAOJ", journal="PASJ")
    left = tuple(p for p in runtime.profile.partners if p.library != "NAOJ")
    renamed = replace(runtime, profile=runtime.profile.model_copy(update={"partners": left}))
    webkit.attach_runtime(app, renamed)
    ines = as_client(app, renamed, work.ines)
    page = ines.get("/desk/libraries").get_data(as_text=True)
    assert "not in the profile any more" in page
    assert "More on Tamsin 7" in ines.get("/desk?library=NAOJ").get_data(as_text=True)
    assert ines.get(f"/desk/paper/{work.other}").status_code == 200
    assert ines.post(f"/desk/libraries/rules/{row.id}/end").status_code == 302
    assert libraries(renamed) == ["ESO", "ESO"]
    again = ines.post(f"/desk/libraries/rules/{row.id}/again", follow_redirects=True).get_data(as_text=True)
    assert "Choose the library that the papers are for." in again
    assert "not in the profile" not in again


def test_a_head_librarian_makes_ends_and_restores_rules_on_the_page(runtime: Runtime, app: Flask, work: Work) -> None:
    """The preview first; others see the rules and have no form."""
    ines, vera = as_client(app, runtime, work.ines), as_client(app, runtime, work.vera)
    wanted = {"journal": "PASJ", "source": "", "library": "NAOJ"}
    preview = ines.get("/desk/libraries", query_string=wanted).get_data(as_text=True)
    assert "1 waiting paper" in preview
    assert vera.post("/desk/libraries/rules", data=wanted).status_code == 403
    page = ines.post("/desk/libraries/rules", data=wanted, follow_redirects=True).get_data(as_text=True)
    assert "The journal PASJ" in page or "the journal PASJ are NAOJ’s" in page
    assert libraries(runtime) == ["ESO", "NAOJ"]
    assert ines.post("/desk/libraries/rules", data=wanted).status_code == 422
    with runtime.store.reading() as session:
        number = session.exec(select(LibraryRule)).one().id
    assert "PASJ" in vera.get("/desk/libraries").get_data(as_text=True)
    ines.post(f"/desk/libraries/rules/{number}/end")
    assert libraries(runtime) == ["ESO", "ESO"]
    ines.post(f"/desk/libraries/rules/{number}/again")
    assert libraries(runtime) == ["ESO", "NAOJ"]
    for data in ({}, {"library": "NAOJ"}, {"library": "NAOJ", "source": "<b>"}, {"library": "x", "journal": "ApJ"}):
        assert ines.post("/desk/libraries/rules", data=data).status_code == 422
