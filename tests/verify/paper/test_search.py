"""Searching a project at the desk: what is found, in which order, and that nothing found is out of date."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.runtime import Runtime
from biblio.store import Store, make_engine
from biblio.store.models import Project, ProjectRevision
from biblio.verify.paper.project_words import ProjectWords
from biblio.verify.paper.search import MOST_FOUND, find_projects
from tests.verify.conftest import Login
from tests.verify.factories import SEEN, add_paper, add_project


def _codes(session: Session, projects: ProjectWords, words: str) -> list[str]:
    return [session.get_one(Project, number).code for number in find_projects(session, projects, words)]


def _retitle(session: Session, project_id: int, title: str) -> None:
    """Store another title, as the harvest does: a new revision takes the place of the one in force."""
    row = session.exec(
        select(ProjectRevision).where(
            col(ProjectRevision.project_id) == project_id, col(ProjectRevision.superseded_at).is_(None)
        )
    ).one()
    row.superseded_at = SEEN
    session.add(row)
    session.flush()
    session.add(ProjectRevision(project_id=project_id, source="test", learned_at=SEEN, title=title, pi=row.pi))
    session.flush()


def test_a_project_is_found_by_code_pi_title_and_target(store: Store) -> None:
    """Parts of words are enough, all words must stand there, in any case and whichever field each is in."""
    with store.writing() as session:
        add_project(session, "2016.1.00001.S", title="Cold gas", pi="Oduya, Marit", targets=("Tamsin 7", "Ilse 3"))
        add_project(session, "2017.1.00002.S", title="Hot dust", pi="Brandvold, Ilse", targets=())
        words = ProjectWords()
        assert _codes(session, words, "00001") == ["2016.1.00001.S"]
        assert _codes(session, words, "oduya") == ["2016.1.00001.S"]
        assert _codes(session, words, "GAS tams 2016") == ["2016.1.00001.S"]
        assert _codes(session, words, "ilse") == ["2017.1.00002.S", "2016.1.00001.S"]
        assert _codes(session, words, "gas dust") == []


def test_accents_need_not_be_typed(store: Store) -> None:
    """ "Muller" finds "Müller", "Çelik" finds "Celik", and "halpha" a title with a Greek letter."""
    with store.writing() as session:
        add_project(session, "2016.1.00001.S", pi="Müller, Åsa", title="Hα in discs")
        add_project(session, "2016.1.00002.S", pi="Celik, Oya")
        words = ProjectWords()
        for typed in ("Muller", "MÜLLER", "asa", "halpha"):
            assert _codes(session, words, typed) == ["2016.1.00001.S"], typed
        assert _codes(session, words, "Çelik") == ["2016.1.00002.S"]


def test_the_best_come_first(store: Store) -> None:
    """A code's beginning before its inside, then the PI, then title and targets; among equals the newest code."""
    with store.writing() as session:
        add_project(session, "2011.0.00009.S", title="Lines at 2016 GHz")
        add_project(session, "2012.1.02016.S")
        add_project(session, "2013.0.00009.S", targets=("NGC 2016",))
        add_project(session, "2014.1.00009.S", pi="Group 2016")
        add_project(session, "2016.1.00007.S")
        add_project(session, "2016.1.00008.S")
        found = _codes(session, ProjectWords(), "2016")
    assert found == [
        "2016.1.00008.S", "2016.1.00007.S", "2012.1.02016.S", "2014.1.00009.S", "2013.0.00009.S", "2011.0.00009.S",
    ]  # fmt: skip


def test_no_more_are_found_than_are_shown(store: Store) -> None:
    """Twenty projects fit; the page gets the best dozen."""
    with store.writing() as session:
        for number in range(20):
            add_project(session, f"2016.1.{number:05}.S")
        found = _codes(session, ProjectWords(), "2016.1")
    assert len(found) == MOST_FOUND
    assert found[0] == "2016.1.00019.S"


@pytest.mark.parametrize("words", ["%", "_", "\\", "%%%", "'; DROP TABLE project; --", "\0", "[a-z]*", "\u200b", "   "])
def test_hostile_words_mean_nothing_but_themselves(store: Store, words: str) -> None:
    """Wildcards, quotes, NUL and signs that no keyboard types find no project that does not hold them."""
    with store.writing() as session:
        add_project(session)
        assert _codes(session, ProjectWords(), words) == []


def test_a_new_project_and_a_changed_title_are_found_at_once(store: Store) -> None:
    """Two processes with words of their own, one of which writes: each of them finds what is there now."""
    other = Store(make_engine(store.engine.url.render_as_string(hide_password=False)))
    here, there = ProjectWords(), ProjectWords()
    with store.writing() as session:
        first = add_project(session, "2016.1.00001.S", title="Cold gas")
    for kept, at in ((here, store), (there, other)):
        with at.reading() as session:
            assert _codes(session, kept, "cold") == ["2016.1.00001.S"]
    with store.writing() as session:
        add_project(session, "2017.1.00002.S", title="Cold dust")
        _retitle(session, first, "Warm gas")
        session.add(Project(code="2018.1.00003.S", first_seen_at=SEEN))
    for kept, at in ((here, store), (there, other)):
        with at.reading() as session:
            assert _codes(session, kept, "cold") == ["2017.1.00002.S"]
            assert _codes(session, kept, "warm") == ["2016.1.00001.S"]
            assert _codes(session, kept, "00003") == ["2018.1.00003.S"]
    other.engine.dispose()


def test_a_slow_writer_with_a_lower_number_is_not_missed(store: Store) -> None:
    """A revision that appears below the greatest number seen is found, as on PostgreSQL when its writer was slow."""
    words = ProjectWords()
    with store.writing() as session:
        first = add_project(session, "2016.1.00001.S", title="Cold gas")
        late = session.exec(select(ProjectRevision)).one()
        late_id = late.id
        add_project(session, "2017.1.00002.S", title="Hot dust")
        session.delete(late)
    with store.reading() as session:
        assert _codes(session, words, "cold") == []
    with store.writing() as session:
        session.add(ProjectRevision(id=late_id, project_id=first, source="test", learned_at=SEEN, title="Cold gas"))
    with store.reading() as session:
        assert _codes(session, words, "cold") == ["2016.1.00001.S"]


def test_words_are_read_once_until_something_changes(store: Store) -> None:
    """Eight threads that ask at once read the projects once; later searches ask whether they changed, and no more."""
    with store.writing() as session:
        add_project(session, "2016.1.00001.S")
    words = ProjectWords()
    seen: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))

    def ask() -> None:
        with store.reading() as session:
            assert len(find_projects(session, words, "tamsin")) == 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("project_revision.targets" in statement for statement in seen) == 1
    seen.clear()
    ask()
    assert len([statement for statement in seen if not statement.startswith("BEGIN")]) == 1


def test_the_page_finds_projects_without_accents(runtime: Runtime, login: Login) -> None:
    """The search of the paper page offers the project found."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S", pi="Müller, Åsa")
        paper = add_paper(session)
    text = login().get(f"/desk/paper/{paper}?find=muller").get_data(as_text=True)
    assert "2016.1.00001.S" in text
